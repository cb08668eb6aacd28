"""A webhook listener in its thread, quick enough for tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.events.event import Event, Stopped
from edge.events.listeners.listener_thread import ListenerThread, close_all
from edge.events.listeners.spool import Spool
from edge.events.listeners.webhook import Pacing, Webhook
from tests.edge.events.happenings import event
from tests.edge.events.hook_server import Hook

QUICK = Pacing(batch_s=0.05, batch_behind_s=0.05, timeout_s=0.4, pause_first_s=0.02, pause_most_s=0.1, close_s=1.5)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@contextmanager
def posting(
    hook: Hook, folder: Path, pacing: Pacing = QUICK, key: bytes | None = None, size: int = 10**6
) -> Iterator[tuple[ListenerThread, list[str]]]:
    """The listener in its thread, and what is said of it; closed at the end."""
    said: list[str] = []
    thread = ListenerThread(Webhook(hook.url, Spool(folder, size), key, pacing), said.append)
    thread.start()
    try:
        yield thread, said
    finally:
        close_all([thread])


def stopped(number: int) -> Event:
    """An event that goes out at once, with a number."""
    return event(Stopped("SIGTERM", number), at_s=number)


def numbers(hook: Hook) -> list[int]:
    return [one["frames"] for one in hook.events]
