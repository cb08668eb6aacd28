"""Updates again and again: how long to wait between two of them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from edge.errors import BadOption, FmnistEdgeError, OutputFailed, UpdateFailed, UpdateRefused

FIRST_RETRY_S = 30.0
"""After a failure; then twice that, and so on, up to the usual interval."""


@dataclass(slots=True)
class Pace:
    """When to look again. Chance spreads a fleet: all devices of a shop come back from a power cut at once."""

    every_s: float
    first_retry_s: float = FIRST_RETRY_S
    failures: int = 0

    def pause_s(self, failed: bool) -> float:
        """Seconds until the next look."""
        self.failures = self.failures + 1 if failed else 0
        usual = self.every_s
        if failed:
            usual = min(self.first_retry_s * 2.0 ** min(self.failures - 1, 30), self.every_s)
        return usual * random.uniform(0.75, 1.25)  # noqa: S311 - no secret


def watch(
    update: Callable[[], object],
    pace: Pace,
    complain: Callable[[FmnistEdgeError], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Update for ever; what goes wrong is said once, until it is over or something else. Raises BadOption.

    A version that is refused is no failure to be tried again soon: it stays refused.
    """
    told = ""
    while True:
        failed = False
        try:
            update()
            told = ""
        except BadOption:
            raise
        except (UpdateFailed, OutputFailed) as error:
            failed = not isinstance(error, UpdateRefused)
            if error.message != told:
                complain(error)
            told = error.message
        sleep(pace.pause_s(failed))
