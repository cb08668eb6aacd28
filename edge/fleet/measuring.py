"""Whether a new version may take over: it runs, and is not clearly worse than the one that runs."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from edge.documents import parse_object
from edge.errors import UpdateFailed, UpdateRefused

TIMEOUT_S = 900.0
"""A thousand photos by two models take a minute on a slow Pi."""

CHANCE = 0.01
"""A version is clearly worse if an equally good one would look as bad less often than that (McNemar, one-sided).

In a fleet of a thousand an equally good version is refused by ten, and each of them says so."""

_ITS_FAULT = {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL}


@dataclass(frozen=True, slots=True)
class Measurement:
    """A new version on this device's canaries: so many `pictures`, `right` ones of them.

    `model` is the SHA-256 of its flatbuffer. `only_new` and `only_running` count pictures that only one of both
    versions got right; None where nothing ran to compare with.
    """

    model: str
    pictures: int
    right: int
    only_new: int | None = None
    only_running: int | None = None

    @property
    def accuracy(self) -> float | None:
        """Share of right answers, 0 to 1; None without pictures."""
        return self.right / self.pictures if self.pictures else None

    @property
    def chance(self) -> float:
        """How often a version just as good as the running one would differ from it for the worse like this, or more.

        Only pictures that one of both gets right count; each of them is a throw of a coin then.
        """
        worse, better = self.only_running or 0, self.only_new or 0
        throws = worse + better
        as_bad = sum(math.comb(throws, heads) for heads in range(worse, throws + 1))
        return float(as_bad / (1 << throws))

    @property
    def is_clearly_worse(self) -> bool:
        """Whether chance does not explain it."""
        return (self.only_running or 0) > (self.only_new or 0) and self.chance < CHANCE


def measure(candidate: Path, running: Path | None, canaries: Path | None) -> Measurement:
    """Open and measure a new version in a child process.

    Raises UpdateRefused for a version that does not run or is clearly worse, UpdateFailed for what is no fault of its
    own: no memory, a damaged folder of canaries.
    """
    command = [
        sys.executable,
        "-P",
        "-m",
        "edge.fleet.canary_child",
        *map(str, (candidate, running or "", canaries or "")),
    ]
    try:
        child = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)  # noqa: S603 - ours
    except subprocess.TimeoutExpired as error:
        raise UpdateFailed(f"{candidate.name} was not measured within {TIMEOUT_S:.0f} s") from error
    except OSError as error:
        raise UpdateFailed(f"{candidate.name} could not be measured: {error.strerror or error}") from error
    if -child.returncode in _ITS_FAULT:
        raise UpdateRefused(
            f"{candidate.stem} crashes the runtime ({signal.Signals(-child.returncode).name})",
            "it was made for another runtime: convert check",
        )
    if child.returncode:
        said = child.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit code {child.returncode}"]
        raise UpdateFailed(f"{candidate.name} could not be measured: {said[-1]}")
    return _judged(candidate.stem, child.stdout)


def _judged(version: str, printed: bytes) -> Measurement:
    try:
        found = parse_object(printed)
        if "refused" in found:
            raise UpdateRefused(f"{version}: {found['refused']}")
        result = Measurement(**found)
    except UpdateRefused:
        raise
    except (ValueError, TypeError) as error:
        raise UpdateFailed(f"{version} could not be measured: {error}") from error
    if result.is_clearly_worse:
        raise UpdateRefused(
            f"{version} is clearly worse here: of {result.pictures} canaries it loses {result.only_running} and gains "
            f"{result.only_new} (by chance once in {min(1 / result.chance, 1e6):,.0f})",
            "look at it with fmnist-edge evaluate; --pin installs it all the same",
        )
    return result
