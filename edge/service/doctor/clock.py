"""The clock: a Pi without battery starts with the time of its last shutdown, or with 1970."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from edge.service.doctor.finding import Finding, fail, ok, warn

MADE_IN = 2026
"""The year of this version: an earlier one cannot be now."""

PLAUSIBLE_YEARS = 20
_MEND = "connect the network, then: sudo timedatectl set-ntp true"


def clock(root: Path, now: datetime) -> Finding:
    """Whether the year can be true, and whether systemd-timesyncd, if it runs, has asked the network.

    Events carry the time, and certificates are refused outside their years.
    """
    found = f"{now:%Y-%m-%d %H:%M} UTC"
    if not MADE_IN <= now.year <= MADE_IN + PLAUSIBLE_YEARS:
        return fail(f"{found}: the clock is not set", _MEND)
    timesyncd = root / "run/systemd/timesync"
    if not timesyncd.is_dir():  # a container, chrony, or no systemd: others keep the time
        return ok(found)
    synchronized = timesyncd / "synchronized"
    if synchronized.exists():
        age = now - datetime.fromtimestamp(synchronized.stat().st_mtime, now.tzinfo)
        return ok(f"{found}, synchronised {ago(age)}")
    if any((root / "dev").glob("rtc*")):
        return ok(f"{found}, from the clock's battery; not synchronised since the start")
    return warn(f"{found}, not synchronised since the start, and there is no clock with a battery", _MEND)


def ago(age: timedelta) -> str:
    """In whole minutes or hours."""
    minutes = max(0, int(age.total_seconds() // 60))
    return f"{minutes} min ago" if minutes < 120 else f"{minutes // 60} h ago"
