"""A whole frame becomes the picture that Keras would have made of its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.isolation.network_input import see, to_input
from edge.isolation.resizing import resized
from edge.isolation.whole_frame import in_colours_of, whole_frame
from edge.opencv import cv2
from edge.spec import Colour, Framing, ImageSpec, Resampling

FRAMES = ((480, 640), (333, 517), (101, 97), (64, 64), (1, 300), (300, 1), (90, 1700), (1, 1), (57, 31))
PICTURES = ((180, 180), (97, 181), (224, 160), (1, 64), (64, 1))


def frame(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3)).astype(np.uint8)


def spec(framing: Framing, height: int = 60, width: int = 60, **others: object) -> ImageSpec:
    return ImageSpec(height, width, framing=framing, **({"colour": Colour.RGB} | others))  # type: ignore[arg-type]


def test_a_frame_is_one_picture_in_which_nothing_is_sought() -> None:
    for framing in (Framing.STRETCH, Framing.LETTERBOX, Framing.CROP):
        seen = see(frame(90, 120), spec(framing), views=6)
        assert seen.garment is None
        assert seen.pictures.shape == (1, 60, 60, 3)


@pytest.mark.parametrize("framing", [Framing.STRETCH, Framing.LETTERBOX, Framing.CROP])
def test_a_picture_of_the_models_size_passes_untouched(framing: Framing) -> None:
    """But for the order of its channels, which is what it says: bytes come back as they were."""
    pixels = frame(60, 60)
    for resampling in Resampling:
        bgr = to_input(pixels, spec(framing, colour=Colour.BGR, resampling=resampling))
        rgb = to_input(pixels, spec(framing, colour=Colour.RGB, resampling=resampling))
        np.testing.assert_array_equal(bgr, pixels)
        np.testing.assert_array_equal(rgb, pixels[..., ::-1])


def test_channels_are_in_the_order_that_is_said() -> None:
    """A red frame, which is (0, 0, 255) in blue green red."""
    red = np.full((40, 50, 3), (0, 0, 255), np.uint8)
    assert (to_input(red, spec(Framing.STRETCH, colour=Colour.RGB)) == (255, 0, 0)).all()
    assert (to_input(red, spec(Framing.STRETCH, colour=Colour.BGR)) == (0, 0, 255)).all()
    assert (to_input(red, spec(Framing.STRETCH, colour=Colour.GREY)) == 76).all()


def test_grey_is_made_after_the_size() -> None:
    pixels = frame(80, 70)
    found = whole_frame(pixels, spec(Framing.STRETCH, colour=Colour.GREY))
    small = resized(pixels, 60, 60, Resampling.BILINEAR)
    np.testing.assert_array_equal(found, cv2.cvtColor(small, cv2.COLOR_BGR2GRAY))


def test_the_middle_is_cut_out() -> None:
    pixels = frame(100, 300)
    pixels[:, 90:210] = (10, 20, 30)
    assert (whole_frame(pixels, spec(Framing.CROP)) == (30, 20, 10)).all()
    assert (whole_frame(pixels.transpose(1, 0, 2), spec(Framing.CROP)) == (30, 20, 10)).all()


def test_borders_have_the_colour_of_the_ground_whatever_the_order_of_channels() -> None:
    white = np.full((30, 90, 3), 255, np.uint8)
    for colour, ground in ((Colour.RGB, (200, 100, 7)), (Colour.BGR, (7, 100, 200)), (Colour.GREY, 119)):
        picture = whole_frame(white, spec(Framing.LETTERBOX, colour=colour, ground=(200, 100, 7)))
        assert (picture[:20] == ground).all()
        assert (picture[40:] == ground).all()
        assert (picture[20:40] == 255).all()


@pytest.mark.parametrize("framing", [Framing.STRETCH, Framing.LETTERBOX, Framing.CROP])
@pytest.mark.parametrize("resampling", Resampling)
def test_frames_and_pictures_of_all_shapes(framing: Framing, resampling: Resampling) -> None:
    for size in FRAMES:
        for height, width in PICTURES:
            picture = to_input(frame(*size), spec(framing, height, width, resampling=resampling))
            assert picture.shape == (height, width, 3)
            assert picture.flags.c_contiguous


def test_a_frame_is_not_changed() -> None:
    pixels = frame(70, 50)
    before = pixels.copy()
    for framing in (Framing.STRETCH, Framing.LETTERBOX, Framing.CROP):
        to_input(pixels, spec(framing))
    in_colours_of(pixels, spec(Framing.STRETCH))
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize(
    ("framing", "option"),
    [(Framing.STRETCH, None), (Framing.LETTERBOX, "pad_to_aspect_ratio"), (Framing.CROP, "crop_to_aspect_ratio")],
)
def test_keras_reads_a_folder_into_the_same_pictures(framing: Framing, option: str | None, tmp_path: Path) -> None:
    """To within one level: same rows and columns, same borders, whatever the shapes."""
    keras = pytest.importorskip("keras", reason="the device has none")
    folder = tmp_path / "frames" / "one class"
    folder.mkdir(parents=True)
    sizes = [size for size in FRAMES if framing is not Framing.LETTERBOX or min(size) > 1]
    for number, size in enumerate(sizes):  # Keras fails where a side would vanish
        assert cv2.imwrite(str(folder / f"{number}.png"), frame(*size))
    for height, width in PICTURES[:3]:
        read = keras.utils.image_dataset_from_directory(
            folder.parent,
            labels=None,
            image_size=(height, width),
            shuffle=False,
            batch_size=None,
            verbose=False,
            **({} if option is None else {option: True}),
        )
        theirs = list(read.as_numpy_iterator())
        for size, one in zip(sizes, theirs, strict=True):
            ours = whole_frame(frame(*size), spec(framing, height, width))
            apart = np.abs(ours - np.rint(one))
            assert apart.max() <= 1, (size, (height, width))
            assert (apart > 0).mean() < 0.2


def test_a_grey_folder_of_keras_differs_by_no_more_than_two_levels(tmp_path: Path) -> None:
    """It makes pictures grey first, and weighs the channels in another way."""
    keras = pytest.importorskip("keras", reason="the device has none")
    folder = tmp_path / "frames" / "one class"
    folder.mkdir(parents=True)
    assert cv2.imwrite(str(folder / "0.png"), frame(120, 160))
    read = keras.utils.image_dataset_from_directory(
        folder.parent, labels=None, color_mode="grayscale", image_size=(60, 60), batch_size=None, verbose=False
    )
    (theirs,) = read.as_numpy_iterator()
    ours = whole_frame(frame(120, 160), spec(Framing.STRETCH, colour=Colour.GREY))
    assert np.abs(ours - theirs[..., 0]).max() <= 2
