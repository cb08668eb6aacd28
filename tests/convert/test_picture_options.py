"""What the options say of a picture, and what they may not say of one kind of model or another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from convert.picture_options import ChannelOrder, PictureOptions
from convert.settings import Settings
from edge.errors import BadOption, FloatModelUnreadable
from edge.spec import Colour, Framing, ImageSpec, Resampling

PATH = Path("m.keras")
GREY, COLOUR = (28, 28, 1), (48, 40, 3)


def test_without_options_grey_models_see_garments_and_others_whole_pictures() -> None:
    assert PictureOptions().image(PATH, GREY) == ImageSpec()
    assert PictureOptions().image(PATH, COLOUR) == ImageSpec(48, 40, 0, 255, Colour.RGB, Framing.STRETCH)


def test_each_option_is_taken_and_stands_in_the_command() -> None:
    told = PictureOptions(Framing.GARMENT_COLOUR, ChannelOrder.BGR, None, "#ff8000")
    image = told.image(PATH, COLOUR)
    assert (image.framing, image.colour, image.ground) == (Framing.GARMENT_COLOUR, Colour.BGR, (255, 128, 0))
    assert Settings(PATH, picture=told).command.endswith("--framing garment-colour --colour bgr --ground '#ff8000'")
    area = PictureOptions(Framing.CROP, resampling=Resampling.AREA).image(PATH, GREY)
    assert (area.framing, area.resampling, area.colour) == (Framing.CROP, Resampling.AREA, Colour.GREY)


@pytest.mark.parametrize(
    ("options", "size", "said"),
    [
        ({"colour": ChannelOrder.BGR}, GREY, "--colour bgr: m.keras takes grey pictures"),
        ({"framing": Framing.GARMENT_COLOUR}, GREY, "takes grey pictures"),
        ({"framing": Framing.GARMENT_GREY}, COLOUR, "takes three channels"),
        ({"resampling": Resampling.AREA}, GREY, "--resampling is for whole frames"),
        ({"ground": "#ffffff"}, COLOUR, "leaves nothing around"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], size: tuple[int, int, int], said: str) -> None:
    with pytest.raises(BadOption, match=said):
        PictureOptions(**options).image(PATH, size)


@pytest.mark.parametrize("ground", ["white", "#fff", "#12345g", "#1234567"])
def test_a_colour_is_spelt_in_one_way(ground: str) -> None:
    with pytest.raises(BadOption, match="expected #rrggbb"):
        PictureOptions(ground=ground)


def test_options_may_repeat_what_a_file_says_but_not_contradict_it() -> None:
    recorded = ImageSpec(48, 40, 0, 1, Colour.RGB, Framing.LETTERBOX, ground=(0, 0, 255))
    PictureOptions().check_recorded(PATH, COLOUR, recorded)
    PictureOptions(Framing.LETTERBOX, ChannelOrder.RGB, Resampling.BILINEAR, "#0000ff").check_recorded(
        PATH, COLOUR, recorded
    )
    for told, right in (
        (PictureOptions(Framing.CROP), "--framing frame-crop: m.keras says that it was trained with frame-letterbox"),
        (PictureOptions(colour=ChannelOrder.BGR), "trained with rgb"),
        (PictureOptions(resampling=Resampling.AREA), "trained with bilinear"),
        (PictureOptions(ground="#000000"), "--ground #000000: m.keras says that it was trained with #0000ff"),
    ):
        with pytest.raises(BadOption, match=right):
            told.check_recorded(PATH, COLOUR, recorded)
    with pytest.raises(FloatModelUnreadable, match=r"takes pictures of 28x28, its record says .* on 48x40x3"):
        PictureOptions().check_recorded(PATH, GREY, recorded)
