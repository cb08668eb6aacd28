"""The run tells how the device stands, and leads `current` back when a version on trial begins to drift."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.events.drift import DriftMonitor, HeldOut
from edge.events.event import Drift, Event, Fleet, ModelChanged
from edge.events.publisher import Publisher
from edge.events.run import Run
from edge.fleet.fleet_folder import FleetFolder, RunReport
from edge.fleet.run_watch import TRIAL_S, RunWatch
from edge.frame import Decision, Frame
from edge.inference.model_file import read_model
from edge.inference.model_versions import version_in_use
from tests.edge.events.happenings import SOURCE, event, prediction
from tests.edge.fleet.shop import Device, Shop
from tests.edge.service.doctor.planted import as_nobody, open_to_all

TINY, SMALL = (read_model(name).sha256 for name in ("tiny", "small"))
DRIFT = Drift("unknown", 0.5, 0.02, 3600.0, True, "50% unknown in the last hour; 2% was measured")


class Told:
    """A run's publisher with a watch, and what it was told."""

    def __init__(self, models: Path, model: str) -> None:
        self.publisher = Publisher(model)
        self.events: list[Event] = []
        self.watch = RunWatch(models, self.publisher)
        self.publisher.subscribe(self.watch)
        self.publisher.subscribe(self.events.append)
        self.watch(event(prediction()))

    def look(self) -> list[Fleet]:
        """What it tells now."""
        before = len(self.events)
        self.watch._next_look_s = 0.0
        self.watch.check()
        return [one.what for one in self.events[before:] if isinstance(one.what, Fleet)]


@pytest.fixture
def updated(shop: Shop, device: Device) -> Iterator[Device]:
    """A device that has just been given v2."""
    shop.publish("small", "v2")
    assert device.update().state == "updated"
    yield device


def test_it_tells_how_the_device_stands_once_for_each_change(updated: Device) -> None:
    told = Told(updated.models, SMALL)
    (fleet,) = told.look()
    assert (fleet.device, fleet.channel, fleet.state, fleet.version) == ("device", "stable", "updated", "v2")
    assert fleet.accuracy == pytest.approx(0.953, abs=0.001)
    assert (fleet.canaries, fleet.drifting, fleet.problem) == (300, [], None)
    assert told.look() == []
    updated.update()
    assert [one.state for one in told.look()] == ["current"]


def test_a_folder_without_updates_is_nothing_to_tell_of(tmp_path: Path) -> None:
    assert Told(tmp_path, TINY).look() == []
    assert list(tmp_path.iterdir()) == []


def test_a_version_on_trial_that_drifts_goes_back_and_is_not_tried_again(updated: Device) -> None:
    told = Told(updated.models, TINY)
    told.publisher.publish(ModelChanged(TINY, SMALL, "small"))
    told.publisher.publish(DRIFT)
    assert updated.runs == "v1"
    (fleet,) = told.look()
    assert (fleet.state, fleet.version, fleet.available, fleet.drifting) == ("refused", "v1", "v2", ["unknown"])
    assert "v2 drifts here" in str(fleet.problem)
    status = updated.update()
    assert (status.state, status.version, status.available) == ("refused", "v1", "v2")
    assert updated.runs == "v1"
    assert status.accuracy == pytest.approx(0.95)


def test_a_run_that_was_started_anew_still_watches_the_trial(updated: Device) -> None:
    Told(updated.models, SMALL).publisher.publish(DRIFT)
    assert updated.runs == "v1"


def test_what_drifted_before_has_another_cause(shop: Shop, device: Device) -> None:
    told = Told(device.models, TINY)
    told.publisher.publish(DRIFT)
    assert FleetFolder(device.models).run_report() == RunReport(TINY, ("unknown",))
    shop.publish("small", "v2")
    device.update()
    told.publisher.publish(ModelChanged(TINY, SMALL, "small"))
    told.publisher.publish(DRIFT)
    assert device.runs == "v2"


def test_a_trial_ends(updated: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + TRIAL_S + 60)
    Told(updated.models, SMALL).publisher.publish(DRIFT)
    assert updated.runs == "v2"


def test_another_model_that_drifts_says_nothing_of_the_trial(updated: Device) -> None:
    told = Told(updated.models, TINY)  # the run has not changed yet
    told.publisher.publish(DRIFT)
    assert updated.runs == "v2"


def test_drift_that_is_over_is_no_reason(updated: Device) -> None:
    told = Told(updated.models, SMALL)
    told.publisher.publish(Drift("unknown", 0.02, 0.02, 3600.0, False, "as measured again"))
    assert updated.runs == "v2"


def test_a_version_that_somebody_chose_meanwhile_stays(updated: Device) -> None:
    from edge.deployment.rollback import use_version

    use_version(updated.models, updated.models / "v1.tflite")
    Told(updated.models, SMALL).publisher.publish(DRIFT)
    assert updated.runs == "v1"
    assert updated.fleet.refused() == {}


def test_a_folder_that_is_read_only_stays_as_it_is(updated: Device) -> None:
    with open_to_all() as folder:
        models = Path(shutil.copytree(updated.models, folder / "models", symlinks=True))
        for one in (models, *models.rglob("*")):
            if not one.is_symlink():
                one.chmod(0o555 if one.is_dir() else 0o444)
        try:
            with as_nobody():
                Told(models, SMALL).watch(event(DRIFT))
            assert version_in_use(models).stem == "v2"
            assert list(models.rglob("refused/*")) == []
        finally:
            for one in (models, *models.rglob("*/")):
                one.chmod(0o755)


def answer(run: Run, decision: Decision, seconds: float) -> None:
    """Answer frames for so long."""
    until = time.monotonic() + seconds
    number = 0
    while time.monotonic() < until:
        number += 1
        frame = Frame(np.zeros((4, 4, 3), np.uint8), SOURCE, number, time.monotonic(), 1.0, is_live=True)
        run.answer(frame, prediction("Coat", decision, number))


def test_the_runs_own_drift_leads_back(updated: Device) -> None:
    """The monitor of a run, with an hour of half a second: answers as they were measured, then unknown ones."""
    told = Told(updated.models, SMALL)
    run = Run(told.publisher, drift=DriftMonitor(HeldOut(0.02, 0.9), window_s=0.5))
    run.check_model = told.watch.check
    answer(run, Decision.GARMENT, 0.6)
    assert updated.runs == "v2"
    answer(run, Decision.UNKNOWN, 1.5)
    assert updated.runs == "v1"
    assert [one.what.drifting for one in told.events if isinstance(one.what, Drift)][:1] == [True]
    told.look()
    last = [one.what for one in told.events if isinstance(one.what, Fleet)][-1]
    assert (last.state, last.version, last.available) == ("refused", "v1", "v2")
    assert updated.update().state == "refused"
