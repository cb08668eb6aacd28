"""Callbacks of a training run: for the screen (progress.py), for TensorBoard's log (tensorboard.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from train.fitting.run_folder import EpochResult


class Callback:
    """Called during a training run. This one does nothing; subclasses define what they need."""

    def note(self, text: str) -> None:
        """Take one line for people."""

    def downloading(self, name: str, done: int, total: int) -> None:
        """Take the state of a download: file, bytes done, bytes in all (0: unknown)."""

    def reading(self, what: str, done: int, total: int) -> None:
        """Take how many picture files are read, and how many there are."""

    def training_started(self, history: Sequence[EpochResult]) -> None:
        """Take the epochs that lie behind, none unless a run is resumed; again before each phase of a run."""

    def epoch_started(self, epoch: int, epochs: int, batches: int) -> None:
        """Take the epoch's number, counted from 1, and how many batches it will have."""

    def batches_done(self, done: int, loss: float, accuracy: float) -> None:
        """Take how many batches the epoch has behind it, and their mean loss and accuracy."""

    def epoch_finished(self, result: EpochResult, epochs: int) -> None:
        """Take an epoch's result; its checkpoint is on disk."""


class CallbackList(Callback):
    """Several callbacks as one: each is told everything, in the order given."""

    def __init__(self, *callbacks: Callback) -> None:
        self._callbacks = callbacks

    def note(self, text: str) -> None:
        """Pass it on."""
        for callback in self._callbacks:
            callback.note(text)

    def downloading(self, name: str, done: int, total: int) -> None:
        """Pass it on."""
        for callback in self._callbacks:
            callback.downloading(name, done, total)

    def reading(self, what: str, done: int, total: int) -> None:
        """Pass it on."""
        for callback in self._callbacks:
            callback.reading(what, done, total)

    def training_started(self, history: Sequence[EpochResult]) -> None:
        """Pass it on."""
        for callback in self._callbacks:
            callback.training_started(history)

    def epoch_started(self, epoch: int, epochs: int, batches: int) -> None:
        """Pass it on."""
        for callback in self._callbacks:
            callback.epoch_started(epoch, epochs, batches)

    def batches_done(self, done: int, loss: float, accuracy: float) -> None:
        """Pass it on."""
        for callback in self._callbacks:
            callback.batches_done(done, loss, accuracy)

    def epoch_finished(self, result: EpochResult, epochs: int) -> None:
        """Pass it on."""
        for callback in self._callbacks:
            callback.epoch_finished(result, epochs)
