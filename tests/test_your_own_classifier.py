"""docs/your-own-classifier.md, followed word by word on small made-up pictures."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.opencv import cv2
from tests.conftest import ROOT
from tests.edge.sources.http_camera import http_camera

PAGE = ROOT / "docs" / "your-own-classifier.md"
TINTS = {"dress": (40, 40, 220), "pants": (200, 60, 40), "shoes": (60, 180, 60)}
"""Blue, green, red: the colour alone tells them apart."""

NOT_HERE = ("git clone", "python3 -m venv", "source", "pip install")
"""What a test cannot do again: this environment has it all."""


def commands() -> Iterator[list[str]]:
    """The page's commands in their order, split as a shell does."""
    for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL):
        for line in re.split(r"\n|&&", block.replace("\\\n", " ")):
            words = shlex.split(line, comments=True)
            if words and not " ".join(words).startswith(NOT_HERE):
                yield words


def write_clothes(folder: Path) -> None:
    """Tinted rectangles on grey ground with noise: uint8 JPEGs of 200 x 150 pixels, 24 of a class to learn from."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 24), ("test", 8)):
        for label, tint in TINTS.items():
            place = folder / split / label
            place.mkdir(parents=True)
            for number in range(count):
                picture = np.full((150, 200, 3), rng.integers(150, 200), np.uint8)
                top, left = rng.integers(10, 40), rng.integers(10, 60)
                picture[top : top + 90, left : left + 100] = tint
                noisy = np.clip(picture.astype(np.int16) + rng.integers(-20, 21, picture.shape), 0, 255)
                assert cv2.imwrite(str(place / f"{number:02}.jpg"), noisy.astype(np.uint8))


@pytest.mark.slow
@pytest.mark.subprocess
@pytest.mark.timeout(900)
def test_the_page_holds_word_for_word(tmp_path: Path) -> None:
    """Every command exits with 0, and what it makes knows the colours."""
    write_clothes(tmp_path / "clothes")
    shutil.copytree(tmp_path / "clothes" / "test", tmp_path / "doubtful")
    shutil.copy(tmp_path / "clothes" / "test" / "dress" / "00.jpg", tmp_path / "dress.jpg")
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "train_clothes.py").write_text("\n".join(programs))
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    said: dict[str, str] = {}
    with http_camera() as camera:
        for words in commands():
            if "--camera" in words:
                at = words.index("--camera")
                words[at : at + 2] = [f"{camera}/stream.mjpg", "--limit", "3"]
            done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
            said[" ".join(words)] = done.stdout
            assert done.returncode == 0, (words, done.stdout[-2000:], done.stderr[-4000:])
    accuracies = [float(one) for text in said.values() for one in re.findall(r"accuracy (\d+\.\d+)%", text)]
    assert accuracies, said
    assert min(accuracies) > 80, said
    assert len(said) >= 8
    assert (tmp_path / "mine.tflite").is_file()
