"""`fmnist-edge serve` as a process of its own, with a camera whose scene changes and frames to sort."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT
from tests.edge.serve.page.scene_camera import SHAPES, SceneCamera, picture, scene_camera
from tests.processes import wait_for_line


@dataclass(frozen=True)
class ServedPage:
    """A server with its page: the address ends in a slash."""

    address: str
    camera: SceneCamera
    keep: Path
    process: subprocess.Popen[str]

    def sorted_in(self, folder: str) -> list[str]:
        """The ids of the pictures in a folder."""
        return sorted(path.stem for path in (self.keep / folder).glob("*.jpg"))

    def put_frames(self, count: int) -> list[str]:
        """Put frames there to be sorted, instead of those that are; their ids, the newest first."""
        for path in self.keep.glob("*/*"):
            path.unlink()
        return put_frames(self.keep, count)


@contextmanager
def served_page(folder: Path, *options: str) -> Iterator[ServedPage]:
    """The page, while it is served. Without `options` it keeps frames in `folder`, and has some to sort."""
    keep = folder / "doubtful"
    put_frames(keep, 12)
    with scene_camera() as camera:
        command = [sys.executable, "-m", "edge.cli", "serve", camera.address, "--port", "0"]
        with subprocess.Popen(
            [*command, *(options or ("--keep", str(keep)))],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ) as process:
            try:
                said = wait_for_line(process, "page: ")
                yield ServedPage(said.split("page: ")[1].split()[0], camera, keep, process)
            finally:
                process.terminate()
                process.communicate(timeout=30)


def put_frames(keep: Path, count: int) -> list[str]:
    """Frames that wait to be sorted, as --keep leaves them; their ids, the newest first."""
    folder = keep / "_unsorted"
    folder.mkdir(parents=True, exist_ok=True)
    ids = [f"{number:08}-20261125T0907{number % 60:02}Z" for number in range(1, count + 1)]
    for number, name in enumerate(ids):
        label = list(SHAPES)[number % len(SHAPES)]
        top = [{"label": label, "score": 0.41}, {"label": "Shirt", "score": 0.33}, {"label": "Coat", "score": 0.1}]
        note = {"v": 1, "time": f"2026-11-25T09:07:{number % 60:02}Z", "label": label, "score": 0.41, "top": top}
        (folder / f"{name}.jpg").write_bytes(picture(label, number % 4))
        (folder / f"{name}.json").write_text(json.dumps(note | {"decision": "unknown" if number % 2 else "garment"}))
    return ids[::-1]


def wait_until(is_so: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    """Wait until something is so; fail where it never is."""
    end_s = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end_s, f"never: {what}"
        time.sleep(0.05)
