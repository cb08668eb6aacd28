"""The command `fmnist-edge cameras`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge.choices import Format
from edge.cli import console
from edge.cli.options import refuse_csv

if TYPE_CHECKING:
    from edge.sources.cameras.camera import FoundCamera


def cameras(
    form: Annotated[Format, typer.Option("--format", "-f", help="table or json.")] = Format.TABLE,
) -> None:
    """List the cameras that are there: what to type after --camera, name, and modes."""
    import json

    from edge.cli.display import print_cameras
    from edge.sources.cameras.camera import found_cameras

    refuse_csv(form)
    found, problems = found_cameras()
    if form is Format.JSON:
        facts = {
            "cameras": [_facts(camera) for camera in found],
            "problems": [{"message": error.message, "hint": error.hint} for error in problems],
        }
        console.say_json(json.dumps(facts, indent=2))
    elif found:
        print_cameras(found)
    if found:
        for error in problems:
            console.note(f"note: {error.message}; {error.hint}")
        return
    for error in problems[:-1]:
        console.complain(error)
    raise problems[-1]


def _facts(camera: FoundCamera) -> dict[str, Any]:
    return {
        "camera": camera.camera,
        "name": camera.name,
        "device": camera.device,
        "library": camera.library,
        "modes": [
            {"format": mode.pixel_format, "width": mode.width, "height": mode.height, "rates": list(mode.rates)}
            for mode in camera.modes
        ],
    }
