"""Python's search for garbage is put off while a start imports: what imports make all stays."""

from __future__ import annotations

import gc

_AT_START = 50_000
"""So many objects a start makes. By default they are looked through every 700, which takes a twentieth of its time."""

_usual: list[tuple[int, int, int]] = []


def put_off() -> None:
    """Hardly look for garbage from now on."""
    _usual.append(gc.get_threshold())
    gc.set_threshold(_AT_START)


def take_up() -> None:
    """Look for it as usual again, but not among what is there now; a run of months may not let it lie."""
    if _usual:
        gc.freeze()
        gc.set_threshold(*_usual.pop())
