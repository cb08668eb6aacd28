"""How sources are opened: what the command line's options say of cameras and addresses. Loads nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """How to open a source.

    An address with one picture is asked again every `interval_s` seconds; None asks once. A camera or stream that is
    lost is opened again `retry` times, without end if that is None; with `waits_at_start` also one that is not there
    at first.
    """

    interval_s: float | None = None
    retry: int | None = 0
    waits_at_start: bool = False


AS_THEY_COME = SourceSettings()
"""Nothing is asked of a source."""
