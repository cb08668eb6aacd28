"""The command `fmnist-edge info`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge.choices import DEFAULT_MODEL, Format
from edge.cli import console
from edge.cli.option_groups import takes_option_groups
from edge.cli.options import BackendOptions, open_on, read_checked, refuse_csv
from edge.errors import ModelUnsupported

if TYPE_CHECKING:
    from edge.inference.interpreters import Interpreter
    from edge.inference.model_file import Model


@takes_option_groups
def info(
    model: Annotated[str, typer.Argument(help="Name of a bundled model, or a .tflite file.")] = DEFAULT_MODEL,
    form: Annotated[Format, typer.Option("--format", "-f", help="table or json.")] = Format.TABLE,
    *,
    on: BackendOptions,
) -> None:
    """Say what a model file is: tensors, labels, accuracy and where it came from."""
    import json

    from edge.cli.display import print_facts

    refuse_csv(form)
    found = read_checked(model, on)
    opened = open_on(found, on)
    interpreter = opened.interpreter
    facts: dict[str, Any] = {
        "file": str(found.path),
        "bytes": found.path.stat().st_size,
        "runtime": interpreter.name,
        **({"runs": str(opened.model.path)} if opened.model is not found else {}),
        "takes": _takes(found, interpreter),
        "not_taken": {str(one.backend): {"cause": one.cause, "reason": one.text} for one in opened.reasons},
        **{
            side: {
                "shape": list(tensor.shape),
                "dtype": tensor.dtype.name,
                "scale": tensor.scale,
                "zero_point": tensor.zero_point,
            }
            for side, tensor in (("input", interpreter.input), ("output", interpreter.output))
        },
        **(
            {
                "signed": {
                    "key": found.signature.key_id,
                    "at": found.signature.signed_at,
                    "expires": found.signature.expires or "never",
                }
            }
            if found.signature
            else {}
        ),
        "manifest": found.manifest,
    }
    if form is Format.JSON:
        console.say_json(json.dumps(facts, indent=2))
    else:
        print_facts(facts)


def _takes(model: Model, interpreter: Interpreter) -> str:
    """The pictures that it takes: as the manifest says, else as classify would assume."""
    image = model.image
    if image is None:
        from edge.inference.plain_model import image_of

        try:
            image = image_of(model, interpreter.input)
        except ModelUnsupported as error:
            return f"nothing that classify could give it: {error.message}"
    assumed = "" if model.image is not None else " (assumed: the file has no manifest)"
    pixels = f"pixels {image.low:.4g}..{image.high:.4g}"
    return f"{image.colour} {image.framing} of {image.height}x{image.width}, {pixels}{assumed}"
