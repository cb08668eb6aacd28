"""What is published: a repository begun, versions put into channels and withdrawn, timestamps signed anew."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tuf.api.metadata import Root, Snapshot, TargetFile, Targets, Timestamp

from convert.publishing.repository import Repository
from convert.publishing.roles import ROLES, Periods, Signer, Threshold
from edge.choices import Channel
from edge.errors import BadOption, ModelUnsupported
from edge.fleet.release import Release, is_version_name, release_of
from edge.inference.model_file import parse_model

if TYPE_CHECKING:
    from convert.publishing.key_ring import KeyRing

PERIODS = Periods()

NOTICEABLE = 0.005
"""Of accuracy, 0 to 1: what quantisation may cost at most, too."""


def begin(folder: Path, ring: KeyRing, thresholds: Mapping[Signer, Threshold], periods: Periods = PERIODS) -> Path:
    """Make keys and an empty repository; the path of its first root, which devices are given to begin with.

    Raises BadOption where there is one, SecretRefused or OutputFailed.
    """
    repository = Repository.create(folder)
    with repository.locked():
        root = repository.root.signed
        for signer, threshold in thresholds.items():
            for key in ring.make(signer, threshold):
                for role in ROLES[signer]:
                    root.add_key(key, role)
            for role in ROLES[signer]:
                root.roles[role].threshold = threshold.needed
        repository.write((Root.type, Targets.type), ring, periods)
    return folder / "metadata" / "1.root.json"


def releases_of(repository: Repository) -> list[Release]:
    """The versions that are published, the newest last."""
    found = [
        release_of(file, target.length, target.hashes["sha256"], target.custom)
        for file, target in repository.targets.signed.targets.items()
    ]
    return sorted((one for one in found if one is not None), key=lambda one: one.order)


def publish(
    model: Path,
    version: str,
    repository: Repository,
    ring: KeyRing,
    channel: Channel,
    percent: int,
    periods: Periods = PERIODS,
) -> Release:
    """Put a version into a channel, for so many per cent of its devices; the version as it is published now.

    One that is there already stays as it is, with its place in the order; its channels and percentages change. What it
    had before in other channels stays. Raises ModelError for a file without a manifest that states its accuracy,
    BadOption for another file under a name that is taken, and what `Repository.write` raises.
    """
    content = model.read_bytes()
    if not is_version_name(version):
        raise BadOption(f"{version} cannot be a version's name", "letters, digits, dots and dashes: --name camera-12")
    accuracy = stated_accuracy(content, model)
    sha256 = hashlib.sha256(content).hexdigest()
    published = releases_of(repository)
    found = next((one for one in published if one.version == version), None)
    if found is not None and found.sha256 != sha256:
        raise BadOption(f"{version} is published already, with another content", "give the new one another --name")
    if found is None:
        order = 1 + max((one.order for one in published), default=0)
        found = Release(version, order, {}, sha256, len(content), accuracy)
    release = replace(found, shares={**found.shares, channel: percent})
    target = TargetFile.from_data(release.file, content, ["sha256"])
    target.unrecognized_fields["custom"] = release.custom()
    repository.put_target(release.file, sha256, content)
    repository.targets.signed.targets[release.file] = target
    repository.write((Targets.type,), ring, periods)
    return release


def better_before(release: Release, repository: Repository, channel: Channel) -> Release | None:
    """The version that a channel's devices leave for this one, if it states an accuracy of over half a point more."""
    ours = [one for one in releases_of(repository) if one.order < release.order and one.share(channel) is not None]
    before = max(ours, key=lambda one: one.order, default=None)
    if before is None or before.accuracy is None or release.accuracy is None:
        return None
    return before if before.accuracy - release.accuracy > NOTICEABLE else None


def withdraw(version: str, repository: Repository, ring: KeyRing, periods: Periods = PERIODS) -> None:
    """Publish a version no more: devices that run it go back to the newest that is left. Raises BadOption.

    Its file stays, for those who have begun to read it.
    """
    release = next((one for one in releases_of(repository) if version in {one.version, one.file}), None)
    if release is None:
        raise BadOption(f"{version} is not published", "convert publish status DIR lists what is")
    del repository.targets.signed.targets[release.file]
    repository.write((Targets.type,), ring, periods)


def refresh(
    repository: Repository, ring: KeyRing, periods: Periods = PERIODS, now: datetime | None = None
) -> tuple[list[str], list[str]]:
    """Sign anew what is half over; the roles that were, and those that need keys which are not here.

    The timestamp is signed in any case. Raises what `Repository.write` raises.
    """
    root = repository.root.signed
    due, missing = {Timestamp.type}, []
    for role in (Root.type, Targets.type, Snapshot.type):
        if periods.is_due(role, repository.metadata(role).signed.expires, now):
            if len(ring.signers(root.roles[role].keyids)) >= root.roles[role].threshold:
                due.add(role)
            else:
                missing.append(role)
    repository.write(due, ring, periods)
    return sorted(due), missing


def stated_accuracy(content: bytes, path: Path) -> float:
    """The accuracy that a model file's manifest states, 0 to 1. Raises ModelError."""
    manifest = parse_model(content, path).manifest
    hint = "publish what convert quantize wrote: a fleet gets nothing of unknown accuracy"
    if manifest is None:
        raise ModelUnsupported(f"{path} has no manifest", hint)
    measured = manifest.get("accuracy")
    accuracy = measured.get("int8") if isinstance(measured, dict) else None
    if not isinstance(accuracy, int | float) or not 0 <= accuracy <= 1:
        raise ModelUnsupported(f"{path}: its manifest states no accuracy", hint)
    return float(accuracy)
