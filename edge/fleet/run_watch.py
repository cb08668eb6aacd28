"""The run's side of updates: it tells how the device stands, and goes back when decisions drift after one.

A version on trial that begins to drift, where nothing drifted before it took over, is not what the device needs: the
run leads `current` back to the version before, as a person would with `use-model --previous`, and notes the refusal.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge.deployment.rollback import use_version, version_before
from edge.errors import FmnistEdgeError, OutputFailed
from edge.events.event import Drift, Event, Fleet, ModelChanged
from edge.fleet.fleet_folder import FleetFolder, RunReport, Status, Trial
from edge.inference.model_versions import version_in_use

if TYPE_CHECKING:
    from edge.events.publisher import Publisher

LOOK_S = 1.0

TRIAL_S = 24 * 3600.0
"""What begins to drift later has another cause. The wall clock may jump: at worst a trial is longer or shorter."""


class RunWatch:
    """Looks at status.json once a second, and at every event of the run. A subscriber of the run's publisher."""

    def __init__(self, models: Path, publisher: Publisher) -> None:
        self._folder = FleetFolder(models)
        self._publisher = publisher
        self._model = publisher.model
        self._drifting: set[str] = set()
        self._seen_ns = 0
        self._next_look_s = 0.0
        self._status: Status | None = None
        self._told: Fleet | None = None
        self._has_begun = False
        self._report()

    def __call__(self, event: Event) -> None:
        """Take an event into account."""
        self._has_begun = True
        if isinstance(event.what, ModelChanged):
            self._model = event.what.after
            self._drifting.clear()
            self._report()
        elif isinstance(event.what, Drift):
            (self._drifting.add if event.what.drifting else self._drifting.discard)(event.what.measure)
            self._report()
            self._next_look_s = 0.0
            if event.what.drifting:
                self._go_back(event.what.message)

    def check(self) -> None:
        """Tell how the device stands, if that has changed. Call it between two frames; it costs next to nothing.

        Nothing is told before the run's first event: only then it is known whether an address is a live source.
        """
        now = time.monotonic()
        if now < self._next_look_s or not self._has_begun:
            return
        self._next_look_s = now + LOOK_S
        try:
            changed_ns = self._folder.status_file.stat().st_mtime_ns
        except OSError:
            return
        if changed_ns != self._seen_ns:
            self._seen_ns, self._status = changed_ns, self._folder.status()
            self._report()
        if self._status is not None:
            told = _as_event(self._status, tuple(sorted(self._drifting)))
            if told != self._told:
                self._told = told
                self._publisher.publish(told)

    def _report(self) -> None:
        if self._folder.folder.is_dir():
            with contextlib.suppress(OutputFailed):
                self._folder.write_run_report(RunReport(self._model, tuple(sorted(self._drifting))))

    def _go_back(self, why: str) -> None:
        """Back to the version before, if the one that drifts is on trial. A folder that is read-only stays as it is."""
        status = self._folder.status()
        trial = status.trial if status else None
        if status is None or trial is None or not self._is_on_trial(trial):
            return
        with contextlib.suppress(FmnistEdgeError, OSError):
            if hashlib.sha256(version_in_use(self._folder.models).read_bytes()).hexdigest() != trial.file:
                return
            before = version_before(self._folder.models)
            problem = f"{trial.version} drifts here: {why}"
            self._folder.refuse(trial.file, trial.version, problem)
            use_version(self._folder.models, before)
            self._seen_ns = self._folder.status_file.stat().st_mtime_ns
            self._status = replace(
                status, state="refused", version=before.stem, available=trial.version, problem=problem,
                accuracy=None, canaries=0,
            )  # fmt: skip

    def _is_on_trial(self, trial: Trial) -> bool:
        recently = abs(time.time() - trial.began) < TRIAL_S
        return trial.model == self._model and recently and not trial.drifted_before


def _as_event(status: Status, drifting: tuple[str, ...]) -> Fleet:
    return Fleet(
        device=status.device,
        channel=status.channel,
        state=status.state,
        version=status.version,
        available=status.available,
        accuracy=status.accuracy,
        canaries=status.canaries,
        drifting=list(drifting),
        checked=status.checked,
        problem=status.problem,
    )
