"""The sheet of the worst mistakes: which pictures, in which order, and that they are seen."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from edge.datasets.dataset import Dataset
from edge.sources.pictures import read_image
from train.evaluation.mistakes import draw_mistakes, percentage, worst_mistakes

TRUTH = np.array([0, 1, 2, 0, 1], np.uint8)
ANSWERS = np.array(
    [[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.1, 0.8, 0.1], [0.2, 0.3, 0.5], [0.0, 1.0, 0.0]], np.float32
)  # right, wrong, wrong, wrong, right


def test_the_surest_come_first():
    assert worst_mistakes(TRUTH, ANSWERS, 40).tolist() == [2, 1, 3]
    assert worst_mistakes(TRUTH, ANSWERS, 2).tolist() == [2, 1]


@pytest.mark.parametrize("labels", [("hat", "glove", "scarf"), ("$a_{", "b^", "a label that is far too long")])
def test_the_mistakes_are_on_the_sheet_and_the_rest_is_not(tmp_path, labels):
    """Wrong pictures are bright, right ones checkered: the sheet has three bright tiles, each the same size."""
    images = np.zeros((5, 28, 28), np.uint8)
    images[[1, 2, 3]] = 200
    images[[0, 4], ::2] = 90
    path = tmp_path / "mistakes.png"
    draw_mistakes(Dataset(images, TRUTH, labels, ""), ANSWERS, path)
    grey = read_image(path)[:, :, 0]
    assert (grey == 200).sum() > 3 * 100 * 100
    assert (grey == 90).sum() < 500
    columns = ((grey == 200).sum(axis=0) > 50).astype(int)
    assert (np.diff(columns) == 1).sum() == 3


def test_a_network_without_mistakes(tmp_path):
    path = tmp_path / "mistakes.png"
    draw_mistakes(Dataset(np.zeros((3, 28, 28), np.uint8), TRUTH[:3], ("a", "b", "c"), ""), np.eye(3)[[0, 1, 2]], path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_what_is_not_certain_is_not_called_so():
    assert [percentage(share) for share in (0.5, 0.98765, 0.99999, 1.0)] == ["50.0 %", "98.8 %", "99.9 %", "100 %"]
