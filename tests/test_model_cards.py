"""The model cards are what their generator writes: no figure in them is older than its model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from convert.tflite.manifest import SLICES_NAME
from edge.documents import parse_object, read_member
from edge.inference.model_file import bundled_models, read_model
from tests.conftest import ROOT

pytestmark = pytest.mark.subprocess


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cards")
    done = subprocess.run(
        [sys.executable, "scripts/make-model-cards", folder],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_each_bundled_model_has_its_card_and_no_other_has(written: Path) -> None:
    cards = {path.stem for path in (ROOT / "docs" / "models").glob("*.md")}
    assert cards == {path.stem for path in written.iterdir()} == set(bundled_models())


@pytest.mark.parametrize("name", bundled_models())
def test_a_card_is_what_the_generator_writes(written: Path, name: str) -> None:
    committed = (ROOT / "docs" / "models" / f"{name}.md").read_text("utf-8")
    assert committed == (written / f"{name}.md").read_text("utf-8"), "run scripts/make-model-cards"


@pytest.mark.parametrize("name", bundled_models())
def test_a_card_has_the_figures_of_its_model(name: str) -> None:
    text = (ROOT / "docs" / "models" / f"{name}.md").read_text("utf-8")
    model = read_model(name)
    assert model.manifest is not None
    accuracy = model.manifest["accuracy"]
    assert f"int8\n**{accuracy['int8']:.2%}**" in text
    assert f"float **{accuracy['float']:.2%}**" in text
    assert all(f"| {label} | {share:.1%} |" in text for label, share in accuracy["per_class"].items())
    assert model.manifest["sha256"] in text


@pytest.mark.parametrize("name", [name for name in bundled_models() if name.startswith("camera")])
def test_a_camera_models_card_says_how_right_it_is_kind_by_kind_and_what_nobody_measured(name: str) -> None:
    """Who replaces a camera model runs scripts/measure-held-out, then scripts/make-model-cards."""
    text = (ROOT / "docs" / "models" / f"{name}.md").read_text("utf-8")
    counts = parse_object(read_member(bundled_models()[name], SLICES_NAME))
    pictures, right, group, *_ = zip(*(counts[how]["all"] for how in ("colour", "grey", "night")), strict=True)
    shares = (f"{100 * a / n:.1f} / {b / n:.1%}" for n, a, b in zip(pictures, right, group, strict=True))
    assert f"| **all** | {pictures[0]} | {' | '.join(shares)} |" in text
    tones = [counts["people"][f"tone {number}"] for number in range(1, 11)]
    assert f"| right | {' | '.join(f'{row[1] / row[0]:.0%}' for row in tones)} |" in text
    assert f"| person removed | {' | '.join(f'{row[5] / row[0]:.0%}' for row in tones)} |" in text
    for kind in ("in grey", "at night", "white or pale", "grey levels from their ground", "### Not measured"):
        assert kind in text
