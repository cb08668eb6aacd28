"""The epochs of every recipe: reproducible to the bit, resumable after any end, stopped by a loss of NaN."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from edge.errors import TrainingFailed
from train.data.epochs import EpochBuilder, Examples, PlainEpochBuilder
from train.fitting.callbacks import Callback
from train.fitting.distribution import ALONE, Share
from train.fitting.muon import Muon
from train.fitting.normalisation import FusedBatchNormalization
from train.fitting.run_folder import EpochResult, RunFolder
from train.settings import Settings, evaluation_batch, steps_per_epoch

IN_CHECKPOINTS = {keras.saving.get_registered_name(one): one for one in (FusedBatchNormalization, Muon)}
"""Our own classes that a checkpoint may name. Who resumes builds no network, which would have imported them."""

Build = Callable[[Settings, int], Any]
"""Makes a recipe's compiled Keras model: `build(settings, classes)`.

`classes` is the number of labels of the data set, 2 or more: ten only for Fashion-MNIST, so no recipe writes 10
anywhere. The model takes uint8 (N, 28, 28) grey and gives float32 probabilities (N, classes).
"""


def fit(
    build: Build,
    training: Examples,
    held_out: Examples,
    folder: RunFolder,
    callback: Callback,
    *,
    epoch_builder: EpochBuilder | None = None,
    phase: range | None = None,
    data_sha256: str | None = None,
    share: Share = ALONE,
) -> tuple[Any, list[EpochResult]]:
    """Train from the folder's checkpoint, or else from the start, to the last epoch: (Keras model, history).

    The same settings, data, versions, processor and number of threads give the same weights to the bit,
    however often the run was killed and resumed: all state is in the checkpoint (weights, optimizer), and an
    epoch's order, variations and dropout depend on (seed, epoch) alone. Raises TrainingFailed (a checkpoint of
    another run, a loss that is not finite) and OutputFailed; the checkpoint of the last good epoch stays.

    A recipe of several phases, one model each, calls this once a phase with its epochs, counted through the run and
    1 to --epochs if not given. A checkpoint of an earlier phase has done its work by then: `build` is called. If the
    phases are fitted to different forms of the same data, `data_sha256` identifies the data for all.

    Several processes that train together call this alike, each with its `share`, within `distributed`.
    """
    settings = folder.settings
    phase = phase or range(1, settings.epochs + 1)
    epoch_builder = epoch_builder or PlainEpochBuilder(settings.seed)
    data_sha256 = data_sha256 or sha256_of(training)
    if epoch_builder.identity:
        data_sha256 = hashlib.sha256((data_sha256 + epoch_builder.identity).encode()).hexdigest()
    history = folder.read_progress(data_sha256) if folder.checkpoint.exists() else []
    if len(history) >= phase.start:
        model = keras.saving.load_model(folder.checkpoint, custom_objects=IN_CHECKPOINTS)
        callback.note(f"resuming after epoch {len(history)} of {phase[-1]}")
    else:
        keras.utils.set_random_seed(settings.seed)
        model = build(settings, len(training.label_names))
    callback.training_started(history)
    for epoch in range(len(history) + 1, phase.stop):
        history.append(
            _one_epoch(model, epoch, phase[-1], training, held_out, settings, callback, epoch_builder, share)
        )
        folder.save_checkpoint(model, history, data_sha256)
        callback.epoch_finished(history[-1], phase[-1])
    if model.optimizer.use_ema:
        # The average is the result, of a resumed, finished run too.
        model.optimizer.finalize_variable_values(model.trainable_variables)
    return model, history


def _one_epoch(
    model: Any,
    epoch: int,
    epochs: int,
    training: Examples,
    held_out: Examples,
    settings: Settings,
    callback: Callback,
    epoch_builder: EpochBuilder,
    share: Share,
) -> EpochResult:
    started_s = time.monotonic()
    shown = epoch_builder.epoch(training, epoch - 1)
    batches = steps_per_epoch(settings, len(shown.inputs))
    callback.epoch_started(epoch, epochs, batches)
    pulse = _Pulse(callback, batches)
    apart = _Apart()
    _reseed(model, settings.seed, epoch)
    trained = model.fit(
        share.rows(shown.inputs, settings.batch_size),
        share.rows(shown.targets, settings.batch_size),
        sample_weight=None if shown.weights is None else share.rows(shown.weights, settings.batch_size),
        batch_size=share.batch(settings.batch_size),
        epochs=epoch,
        initial_epoch=epoch - 1,
        shuffle=False,
        verbose=0,
        callbacks=[pulse, apart],
    ).history
    if model.optimizer.use_ema and keras.backend.backend() == "jax":
        # The weights share their memory with the average now, which JAX gives away with them in evaluate().
        for variable in model.trainable_variables:
            variable.assign(keras.ops.copy(variable))
    inputs = epoch_builder.inputs(held_out)
    at_a_time = evaluation_batch(inputs.shape[1:]) * share.processes
    validated = model.evaluate(
        share.rows(inputs, at_a_time),
        share.rows(epoch_builder.targets(held_out), at_a_time),
        batch_size=share.batch(at_a_time),
        verbose=0,
        return_dict=True,
    )
    apart.put_back()
    losses = {"loss": trained["loss"][-1], "validation loss": validated["loss"]}
    for name, value in losses.items():
        if not math.isfinite(value):
            raise TrainingFailed(
                f"the {name} became {value} in epoch {epoch}{pulse.place_of_loss}",
                "train with a lower --learning-rate"
                + (f" and another --out: the checkpoint of epoch {epoch - 1} is kept" if epoch > 1 else ""),
            )
    return EpochResult(
        epoch=epoch,
        loss=_figure(trained["loss"][-1]),
        accuracy=_figure(trained["accuracy"][-1]),
        val_loss=_figure(validated["loss"]),
        val_accuracy=_figure(validated["accuracy"]),
        seconds=round(time.monotonic() - started_s, 3),
        learning_rate=_figure(float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))),
    )


class _Pulse(keras.callbacks.Callback):  # type: ignore[misc]
    """Passes batches on to the callback and ends an epoch whose loss is lost."""

    def __init__(self, callback: Callback, batches: int) -> None:
        super().__init__()
        self.callback = callback
        self.batches = batches
        self.done = 0
        self.lost: range | None = None

    @property
    def place_of_loss(self) -> str:
        """Where the loss stopped being finite: a batch or a group of batches, as the backend runs them."""
        if self.lost is None:
            return f", after its {self.batches:,} batches"
        first, last = self.lost[0], self.lost[-1]
        which = f"batch {first:,}" if first == last else f"one of the batches {first:,} to {last:,}"
        return f", in {which} of {self.batches:,}"

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Take the state after a group of steps_per_execution batches."""
        before = self.done
        self.done = min(batch + 1, self.batches)  # Keras 3.15 counts the last group as a full one
        logs = logs or {}
        loss = float(logs.get("loss", 0.0))
        self.callback.batches_done(self.done, loss, float(logs.get("accuracy", 0.0)))
        if not math.isfinite(loss) and self.lost is None:
            self.lost = range(before + 1, self.done + 1)
            self.model.stop_training = True


class _Apart(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the trained weights apart from their average, until the last epoch has ended.

    Keras (3.15) puts the average in place at the end of every fit(), which here is every epoch. It is what is measured;
    but an epoch that started from it would be behind by as many steps as the average remembers.
    """

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Remember the trained weights; the average takes their place next."""
        self.trained = [keras.ops.copy(variable) for variable in self.model.trainable_variables]

    def put_back(self) -> None:
        """Give the model its trained weights again, to the bit."""
        for variable, trained in zip(self.model.trainable_variables, self.trained, strict=True):
            variable.assign(trained)


def _reseed(model: Any, seed: int, epoch: int) -> None:
    """Seed the random layers inside the model (dropout) by (seed, epoch): a Keras file does not keep its state."""
    _reseed_layers(model, [seed, epoch])


def _reseed_layers(model: Any, entropy: list[int]) -> None:
    """By `entropy` and each layer's place; so with the layers of models that are layers."""
    for number, layer in enumerate(model.layers):
        if hasattr(layer, "layers"):
            _reseed_layers(layer, [*entropy, number])
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            generator.state.assign(np.random.SeedSequence([*entropy, number]).generate_state(2) % 2**31)


def _figure(value: float) -> float:
    """Drop the digits that float32 does not have: 0.894500017 is 0.8945."""
    return float(f"{value:.7g}")


def sha256_of(data: Examples) -> str:
    """Identify data by its content."""
    digest = hashlib.sha256(np.ascontiguousarray(data.images).data)
    digest.update(np.ascontiguousarray(data.labels).data)
    return digest.hexdigest()
