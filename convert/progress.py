"""Progress on stderr: a bar a stage on a terminal, a line a stage elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from edge.printable import printable

Advance = Callable[[int], None]
"""Called with the number of pictures done so far."""


class Stages:
    """Shows the stages of a conversion, one after the other, on a stream that no capture redirects."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        console = Console(file=stream)
        self._live = console.is_terminal
        self._progress = Progress(
            TextColumn("{task.description:<22}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not self._live,
            redirect_stdout=False,  # the capture has them, and rich would take its text to the screen
            redirect_stderr=False,
        )
        self._downloads: dict[str, TaskID] = {}
        self.seconds: dict[str, float] = {}

    def __enter__(self) -> Stages:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def download(self, name: str, done: int, total: int) -> None:
        """Show a download: bytes done and in all, 0 where that is not known (edge.datasets.download.Progress)."""
        if name not in self._downloads:
            self._downloads[name] = self._progress.add_task(printable(name)[:22])
        self._progress.update(self._downloads[name], completed=done, total=total or None)

    def reading(self, what: str, done: int, total: int) -> None:
        """Show how many picture files are read (edge.datasets.image_folders.Reading)."""
        self.download(what, done, total)

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Advance]:
        """Show a stage while it runs, with `total` pictures if known; gives the function to call on progress."""
        began = time.monotonic()
        task = self._progress.add_task(name, total=total)
        yield lambda done: self._progress.update(task, completed=done)
        self._progress.update(task, total=total or 1, completed=total or 1)
        self.seconds[name] = round(time.monotonic() - began, 2)
        if not self._live:
            print(f"{name}: {self.seconds[name]:.1f} s", file=self._stream, flush=True)
