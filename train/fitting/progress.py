"""Progress of a training run: a line for each epoch on stderr and, on a terminal, a bar for the running one."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edge.printable import printable
from train.fitting.callbacks import Callback

if TYPE_CHECKING:
    from train.fitting.run_folder import EpochResult


class ProgressDisplay(Callback):
    """The callback of the command line; a context manager, so that an error leaves no half bar behind."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", visible=False, figures="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def note(self, text: str) -> None:
        """Print one line."""
        self._console.print(printable(text), soft_wrap=True, highlight=False, markup=False)

    def downloading(self, name: str, done: int, total: int) -> None:
        """Move the bar of a download, counted in KiB."""
        self._bar.update(
            self._task,
            description=f"{printable(name)} (KiB)",
            completed=done >> 10,
            total=(total >> 10) or None,
            figures="",
            visible=True,
        )

    def reading(self, what: str, done: int, total: int) -> None:
        """Move the bar over the picture files that are read."""
        self._bar.update(
            self._task, description=printable(what), completed=done, total=total, figures="", visible=done < total
        )

    def epoch_started(self, epoch: int, epochs: int, batches: int) -> None:
        """Begin a bar over the epoch's batches."""
        self._bar.reset(self._task, total=batches, visible=True, figures="")
        self._bar.update(self._task, description=f"epoch {epoch:>2}/{epochs}")

    def batches_done(self, done: int, loss: float, accuracy: float) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=done, figures=f"loss {loss:.4f}  accuracy {accuracy:.2%}")

    def epoch_finished(self, result: EpochResult, epochs: int) -> None:
        """Print the epoch's line."""
        self._bar.update(self._task, visible=False)
        self.note(
            f"epoch {result.epoch:>2}/{epochs}  loss {result.loss:.4f}  accuracy {result.accuracy:.2%}  "
            f"val loss {result.val_loss:.4f}  val accuracy {result.val_accuracy:.2%}  {result.seconds:.1f} s"
        )
