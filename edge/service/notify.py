"""Tells systemd how the run is: started, alive, ending (sd_notify(3)).

What it tells follows from the events that the run publishes, never from a clock of its own: a process that hangs, or
whose camera hangs unnoticed, falls silent, and systemd starts it anew.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

from edge.events.event import CameraLost, Event, Heartbeat, Stopped
from edge.frame import Prediction
from edge.printable import printable

SOCKET = "NOTIFY_SOCKET"
"""The variable that names the socket; a leading @ stands for the abstract namespace."""

RESTARTS = "SIGHUP"
"""The reason of a run that ends to begin anew in the same process."""

_SEND_S = 1.0
"""So long a message may wait for systemd to read those before it."""


@dataclass(frozen=True, slots=True)
class Supervision:
    """What systemd has said to the process that it started: where it listens, and how long it waits for a sign."""

    address: str
    watchdog_s: float | None = None

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> Supervision | None:
        """As the variables say; None where nobody listens, or in a way that we do not speak (vsock)."""
        address = environment.get(SOCKET, "")
        if len(address) < 2 or address[0] not in "/@":
            return None
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        period = environment.get("WATCHDOG_USEC", "")
        return cls(address, int(period) / 1e6 if ours and period.isdecimal() and int(period) else None)

    def heartbeat_s(self, asked_s: float) -> float:
        """How often the run needs a heartbeat: while a camera is lost, there is no other sign of life."""
        return asked_s if self.watchdog_s is None else min(asked_s, self.watchdog_s / 2)


class Notifier:
    """A subscriber that passes on to systemd what the events mean.

    READY: the first answer, or a camera that was reported as lost. WATCHDOG: each later one, and heartbeats while the
    camera is lost; with `rarely_answers` (--motion, --interval) heartbeats at any time, for frames come then without
    answers. RELOADING and STOPPING: the run's end.
    """

    def __init__(self, supervision: Supervision, *, rarely_answers: bool = False) -> None:
        self._address = supervision.address
        self._pause_s = (supervision.watchdog_s or 0.0) / 4
        self._watched = supervision.watchdog_s is not None
        self._rarely_answers = rarely_answers
        self._is_ready = False
        self._last_s = float("-inf")

    def __call__(self, event: Event) -> None:
        """Tell systemd of an event, if it means anything to it."""
        what = event.what
        if isinstance(what, Prediction):
            self._alive("" if self._is_ready else f"answering: {what.source}")
        elif isinstance(what, CameraLost):
            self._alive(f"camera lost: {event.source}: {what.message}")
        elif isinstance(what, Heartbeat):
            state = f"camera lost: {what.lost}" if what.lost else f"{what.frames_per_s:.1f} answers a second"
            if what.lost or self._rarely_answers:
                self._alive(f"{state}, {what.frames} answered so far")
            else:
                self._send(_status(f"{state}, {what.frames} answered so far"))
        elif isinstance(what, Stopped):
            self._ends(what)

    def _alive(self, status: str) -> None:
        """A sign of life; at most four in the time in which systemd wants one, as it reads each."""
        lines = [_status(status)] if status else []
        now = time.monotonic()
        if not self._is_ready:
            lines.append("READY=1")
        if self._watched and now - self._last_s >= self._pause_s:
            lines.append("WATCHDOG=1")
        if lines and self._send("\n".join(lines)):
            self._is_ready = True
            if lines[-1] == "WATCHDOG=1":
                self._last_s = now

    def _ends(self, stopped: Stopped) -> None:
        if stopped.reason == RESTARTS:
            self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}\n{_status('starting anew')}")
        else:
            self._send(f"STOPPING=1\n{_status(f'stopped: {stopped.reason}')}")

    def _send(self, message: str) -> bool:
        """Whether it was delivered. What was not is told again by the next event; systemd may be busy, or gone."""
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.settimeout(_SEND_S)
                sender.connect(address)
                sender.sendall(message.encode())
        except OSError:
            return False
        return True


def _status(text: str) -> str:
    return f"STATUS={printable(text)}"
