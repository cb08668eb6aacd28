"""What the model saw: sheets, heat maps, and the commands that write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.frame import Decision, Frame
from edge.inference.classifier import Classifier, open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import Model, read_model
from edge.isolation.network_input import fit_pictures, see
from edge.opencv import cv2
from edge.output.explanation import explain_picture
from edge.output.occlusion import occlusion_map
from edge.output.view_sheet import HEIGHT, draw_sheet
from edge.spec import ImageSpec, ScoreCalibration
from edge.testing import FakeSource
from tests.conftest import Run, Sample
from tests.edge.inference.twice_as_large import twice_as_large


def frame(pixels: np.ndarray) -> Frame:
    return Frame(pixels, "here", 0, 0.0, 1.0)


class Lower:
    """Believes in "a" as far as the picture's lower half is bright."""

    labels = ("a", "b")
    image = ImageSpec()

    def probabilities(self, pictures: np.ndarray) -> np.ndarray:
        share = (pictures[:, pictures.shape[1] // 2 :] > 0).mean(axis=(1, 2))
        return np.stack([share, 1 - share], axis=1).astype(np.float32)


@pytest.mark.parametrize("size", [(28, 28), (40, 30), (8, 7)])
def test_a_heat_map_points_at_what_decides(size: tuple[int, int]) -> None:
    heat = occlusion_map(Lower(), np.full(size, 200, np.uint8), "a")  # type: ignore[arg-type]
    assert heat.shape == size
    assert (heat[-2:] > 0).all()
    assert heat[0].max() < heat[-1].min()
    np.testing.assert_allclose(occlusion_map(Lower(), np.full(size, 200, np.uint8), "b"), -heat, atol=1e-6)  # type: ignore[arg-type]


def test_a_heat_map_is_of_a_label_that_there_is(classifier: Classifier, sample: Sample) -> None:
    picture = fit_pictures(sample.images[:1], classifier.image)[0]
    heat = occlusion_map(classifier, picture, "Trouser")
    assert np.abs(heat).max() <= 1
    with pytest.raises(ValueError, match="not in tuple"):
        occlusion_map(classifier, picture, "Glove")


def test_a_sheet_shows_frame_input_and_answer(model: Model) -> None:
    classifier = Classifier(open_interpreter(model), model.labels, model.image, gives_logits=False, views=6)
    pixels = FakeSource.draw(3)
    seen = see(pixels, model.image, 6)
    prediction = classifier(frame(pixels))
    plain = draw_sheet(frame(pixels), seen, prediction)
    heated = draw_sheet(frame(pixels), seen, prediction, np.eye(model.image.height, dtype=np.float32))
    assert plain.shape[0] == heated.shape[0] == HEIGHT
    assert heated.shape[1] - plain.shape[1] == HEIGHT + 4
    outline = (plain[..., 2] > 230) & (plain[..., 0] < 90)
    assert 500 < outline.sum() < 5000


@pytest.mark.parametrize("pixels", [np.full((60, 90, 3), 128, np.uint8), np.zeros((28, 28, 3), np.uint8)])
def test_nothing_is_drawn_as_nothing(classifier: Classifier, pixels: np.ndarray) -> None:
    prediction = classifier(frame(pixels))
    assert prediction.decision is Decision.NO_GARMENT
    assert draw_sheet(frame(pixels), see(pixels, ImageSpec()), prediction).shape[0] == HEIGHT


@pytest.mark.parametrize(("early_exit", "expected"), [(0.0, ["  after 1 of 6 views it was sure"]), (None, [])])
def test_explain_says_after_how_many_views_it_was_sure(
    model: Model, tmp_path: Path, early_exit: float | None, expected: list[str]
) -> None:
    calibration = ScoreCalibration(early_exit=early_exit)
    classifier = Classifier(open_interpreter(model), model.labels, model.image, False, calibration, views=6)
    lines = explain_picture(frame(FakeSource.draw(3)), classifier, tmp_path / "why.png")
    assert [line for line in lines if "views" in line] == expected


@pytest.mark.subprocess
def test_explain_says_why_and_draws_it(fmnist_edge: Run, tmp_path: Path) -> None:
    photo = tmp_path / "shirt.jpg"
    cv2.imwrite(str(photo), FakeSource.draw(0))
    result = fmnist_edge("explain", photo, "-o", tmp_path / "why.png")
    assert result.returncode == 0, result.stderr
    assert "of the frame" in result.stdout
    assert cv2.imread(str(tmp_path / "why.png")) is not None
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.subprocess
def test_explain_takes_one_picture(fmnist_edge: Run, tmp_path: Path) -> None:
    assert fmnist_edge("explain", "fake:").returncode == 2
    assert fmnist_edge("explain", tmp_path / "nowhere.png").returncode == 3


@pytest.mark.subprocess
def test_classify_saves_what_it_saw(fmnist_edge: Run, tmp_path: Path) -> None:
    folder = tmp_path / "views"
    result = fmnist_edge("classify", "fake:3", "--save-view", folder)
    assert result.returncode == 0, result.stderr
    assert [path.name for path in sorted(folder.iterdir())] == [f"00000{n}-fake.png" for n in range(3)]
    (tmp_path / "taken").write_text("a file")
    refused = fmnist_edge("classify", "fake:1", "--save-view", tmp_path / "taken")
    assert refused.returncode == 6
    assert "choose another --save-view" in refused.stderr


def test_the_heat_map_of_a_larger_model_is_that_of_the_smaller_in_more_pixels(sample: Sample) -> None:
    tiny = read_model("tiny")
    small, large = open_classifier(tiny, open_interpreter(tiny)), twice_as_large(tiny)
    for picture in sample.images[:3]:
        heat = occlusion_map(small, picture, "Shirt")
        np.testing.assert_array_equal(
            occlusion_map(large, fit_pictures(picture[np.newaxis], large.image)[0], "Shirt"),
            np.kron(heat, np.ones((2, 2), np.float32)),
        )


@pytest.mark.parametrize("side", [56, 84, 336, 504])
def test_a_sheet_shows_views_of_any_size(classifier: Classifier, side: int) -> None:
    pixels, spec = FakeSource.draw(3), ImageSpec(side, side)
    seen = see(pixels, spec, 6)
    sheet = draw_sheet(frame(pixels), seen, classifier(frame(pixels)), np.eye(side, dtype=np.float32))
    assert sheet.shape == (HEIGHT, 3 * (HEIGHT + 4) + 330, 3)
    shown = cv2.resize(
        seen.pictures[0], (HEIGHT, HEIGHT), interpolation=cv2.INTER_AREA if side > HEIGHT else cv2.INTER_NEAREST
    )
    np.testing.assert_array_equal(sheet[:, HEIGHT + 4 : 2 * HEIGHT + 4, 1], shown)
