"""The model cards are what their generator writes: no figure in them is older than its model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
