"""How sources are opened: what the command line's options say of cameras and addresses. Loads nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """How to open a source.

    An address with one picture is asked again every `interval_s` seconds; None asks once.
    """

    interval_s: float | None = None


AS_THEY_COME = SourceSettings()
"""Nothing is asked of a source."""
