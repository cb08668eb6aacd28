"""Whole frames and garments in colour are what they were: networks of one's own were trained on them.

`python -m tests.edge.isolation.test_framings_unchanged` writes the file anew, where a change is meant.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from edge.isolation.network_input import see
from edge.spec import Colour, Framing, ImageSpec, Resampling
from tests.edge.isolation.drawn_frames import drawn_frames
from tests.edge.isolation.test_unchanged import digest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXPECTED = Path(__file__).parents[2] / "data" / "framings.json"

SPECS = {
    "stretch": ImageSpec(96, 96, colour=Colour.RGB, framing=Framing.STRETCH),
    "stretch grey": ImageSpec(64, 80, framing=Framing.STRETCH),
    "stretch area": ImageSpec(60, 41, colour=Colour.BGR, framing=Framing.STRETCH, resampling=Resampling.AREA),
    "letterbox": ImageSpec(97, 80, colour=Colour.RGB, framing=Framing.LETTERBOX, ground=(9, 80, 200)),
    "letterbox area": ImageSpec(
        64, 64, colour=Colour.RGB, framing=Framing.LETTERBOX, resampling=Resampling.AREA, ground=(255, 255, 255)
    ),
    "crop": ImageSpec(81, 96, colour=Colour.RGB, framing=Framing.CROP),
    "crop area": ImageSpec(48, 48, colour=Colour.BGR, framing=Framing.CROP, resampling=Resampling.AREA),
    "garment": ImageSpec(96, 96, colour=Colour.RGB, framing=Framing.GARMENT_COLOUR, ground=(255, 255, 255)),
    "garment tall": ImageSpec(90, 50, colour=Colour.BGR, framing=Framing.GARMENT_COLOUR),
}
EVERY = 3
"""Frame that is looked at; 1080p and 720p among them, panoramas, worn ones."""


def observed(frame: NDArray[np.uint8]) -> dict[str, str]:
    return {"frame": digest(frame)} | {name: digest(see(frame, spec, views=3).pictures) for name, spec in SPECS.items()}


def frames() -> dict[str, NDArray[np.uint8]]:
    return {name: frame for number, (name, frame) in enumerate(drawn_frames()) if number % EVERY == 0}


def test_pictures_of_frames_are_what_they_were() -> None:
    expected = json.loads(EXPECTED.read_text("utf-8"))
    found = {name: observed(frame) for name, frame in frames().items()}
    differing = {name: (expected.get(name), one) for name, one in found.items() if one != expected.get(name)}
    assert not differing
    assert found.keys() == expected.keys()
    assert {name for one in found.values() for name in one} == {"frame", *SPECS}
    assert sum("worn" in name for name in found) >= 2


if __name__ == "__main__":
    written = {name: observed(frame) for name, frame in frames().items()}
    EXPECTED.write_text(
        "{\n" + ",\n".join(f'"{name}": {json.dumps(one)}' for name, one in written.items()) + "\n}\n", "utf-8"
    )
