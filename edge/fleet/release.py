"""A version of a model in a repository: its channels, the share of devices that is to have it, its place in the order.

All of that stands in the custom metadata of the version's TUF target, so it is signed as the file's hash is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from edge.choices import Channel
from edge.errors import UpdateFailed
from edge.inference.model_versions import CURRENT, PREVIOUS, SUFFIX

FIELD = "fmnist-edge"
"""Under this key of the target's custom metadata."""

LAYOUT = 1

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)

_FOLLOWED = {Channel.STABLE: (Channel.STABLE,), Channel.CANARY: (Channel.CANARY, Channel.STABLE)}
"""A canary has what is stable, too."""


@dataclass(frozen=True, slots=True)
class Release:
    """A published version; `order` says which one is newer, and `shares` has the percentage of devices by channel.

    `sha256` and `length` (bytes) are the file's; `accuracy`, 0 to 1, is what its manifest states.
    """

    version: str
    order: int
    shares: Mapping[Channel, int]
    sha256: str
    length: int
    accuracy: float | None = None

    @property
    def file(self) -> str:
        """The target's name, and the file's in the folder of versions."""
        return self.version + SUFFIX

    def custom(self) -> dict[str, Any]:
        """What the target's custom metadata are to say."""
        shares = {str(channel): share for channel, share in sorted(self.shares.items())}
        stated = {} if self.accuracy is None else {"accuracy": f"{self.accuracy:.4f}"}  # signed JSON has no fractions
        return {FIELD: {"v": LAYOUT, "order": self.order, "channels": shares, **stated}}

    def share(self, channel: Channel) -> int | None:
        """The percentage of the devices of a channel that is to have it; None if it is not for the channel."""
        return max((self.shares[one] for one in _FOLLOWED[channel] if one in self.shares), default=None)


def release_of(file: str, length: int, sha256: str, custom: Any) -> Release | None:
    """A version by its target; None for a target that is none, or made for a newer fmnist-edge."""
    version = file.removesuffix(SUFFIX)
    try:
        stated = custom[FIELD]
        if version == file or not is_version_name(version) or stated["v"] != LAYOUT:
            return None
        named = {name: _percentage(share) for name, share in stated["channels"].items()}
        shares = {channel: named[channel] for channel in Channel if channel in named}
        accuracy = stated.get("accuracy")
        return Release(
            version, int(stated["order"]), shares, sha256, length, None if accuracy is None else float(accuracy)
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def is_version_name(version: str) -> bool:
    """Whether a version may be called so: a name that is a file's everywhere, and none of the folder's links."""
    return _NAME.fullmatch(version) is not None and version not in {CURRENT, PREVIOUS}


def bucket(device: str, version: str) -> int:
    """A number from 0 to 99, of this device for this version: those below the percentage have it first.

    Another version has others first. A percentage that grows keeps those who have it.
    """
    digest = hashlib.sha256(f"{device}\n{version}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % 100


def choose(
    releases: Iterable[Release],
    channel: Channel,
    device: str,
    running: str | None,
    refused: Collection[str],
    pin: str | None = None,
) -> Release | None:
    """The version that this device is to run; None if that is what it runs, or if there is none for it.

    `running` is the SHA-256 of the file that runs, `refused` has those of files that were tried here and sent away.
    A version that runs and is still published is left only for a newer one; one that was withdrawn, for the newest
    that is there. With `pin` it is that version. Raises UpdateFailed for one that is not published.
    """
    published = sorted(releases, key=lambda one: one.order)
    if pin is not None:
        pinned = next((one for one in published if one.version == pin.removesuffix(SUFFIX)), None)
        if pinned is None:
            listed = ", ".join(one.version for one in published[-10:]) or "none"
            raise UpdateFailed(f"--pin {pin}: there is no such version in the repository", f"there are: {listed}")
        return None if pinned.sha256 == running else pinned
    ours = [one for one in published if one.share(channel) is not None]
    mine = next((one for one in ours if one.sha256 == running), None)
    for one in reversed(ours):
        if one.sha256 == running or (mine is not None and one.order < mine.order):
            return None
        if one.sha256 not in refused and bucket(device, one.version) < (one.share(channel) or 0):
            return one
    return None


def _percentage(share: Any) -> int:
    if not isinstance(share, int) or isinstance(share, bool) or not 0 <= share <= 100:
        raise ValueError(f"{share} is no percentage")
    return share
