"""Damaged model files for each runtime, through the command: it never crashes, and never passes one off."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from edge.errors import ModelError
from edge.inference.model_file import Model, parse_model
from tests.conftest import ROOT, Run, plain

SAMPLE = ROOT / "edge" / "samples" / "bag.png"
FILES = 100

pytestmark = [pytest.mark.slow, pytest.mark.subprocess]


def damaged(content: bytes) -> Iterator[bytes]:
    """Cut short, with bits flipped (in its tables at the end more often than in its weights), or overwritten."""
    generator = np.random.default_rng(0)
    for number in range(FILES):
        changed = bytearray(content)
        match number % 4:
            case 0:
                changed = changed[: int(generator.integers(8, len(content)))]
            case 1:
                for place in generator.integers(8, len(content), 20):
                    changed[place] ^= 1 << int(generator.integers(8))
            case 2:
                for place in len(content) - 1 - generator.integers(0, len(content) // 20, 8):
                    changed[place] ^= 1 << int(generator.integers(8))
            case _:
                start = int(generator.integers(8, len(content) - 200))
                changed[start : start + 200] = generator.bytes(200)
        yield bytes(changed)


def classify(fmnist_edge: Run, folder: Path, contents: Iterator[bytes], backend: str) -> Iterator[tuple[int, str, str]]:
    """Exit code, stdout and stderr for each file."""

    def one(numbered: tuple[int, bytes]) -> tuple[int, str, str]:
        path = folder / f"{numbered[0]}.tflite"
        path.write_bytes(numbered[1])
        done = fmnist_edge("classify", SAMPLE, "--model", path, "--backend", backend, "--format", "json")
        path.unlink()
        return done.returncode, done.stdout, done.stderr

    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(one, enumerate(contents))


def test_a_known_file_is_stopped_by_its_hash(fmnist_edge: Run, model: Model, tmp_path: Path, backend: str) -> None:
    """No runtime ever sees it, so that most need no process."""
    contents = list(damaged(model.path.read_bytes()))
    for content in contents:
        with pytest.raises(ModelError):
            parse_model(content, model.path)
    for code, said, complaint in classify(fmnist_edge, tmp_path, iter(contents[:4]), backend):
        assert (code, said) == (4, "")
        assert complaint.startswith("error: "), complaint
        assert "Traceback" not in complaint


@pytest.mark.usefixtures("without_coverage")
def test_an_unknown_file_breaks_a_child_at_most(fmnist_edge: Run, model: Model, tmp_path: Path, backend: str) -> None:
    """Without hash or manifest nobody can know that a weight has changed: such an answer comes with a warning."""
    refused = 0
    for code, said, complaint in classify(fmnist_edge, tmp_path, damaged(plain(model)), backend):
        assert code in {0, 4}, complaint
        assert "Traceback" not in complaint
        if code:
            refused += 1
            assert said == ""
            assert complaint.startswith("error: "), complaint
        else:
            assert "its accuracy is not known" in complaint
    assert refused > FILES / 4
