"""Masks and views are what they were: networks were trained on them, and whoever makes isolation cheaper proves it.

`python -m tests.edge.isolation.test_unchanged` writes the file anew, where a change is meant; measure then what it
does to photos.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.isolation.garment import find_garment
from edge.isolation.network_input import see
from edge.isolation.rendering import MOST_VIEWS
from edge.isolation.scene import Scene
from edge.spec import ImageSpec
from tests.edge.isolation.drawn_frames import drawn_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXPECTED = Path(__file__).parents[2] / "data" / "isolation.json"


def digest(*arrays: NDArray[np.generic]) -> str:
    whole = hashlib.sha256()
    for array in arrays:
        whole.update(f"{array.dtype} {array.shape}".encode())
        whole.update(np.ascontiguousarray(array).tobytes())
    return whole.hexdigest()[:16]


def observed(frame: NDArray[np.uint8]) -> dict[str, str | int]:
    """What isolation makes of a frame; the frame itself, too, so that a drawing that differs is not taken for it."""
    garment = find_garment(frame)
    torso = () if garment.torso is None else (garment.torso,)
    return {
        "frame": digest(frame),
        "scene": str(garment.scene),
        "masks": digest(*garment.masks),
        "number": len(garment.masks),
        "torso": digest(*torso) if torso else "",
        "views": digest(garment.grey, see(frame, ImageSpec(), MOST_VIEWS).pictures),
        "distinctness": f"{garment.distinctness:.9f}",
        "presence": f"{garment.presence:.9f}",
    }


def test_masks_and_views_are_what_they_were() -> None:
    expected = json.loads(EXPECTED.read_text("utf-8"))
    found = {name: observed(frame) for name, frame in drawn_frames()}
    differing = {name: (expected.get(name), one) for name, one in found.items() if one != expected.get(name)}
    assert not differing
    assert found.keys() == expected.keys()


def test_the_frames_show_all_that_isolation_tells_apart() -> None:
    expected = json.loads(EXPECTED.read_text("utf-8")).values()
    assert {one["scene"] for one in expected} == set(Scene)
    assert {one["number"] for one in expected} >= {0, 1, 3}
    assert sum(bool(one["torso"]) for one in expected) >= 3
    assert len({one["masks"] for one in expected}) > 80


if __name__ == "__main__":
    written = {name: observed(frame) for name, frame in drawn_frames()}
    EXPECTED.write_text(
        "{\n" + ",\n".join(f'"{name}": {json.dumps(one)}' for name, one in written.items()) + "\n}\n", "utf-8"
    )
