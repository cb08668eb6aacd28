"""scripts/bench/peers: what each peer's process answers and measures; and what is said of one that cannot be had."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge.frame import Frame
from edge.inference.classifier import open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import find_model, read_model
from edge.sources.grammar import parse_sources
from edge.sources.pictures import read_image
from tests.conftest import ROOT

sys.path.append(str(ROOT / "scripts" / "bench" / "peer"))
import environments

pytestmark = pytest.mark.subprocess

CHILD = ROOT / "scripts" / "bench" / "peer" / "child.py"


def answers_of_child(runtime: str, pictures: Path) -> tuple[dict[str, object], float]:
    """What it says when it is ready, and the seconds of one turn with two pictures."""
    process = subprocess.run(
        [sys.executable, CHILD, runtime, find_model("small"), pictures],
        input="2\n",
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    ready, turn = process.stdout.splitlines()
    return json.loads(ready), float(turn)


def test_every_peer_is_given_the_same_pictures(tmp_path: Path) -> None:
    """The bare loop and fmnist-edge answer as the classifier does; a wrong encoding would not."""
    samples = [read_image(Path(source.where)) for source in parse_sources(["samples:"])]
    model = read_model("small")
    classifier = open_classifier(model, open_interpreter(model))
    expected = [model.labels.index(classifier(Frame(one, "", 0, 0.0, 0.0)).ranked[0].label) for one in samples]
    np.save(tmp_path / "pictures.npy", np.array([one[:, :, 0] for one in samples]))
    for runtime in ("ai-edge-litert", "fmnist-edge"):
        ready, seconds = answers_of_child(runtime, tmp_path / "pictures.npy")
        assert ready["answers"] == expected
        assert seconds > 0
        assert {"version", "start_s", "peak_mb"} <= ready.keys()


def test_a_peer_that_cannot_be_had_is_missing_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "CACHE", tmp_path)
    with pytest.raises(environments.PeerMissing, match=r"for Python 2\.5 only, which"):
        environments.Environment("old", (), python="2.5").make()
    with pytest.raises(environments.PeerMissing, match="no such thing"):
        environments.run([sys.executable, "-c", "import sys; sys.exit('error: no such thing')"])
