"""Who signs what of a repository, and for how long it is good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

from edge.errors import BadOption


class Signer(StrEnum):
    """Whose keys they are; each kind can lie in a place of its own."""

    ROOT = "root"
    """Says whose keys count, the others' and its own. Kept off the network."""
    TARGETS = "targets"
    """Says which versions there are, and for whom. Needed to publish."""
    ONLINE = "online"
    """Signs the snapshot and the timestamp; the timestamp anew every few days, by a timer. May lie on a server."""


ROLES = {
    Signer.ROOT: (Root.type,),
    Signer.TARGETS: (Targets.type,),
    Signer.ONLINE: (Snapshot.type, Timestamp.type),
}
"""TUF's roles, by whose keys sign them."""

SIGNER_OF = {role: signer for signer, roles in ROLES.items() for role in roles}


@dataclass(frozen=True, slots=True)
class Periods:
    """For how long metadata are good once they are signed.

    A device that is shown nothing newer than an expired timestamp knows that somebody keeps news from it.
    """

    root: timedelta = timedelta(days=365)
    targets: timedelta = timedelta(days=365)
    snapshot: timedelta = timedelta(days=30)
    timestamp: timedelta = timedelta(days=7)

    def end(self, role: str, now: datetime | None = None) -> datetime:
        """When a role's metadata expire that are signed now."""
        period: timedelta = getattr(self, role)
        return ((now or datetime.now(UTC)) + period).replace(microsecond=0)

    def is_due(self, role: str, expires: datetime, now: datetime | None = None) -> bool:
        """Whether half of the period is over: time to sign anew."""
        period: timedelta = getattr(self, role)
        return expires - (now or datetime.now(UTC)) < period / 2


@dataclass(frozen=True, slots=True)
class Threshold:
    """So many keys there are, and so many of them have to sign."""

    keys: int
    needed: int

    def __post_init__(self) -> None:
        if not 1 <= self.needed <= self.keys <= 20:
            raise BadOption(f"{self.needed} of {self.keys} keys cannot sign", "such as 2/3: two of three keys")

    @classmethod
    def parse(cls, text: str) -> Threshold:
        """Of 2/3 (two of three), or 1 (the only one). Raises BadOption."""
        needed, _, keys = text.partition("/")
        if not (needed.isdecimal() and (keys.isdecimal() or not keys)):
            raise BadOption(f"{text} says no number of keys", "such as 2/3: two of three keys")
        return cls(int(keys or needed), int(needed))
