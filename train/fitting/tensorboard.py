"""A run's figures as TensorBoard reads them, on every backend of Keras.

keras.callbacks.TensorBoard calls TensorFlow, and the tensorboard package itself loads it where it is installed;
tensorboardX does neither. Its SummaryWriter writes in a thread, which a full disk ends and flush() then waits for
without end; so this writes the events itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from edge.errors import OutputFailed
from train.fitting.callbacks import Callback
from train.fitting.run_folder import EpochResult

FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")
_HINT = "make room, then run the same command with --resume; or train with --no-tensorboard"


class EventLog(Callback):
    """A callback that writes a run's epochs to RUN/tensorboard; a context manager, which closes the file.

    The checkpoint is the truth: whenever training starts or goes on, the log is written anew from the epochs that
    it holds. So a run that was killed between checkpoint and log shows each epoch once. Raises OutputFailed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def training_started(self, history: Sequence[EpochResult]) -> None:
        """Write the epochs that lie behind."""
        from tensorboardX.event_file_writer import EventsWriter

        self._close()  # of an earlier phase of the same run
        try:
            for stale in self._folder.glob("events.out.tfevents.*"):
                stale.unlink()
            self._folder.mkdir(exist_ok=True)
            self._writer = EventsWriter(str(self._folder / "events"))
        except OSError as error:
            raise OutputFailed(f"{self._folder}: {error.strerror}", _HINT) from error
        for result in history:
            self._write(result)

    def epoch_finished(self, result: EpochResult, epochs: int) -> None:
        """Write the epoch, so that a TensorBoard that is open shows it."""
        self._write(result)

    def _close(self) -> None:
        if self._writer is not None:
            with suppress(OSError):  # each epoch is on disk or has been complained of
                self._writer.close()

    def _write(self, result: EpochResult) -> None:
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.summary import scalar

        try:
            for name in FIGURES:
                value = getattr(result, name)
                if value is not None:
                    event = Event(wall_time=time.time(), step=result.epoch, summary=scalar(name, value))
                    self._writer.write_event(event)
            self._writer.flush()
        except OSError as error:
            raise OutputFailed(f"{self._folder} could not be written: {error.strerror}", _HINT) from error
