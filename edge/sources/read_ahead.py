"""Pictures read and decoded in a thread, while the one before is classified."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import TypeVar

Item = TypeVar("Item")

SLOW_S = 0.01
"""An item that takes longer is worth a thread. At smaller pictures two threads lose by taking turns."""

_END = object()


def read_ahead(items: Iterator[Item], slow_s: float = SLOW_S) -> Iterator[Item]:
    """The same items in the same order. Once one is slow to come, a thread gets the next one while it is in use.

    So at most two are in memory. Where there is only one core, nothing is read ahead.
    """
    if len(os.sched_getaffinity(0)) == 1:
        yield from items
        return
    while True:
        began = time.monotonic()
        item = next(items, _END)
        if item is _END:
            return
        if time.monotonic() - began > slow_s:
            break
        yield item  # type: ignore[misc]
    from concurrent.futures import ThreadPoolExecutor

    reader = ThreadPoolExecutor(1, "reader")
    try:
        while item is not _END:
            ahead = reader.submit(next, items, _END)
            yield item  # type: ignore[misc]
            item = ahead.result()
    finally:
        reader.shutdown(wait=False, cancel_futures=True)
