"""A region of interest is a part of each frame, in pixels or in fractions of it; outside of it is an error."""

from __future__ import annotations

import numpy as np
import pytest

from edge.errors import BadOption, SourceError
from edge.frame import Frame
from edge.isolation.roi import cropped, parse_roi


def numbered(height: int = 60, width: int = 80) -> Frame:
    """Every pixel holds its column, its row and a constant."""
    rows, columns = np.mgrid[:height, :width].astype(np.uint8)
    return Frame(np.dstack([columns, rows, np.full_like(rows, 7)]), "photo.png", 3, 1.5, 0.25, is_live=True)


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("10,20,30,40", (10, 20, 40, 60)),
        (" 0, 0, 80, 60 ", (0, 0, 80, 60)),
        ("0.25,0.5,0.5,0.25", (20, 30, 60, 45)),
        ("0,0,1,1", (0, 0, 80, 60)),  # none above one: the whole frame
        ("0,0,.5,1.", (0, 0, 40, 60)),
        ("0.1,0.7,0.9,0.3", (8, 42, 80, 60)),  # 0.7 + 0.3 and 0.1 + 0.9, as floats have them
        ("0.999,0.999,0.001,0.001", (79, 59, 80, 60)),  # less than a pixel is one
    ],
)
def test_the_region_is_cut_out(text: str, box: tuple[int, int, int, int]) -> None:
    (part,) = cropped([numbered()], parse_roi(text))
    left, top, right, bottom = box
    np.testing.assert_array_equal(part.pixels, numbered().pixels[top:bottom, left:right])
    assert part.pixels.flags.c_contiguous
    assert (part.source, part.index, part.captured_at_s, part.is_live) == ("photo.png", 3, 1.5, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "a,b,c,d",
        "-1,0,10,10",
        "0,0,0,10",
        "0,0,10,0",
        "0.5,0,0.6,1",
        "0,0.5,1,0.6",
        "0.5,0,100,100",
        "0,0,nan,1",
        "1e3,0,1,1",
        "0,0,0.0,1",
    ],
)
def test_a_bad_region_is_a_bad_option(text: str) -> None:
    with pytest.raises(BadOption, match="--roi") as caught:
        parse_roi(text)
    assert "fractions" in caught.value.hint


@pytest.mark.parametrize("text", ["50,0,31,10", "0,50,10,11", "90,0,10,10"])
def test_outside_of_the_frame_its_size_is_said(text: str) -> None:
    with pytest.raises(SourceError, match=rf"--roi {text} reaches outside photo.png, whose frames are 80 x 60"):
        next(cropped([numbered()], parse_roi(text)))
