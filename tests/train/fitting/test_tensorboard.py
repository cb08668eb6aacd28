"""TensorBoard's log holds each epoch once, whatever happened to the run; read back by TensorBoard's own reader."""

import resource

import pytest

pytest.importorskip("keras")
pytest.importorskip("tensorboardX")

from edge.errors import OutputFailed
from train.fitting.callbacks import CallbackList
from train.fitting.run_folder import EpochResult
from train.fitting.tensorboard import FIGURES, EventLog
from train.recipes import mlp


def logged(folder):
    """What TensorBoard shows: for each figure, (epoch, value) in the order of the file."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


def expected(results):
    return {
        name: [(result.epoch, pytest.approx(getattr(result, name), rel=1e-6)) for result in results] for name in FIGURES
    }


@pytest.fixture
def interrupted(tmp_path, data_dir, settings, new_recorder):
    """A run stopped after its second epoch's checkpoint, before the log heard of it: folder and results."""
    out, recorder = tmp_path / "run", new_recorder()

    def stop():
        raise KeyboardInterrupt

    recorder.after_epoch[2] = stop
    with EventLog(out / "tensorboard") as log, pytest.raises(KeyboardInterrupt):
        mlp.train(settings, data_dir=data_dir, out=out, resume=False, callback=CallbackList(recorder, log))
    assert [step for step, _ in logged(out / "tensorboard")["loss"]] == [1]
    return out, recorder.results


def test_a_resumed_run_neither_loses_nor_repeats_an_epoch(interrupted, data_dir, settings, recorder):
    out, before = interrupted
    with EventLog(out / "tensorboard") as log:
        mlp.train(settings, data_dir=data_dir, out=out, resume=True, callback=CallbackList(recorder, log))
    assert logged(out / "tensorboard") == expected([*before, *recorder.results])
    assert [step for step, _ in logged(out / "tensorboard")["val_loss"]] == [1, 2, 3, 4]
    assert [value for _, value in logged(out / "tensorboard")["learning_rate"]] == [pytest.approx(0.01)] * 4


def test_the_check_sees_a_log_that_is_appended_to(interrupted, data_dir, settings, recorder, monkeypatch):
    """Planted: older event files stay, as they do with Keras's own callback."""
    from pathlib import Path

    out, before = interrupted
    older = next((out / "tensorboard").iterdir())
    older.rename(older.with_name("events.out.tfevents.0000000001.older"))
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))
    with EventLog(out / "tensorboard") as log:
        mlp.train(settings, data_dir=data_dir, out=out, resume=True, callback=CallbackList(recorder, log))
    assert logged(out / "tensorboard") != expected([*before, *recorder.results])


def test_an_epoch_is_there_as_soon_as_it_is_finished(tmp_path):
    with EventLog(tmp_path) as log:
        log.training_started([])
        for epoch in (1, 2):
            log.epoch_finished(EpochResult(epoch, 0.5, 0.8, 0.4, 0.85, 7.0), 2)
            assert len(logged(tmp_path)["loss"]) == epoch
    assert "learning_rate" not in logged(tmp_path)  # unknown in an older checkpoint


def test_a_full_disk_ends_with_a_message_and_does_not_hang(tmp_path):
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    with EventLog(tmp_path) as log:
        log.training_started([])
        resource.setrlimit(resource.RLIMIT_FSIZE, (next(tmp_path.iterdir()).stat().st_size + 40, unlimited[1]))
        try:
            with pytest.raises(OutputFailed, match="could not be written: File too large") as caught:
                log.epoch_finished(EpochResult(1, 0.5, 0.8, 0.4, 0.85, 7.0), 2)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        assert "--no-tensorboard" in caught.value.hint


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "tensorboard").write_text("in the way")
    with EventLog(tmp_path / "tensorboard") as log, pytest.raises(OutputFailed, match="tensorboard"):
        log.training_started([])
