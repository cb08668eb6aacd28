"""What a frame amounts to, before anything is classified. Loads nothing."""

from __future__ import annotations

from enum import StrEnum


class Scene(StrEnum):
    """What a frame shows."""

    GARMENT = "garment"
    EMPTY = "empty"
    """Nothing stands out from the ground."""
    FAINT = "faint"
    """What stands out has its colours, or folds and shadows do."""
    CUT_OFF = "cut_off"
    """What stands out runs over the frame's edge."""
