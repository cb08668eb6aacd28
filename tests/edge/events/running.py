"""classify as a process of its own, while it runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

BOOT = str(ROOT / "edge" / "samples" / "ankle-boot.png")


class Running:
    """A classify that runs; what it says is kept in files, so that it never waits for a reader."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self._folder = folder

    @property
    def lines(self) -> list[dict[str, Any]]:
        text = (self._folder / "stdout").read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    @property
    def said(self) -> str:
        return (self._folder / "stderr").read_text()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, self.said
        assert "Traceback" not in self.said


@contextmanager
def classify(folder: Path, *arguments: str, **environment: str) -> Iterator[Running]:
    command = [sys.executable, "-m", "edge.cli", "classify", *arguments, "-f", "json"]
    with (
        (folder / "stdout").open("wb") as stdout,
        (folder / "stderr").open("wb") as stderr,
        subprocess.Popen(
            command,
            stdout=stdout,
            stderr=stderr,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        ) as process,
    ):
        try:
            yield Running(process, folder)
        finally:
            process.kill()


def events(payloads: list[bytes]) -> list[dict[str, Any]]:
    """The JSON objects in messages."""
    return [json.loads(one) for one in payloads]
