"""A frame becomes the picture that the network was trained on."""

from __future__ import annotations

import numpy as np
import pytest

from edge.errors import ModelUnsupported
from edge.isolation.garment import Scene
from edge.isolation.network_input import fit_pictures, is_blank, see, to_input
from edge.opencv import cv2
from edge.spec import Colour, Framing, ImageSpec
from edge.testing import FakeSource
from tests.conftest import Sample
from tests.edge.isolation.drawn_frames import drawn_frames

SPEC = ImageSpec()
LARGE = ImageSpec(56, 56)


def colour(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)


def test_every_picture_of_the_right_size_passes_through_untouched(sample: Sample) -> None:
    for grey in sample.images[:200]:
        seen = see(colour(grey), SPEC, views=5)
        np.testing.assert_array_equal(seen.pictures, grey[np.newaxis])
        assert seen.garment is None


def test_every_byte_survives_the_way_through_colour() -> None:
    grey = np.resize(np.arange(256, dtype=np.uint8), (28, 28))
    np.testing.assert_array_equal(to_input(colour(grey), SPEC), grey)


def test_an_enlarged_picture_of_the_data_set_is_only_shrunk(sample: Sample) -> None:
    same = 0
    for small in sample.images[:200]:
        large = np.kron(small, np.ones((10, 10), np.uint8))
        same += np.array_equal(to_input(colour(large), SPEC), small)
    assert same >= 190  # some bags fill the whole picture


@pytest.mark.parametrize("colour_cast", [0, 2])
def test_a_photo_is_always_negated(colour_cast: int) -> None:
    """A black shirt comes out bright, a white one dark, whatever the ground: so Fashion-MNIST was made."""
    for garment, ground in ((20, 230), (20, 120), (235, 60), (235, 10)):
        frame = np.full((200, 160, 3), ground, np.uint8)
        frame[40:160, 40:120] = garment
        frame[..., 0] += np.uint8(colour_cast)
        picture = to_input(frame, SPEC)
        middle = int(picture[14, 14])
        assert abs(middle - max(255 - garment, 10)) <= 3, (garment, ground, middle)
        assert picture[14, 0] == 0


def test_the_longest_edge_fills_the_picture_and_the_middle_is_the_middle() -> None:
    frame = np.full((100, 300, 3), 250, np.uint8)
    frame[20:80, 200:240] = 10  # upright, far to the right
    rows, columns = np.nonzero(to_input(frame, SPEC) > 128)
    assert (rows.min(), rows.max()) == (0, 27)
    assert abs(columns.min() + columns.max() - 27) <= 1
    assert 16 <= np.ptp(columns) + 1 <= 20


def test_views_come_in_order_each_followed_by_its_mirror_image() -> None:
    frame = np.full((200, 160, 3), 250, np.uint8)
    frame[40:160, 40:100] = 10
    frame[40:70, 40:130] = 10  # not its own mirror image
    six = see(frame, SPEC, views=6).pictures
    assert six.shape == (6, 28, 28)
    np.testing.assert_array_equal(six[1::2], six[::2, :, ::-1])
    for count in range(1, 6):
        np.testing.assert_array_equal(see(frame, SPEC, views=count).pictures, six[:count])
    assert [np.count_nonzero(view.any(axis=1)) for view in six[::2]] == [28, 26, 28]  # the third is cut off
    assert six[4].any(axis=0).sum() > six[0].any(axis=0).sum() > six[2].any(axis=0).sum()


@pytest.mark.parametrize("value", [0, 90, 255])
def test_an_even_frame_holds_nothing(value: int) -> None:
    frame = np.full((48, 64, 3), value, np.uint8)
    seen = see(frame, SPEC)
    assert seen.garment is None or seen.garment.scene is Scene.EMPTY
    assert is_blank(to_input(frame, SPEC))


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (3, 3), (5, 2000), (2000, 5), (29, 29)])
def test_frames_of_odd_shapes_are_seen_too(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    pictures = see(pixels, SPEC, views=3).pictures
    assert pictures.shape[1:] == (28, 28)
    assert to_input(pixels, SPEC).shape == (28, 28)


def test_blank_means_without_contrast() -> None:
    assert is_blank(np.full((28, 28), 90, np.uint8))
    assert not is_blank(to_input(FakeSource.draw(0), SPEC))


def test_a_picture_in_colour_is_blank_if_every_channel_is() -> None:
    """A single pixel of one channel tells, wherever it is; 7 levels do not."""
    even = np.full((40, 50, 3), (10, 100, 200), np.uint8)
    assert is_blank(even)
    for place in ((0, 0, 0), (39, 49, 2), (13, 7, 1)):
        for levels, blank in ((7, True), (8, False)):
            other = even.copy()
            other[place] += np.uint8(levels)
            assert is_blank(other) is blank


def test_a_picture_of_half_the_size_passes_with_its_pixels_repeated(sample: Sample) -> None:
    for grey in sample.images[:50]:
        twice = np.kron(grey, np.ones((2, 2), np.uint8))
        for shown in (grey, twice):
            seen = see(colour(shown), LARGE, views=5)
            np.testing.assert_array_equal(seen.pictures, twice[np.newaxis])
            assert seen.garment is None


def test_a_frame_smaller_than_any_data_set_is_a_photo() -> None:
    frame = np.full((14, 14, 3), 240, np.uint8)
    frame[4:10, 4:10] = (20, 90, 20)
    for spec in (SPEC, LARGE):
        assert see(frame, spec).garment is not None


def test_a_larger_model_sees_the_same_garment_in_more_pixels() -> None:
    apart = []
    for name, pixels in drawn_frames():
        small, large = (see(pixels, spec, views=6) for spec in (SPEC, LARGE))
        assert large.pictures.shape == (len(small.pictures), 56, 56), name
        assert is_blank(to_input(pixels, LARGE)) == is_blank(to_input(pixels, SPEC)), name
        for one, other in zip(small.pictures, large.pictures, strict=True):
            shrunk = cv2.resize(other, (28, 28), interpolation=cv2.INTER_AREA).astype(int)
            apart.append(np.abs(shrunk - one).mean())
            assert not np.array_equal(fit_pictures(one[np.newaxis], LARGE)[0], other), (
                name
            )  # not drawn small and repeated
    assert len(apart) == 642
    assert max(apart) < 16  # of 255, at noise and narrow bars, which few pixels average
    assert np.mean(apart) < 4


def test_pixels_of_a_data_set_are_repeated_where_its_size_goes_into_the_models() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (3, 28, 28)).astype(np.uint8)
    large = fit_pictures(pictures, ImageSpec(84, 84))
    np.testing.assert_array_equal(large, np.kron(pictures, np.ones((1, 3, 3), np.uint8)))
    assert fit_pictures(pictures, ImageSpec()) is pictures


@pytest.mark.parametrize(
    "image",
    [
        ImageSpec(32, 32),
        ImageSpec(20, 40),
        ImageSpec(96, 96, colour=Colour.RGB, framing=Framing.STRETCH),
        ImageSpec(96, 96, colour=Colour.BGR, framing=Framing.GARMENT_COLOUR),
        ImageSpec(48, 48, framing=Framing.CROP),
    ],
)
def test_a_data_sets_pictures_fit_any_model_as_its_frames_would(image: ImageSpec) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (3, 28, 28)).astype(np.uint8)
    pictures[:, :4] = pictures[:, -4:] = pictures[:, :, :4] = pictures[:, :, -4:] = 0
    fitted = fit_pictures(pictures, image)
    assert fitted.shape == (3, *image.shape)
    for grey, one in zip(pictures, fitted, strict=True):
        frame = np.repeat(grey[..., np.newaxis], 3, axis=2)
        np.testing.assert_array_equal(see(frame, image).pictures[0], one)
        assert one.max() > 128


def test_pictures_that_were_read_for_another_model_are_refused() -> None:
    with pytest.raises(ModelUnsupported, match=r"takes pictures of \(28, 28\), the data set's are \(28, 28, 3\)"):
        fit_pictures(np.zeros((3, 28, 28, 3), np.uint8), ImageSpec())
