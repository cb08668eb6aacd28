"""One update from start to end: what is there is checked, fetched, measured, and takes over; or what runs goes on."""

from __future__ import annotations

import contextlib
import hashlib
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge.choices import Channel
from edge.deployment.rollback import add_version, use_version
from edge.errors import BadOption, FmnistEdgeError, ModelError, ModelNotFound, OutputFailed, UpdateFailed, UpdateRefused
from edge.fleet.fleet_folder import FleetFolder, Status, Trial
from edge.fleet.measuring import Measurement, measure
from edge.fleet.release import Release, choose
from edge.inference.model_file import read_model
from edge.inference.model_versions import CURRENT, PREVIOUS, SUFFIX, version_in_use

if TYPE_CHECKING:
    from edge.fleet.repository import Repository
    from edge.inference.trusted_keys import TrustedKeys


@dataclass(frozen=True, slots=True)
class Wishes:
    """What this device is to have: its name, its channel, the version that it is held at, the pictures it is tried on.

    With `only_look` nothing is fetched. `trust` are keys that have to have signed the model file itself, too.
    """

    device: str
    channel: Channel
    pin: str | None = None
    canaries: Path | None = None
    only_look: bool = False
    trust: TrustedKeys | None = None


def update(repository: Repository, folder: FleetFolder, wishes: Wishes) -> Status:
    """Look once, and install what this device is to have; how it stands then, which is remembered as well.

    Whenever it ends, and however, `current` leads to a version that has run. Raises UpdateFailed, UpdateRefused for a
    version that is sent away, BadOption or OutputFailed.
    """
    folder.make()
    with folder.locked():
        folder.clear_staged()
        before = folder.status() or Status(wishes.device, wishes.channel)
        before = replace(before, device=wishes.device, channel=str(wishes.channel), checked=time.time())
        running = _running(folder.models)
        before = replace(before, version=running.stem if running else None)
        try:
            after = _update(repository, folder, wishes, before, running)
        except BadOption:
            raise
        except FmnistEdgeError as error:
            state = "refused" if isinstance(error, UpdateRefused) else "failed"
            with contextlib.suppress(OutputFailed):  # a full disk may be the reason
                folder.write_status(replace(before, state=state, problem=error.message))
            if isinstance(error, UpdateFailed | OutputFailed):
                raise
            raise UpdateFailed(error.message, error.hint) from error
        folder.write_status(after)
        return after


def _update(
    repository: Repository, folder: FleetFolder, wishes: Wishes, before: Status, running: Path | None
) -> Status:
    content = None if running is None else _content(running)
    refused = folder.refused()
    releases = repository.releases()
    digest = None if content is None else hashlib.sha256(content).hexdigest()
    release = choose(releases, wishes.channel, wishes.device, digest, refused, wishes.pin)
    if release is None:
        if running is not None and digest != before.measured and not wishes.only_look:
            before = _measured_once(before, running, digest, wishes.canaries)
        return _as_it_was(before, digest, refused, releases, wishes.channel)
    if wishes.only_look:
        return replace(before, state="available", available=release.version, problem=None)
    staged = folder.staged / release.file
    repository.fetch(release, staged)
    try:
        read_model(str(staged), wishes.trust)
        found = measure(staged, None if wishes.pin else running, wishes.canaries)  # who pins it wants it, worse or not
    except (UpdateRefused, ModelError) as error:
        folder.refuse(release.sha256, release.version, error.message)
        if isinstance(error, UpdateRefused):
            raise
        raise UpdateRefused(f"{release.version}: {error.message}", error.hint) from error
    if wishes.pin is not None:
        folder.forget_refusal(release.sha256)
    return _installed(folder, release, staged, found, before, is_pinned=wishes.pin is not None)


def _as_it_was(
    before: Status, digest: str | None, refused: dict[str, str], releases: list[Release], channel: Channel
) -> Status:
    """Nothing is to be done. A newer version that was sent away stays in sight."""
    ours = [one for one in releases if one.share(channel) is not None]
    mine = next((one.order for one in ours if one.sha256 == digest), 0)
    away = [one for one in ours if one.sha256 in refused and one.order > mine]
    if away:
        newest = max(away, key=lambda one: one.order)
        return replace(before, state="refused", available=newest.version, problem=refused[newest.sha256])
    return replace(before, state="current", available=None, problem=None)


def _measured_once(before: Status, running: Path, digest: str | None, canaries: Path | None) -> Status:
    """What runs, and was not measured here yet: the device's own version, or the one that it went back to."""
    try:
        found = measure(running, None, canaries)
    except UpdateFailed:
        return replace(before, measured=digest, accuracy=None, canaries=0)
    return replace(before, measured=digest, accuracy=found.accuracy, canaries=found.pictures)


def _installed(
    folder: FleetFolder, release: Release, staged: Path, found: Measurement, before: Status, *, is_pinned: bool
) -> Status:
    """Let a version take over: first it is remembered as one on trial, then the link is replaced."""
    report = folder.run_report()
    trial = Trial(
        release.version, release.sha256, found.model, time.time(), report is not None and bool(report.drifting)
    )
    content = staged.read_bytes()
    if hashlib.sha256(content).hexdigest() != release.sha256:
        raise UpdateFailed(f"{staged} has changed since it was fetched", "is the disk damaged?")
    path = _added(folder.models, release, content)
    after = replace(
        before,
        state="updated",
        version=path.stem,
        available=None,
        accuracy=found.accuracy,
        canaries=found.pictures,
        problem=None,
        trial=None if is_pinned else trial,
        measured=release.sha256,
        installed=tuple(dict.fromkeys((*before.installed, path.name))),
    )
    folder.write_status(replace(after, version=before.version))
    use_version(folder.models, path)
    folder.clear_staged()
    return replace(after, installed=_without_older(folder.models, after.installed))


def _added(models: Path, release: Release, content: bytes) -> Path:
    """Put the file there; where somebody has another one of that name, under a name with a piece of its hash."""
    path = models / release.file
    taken = path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != release.sha256
    return add_version(models, content, f"{release.version}-{release.sha256[:8]}" if taken else release.version)


def _without_older(models: Path, installed: tuple[str, ...]) -> tuple[str, ...]:
    """Remove versions that updates have installed, but the one that runs and the one before; a card is small."""
    kept = []
    for link in (CURRENT, PREVIOUS):
        with contextlib.suppress(OSError):
            kept.append((models / link).readlink().name)
    for name in installed:
        if name not in kept and name.endswith(SUFFIX):
            with contextlib.suppress(OSError):
                (models / name).unlink(missing_ok=True)
    return tuple(name for name in installed if name in kept)


def _running(models: Path) -> Path | None:
    try:
        return version_in_use(models)
    except ModelNotFound:
        return None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UpdateFailed(f"{path}: {error.strerror}", "check its permissions") from error
