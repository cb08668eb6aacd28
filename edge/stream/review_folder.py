"""A folder of uncertain frames, to be sorted by hand and trained on: never larger than its cap.

    DIR/_unsorted/00000042-20261125T090700Z.jpg    the frame as it was classified (.png if it is tiny)
    DIR/_unsorted/00000042-20261125T090700Z.json   what was made of it, when and by which model
    DIR/T-shirt_top/ DIR/Trouser/ ...              move a picture into its class ...
    DIR/_unknown/                                  ... or here if it is none of them

The cap is for `_unsorted`, where the oldest make room; what a person has sorted is theirs. Numbers, not clocks, say
what is oldest: a Pi without network wakes up in the past. A file gets its name when it is complete and on the disk.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import re
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from edge.datasets.image_folders import UNKNOWN, UNSORTED, class_folders
from edge.errors import BadOption
from edge.frame import Decision, Frame, Prediction
from edge.opencv import cv2
from edge.output.sinks import as_json
from edge.printable import printable_json
from edge.thumbnail import differ, thumbnail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TINY = 128
"""Pictures up to this edge are kept without loss: JPEG would blur them."""

JPEG_QUALITY = 95

RECOUNT_S = 60.0
"""A full store looks so often what its user has moved away meanwhile."""

SURE_MARGIN = 0.2
"""A smaller lead of the first label over the second is uncertain whatever its score."""

GAP_S = 1.0
SAME_LOOK_S = 60.0
"""A source gives at most one frame in GAP_S, and in SAME_LOOK_S one that looks like its last."""

LOOK_DIFFERENCE = 3.0
"""Frames that differ by less look the same; mean difference in grey levels."""


class ReviewFolder:
    """Keeps frames under `folder`: at most `cap_bytes` of them, notes included. A context manager.

    Where the disk is full or cannot be written, or another process keeps its frames there, it warns once and tries
    again with the next frame.
    """

    def __init__(self, folder: Path, cap_bytes: int, labels: tuple[str, ...], model: str) -> None:
        self._folder = folder
        self._unsorted = folder / UNSORTED
        self._cap_bytes = cap_bytes
        self._classes = class_folders(labels)
        self._model = model
        self._lock: TextIO | None = None
        self._ours: dict[str, int] = {}  # bytes of a picture and its note, oldest first
        self._others_bytes = 0
        self._counted_at_s = 0.0
        self._next_number = 1
        self._warned = False
        self._attempt(self._open)

    def keep(self, frame: Frame, prediction: Prediction) -> None:
        """Store a frame and its prediction; the oldest make room first."""
        self._attempt(lambda: self._keep(frame, prediction))

    def __enter__(self) -> ReviewFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._lock.close()

    def _attempt(self, action: Callable[[], None]) -> None:
        """Do it; if the disk fails, warn once."""
        try:
            action()
        except OSError as error:
            if not self._warned:
                self._warned = True
                reason = error.strerror or error
                warnings.warn(f"cannot keep frames in {self._folder}: {reason}; classification goes on", stacklevel=4)

    def _open(self) -> None:
        """Make the folders, claim them, and clear away what an interrupted run left."""
        for name in (UNSORTED, UNKNOWN, *self._classes.values()):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        lock = (self._folder / ".lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise OSError("another process keeps its frames there") from error
        for unfinished in self._unsorted.glob(".*.partial"):
            unfinished.unlink()
        numbers = [int(path.name[:8]) for path in self._folder.glob("*/*") if _is_ours(path.name)]
        self._next_number = max(numbers, default=0) + 1
        self._count()
        self._lock = lock

    def _count(self) -> None:
        """Read again what there is, and drop the notes whose picture was moved away."""
        files: dict[str, dict[str, int]] = {}
        self._others_bytes = 0
        with os.scandir(self._unsorted) as entries:
            for entry in entries:
                stem, suffix = os.path.splitext(entry.name)  # noqa: PTH122 - a Path apiece takes ten times as long
                if _is_ours(entry.name):
                    files.setdefault(stem, {})[suffix] = entry.stat().st_size
                else:
                    self._others_bytes += entry.stat().st_size
        for stem in [stem for stem, sizes in files.items() if set(sizes) == {".json"}]:
            self._drop(stem)
            del files[stem]
        self._ours = {stem: sum(files[stem].values()) for stem in sorted(files)}
        self._counted_at_s = time.monotonic()

    def _keep(self, frame: Frame, prediction: Prediction) -> None:
        if self._lock is None:
            self._open()
        suffix, options = ".jpg", [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        if max(frame.pixels.shape[:2]) <= TINY:
            suffix, options = ".png", []
        picture = cv2.imencode(suffix, frame.pixels, options)[1].tobytes()
        now = datetime.now(UTC)
        kept = {"time": now.isoformat(timespec="milliseconds"), "model": self._model}
        facts = kept | as_json(prediction, 5) | kept
        note = printable_json(json.dumps(facts, ensure_ascii=False, indent=1)).encode() + b"\n"
        size = len(picture) + len(note)
        self._make_room(size)
        stem = f"{self._next_number:08}-{now:%Y%m%dT%H%M%SZ}"
        self._next_number += 1
        try:
            # The picture comes last: one that is there has its note.
            self._write(f"{stem}.json", note)
            self._write(f"{stem}{suffix}", picture)
        except OSError:
            self._drop(stem)
            raise
        self._ours[stem] = size

    def _make_room(self, needed: int) -> None:
        """Drop the oldest until so many bytes fit under the cap. Raises OSError if they never do."""
        if self._bytes() + needed > self._cap_bytes and time.monotonic() - self._counted_at_s > RECOUNT_S:
            self._count()
        if self._others_bytes + needed > self._cap_bytes:
            raise OSError(f"a frame of {needed / 1000:,.0f} KB does not fit under --keep-max")
        excess = self._bytes() + needed - self._cap_bytes
        while excess > 0:
            oldest = next(iter(self._ours))
            self._drop(oldest)
            excess -= self._ours.pop(oldest)

    def _bytes(self) -> int:
        return self._others_bytes + sum(self._ours.values())

    def _drop(self, stem: str) -> None:
        for suffix in (".jpg", ".png", ".json"):  # the note last: no picture is ever without
            (self._unsorted / (stem + suffix)).unlink(missing_ok=True)

    def _write(self, name: str, content: bytes) -> None:
        unfinished = self._unsorted / f".{name}.partial"
        try:
            with unfinished.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._unsorted / name)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise


def store_uncertain(
    pairs: Iterable[tuple[Frame, Prediction]], store: ReviewFolder, below: float
) -> Iterator[tuple[Frame, Prediction]]:
    """Pass pairs through and store the uncertain frames, near-duplicates aside."""
    last: Frame | None = None
    look: NDArray[np.uint8] | None = None
    with store:
        for frame, prediction in pairs:
            if is_uncertain(prediction, below):
                same_source = last is not None and last.source == frame.source
                waited_s = frame.captured_at_s - last.captured_at_s if last is not None and same_source else math.inf
                if waited_s >= GAP_S:
                    seen = thumbnail(frame.pixels)
                    if look is None or waited_s >= SAME_LOOK_S or differ(seen, look, LOOK_DIFFERENCE):
                        store.keep(frame, prediction)
                        last, look = frame, seen
            yield frame, prediction


def is_uncertain(prediction: Prediction, below: float) -> bool:
    """Whether there is something of which the model is not sure: unknown, a score under `below`, or a close second."""
    if prediction.decision is Decision.NO_GARMENT or prediction.best is None:
        return False
    scores = [one.score for one in prediction.ranked[:2]] + [0.0]
    close = scores[0] - scores[1] < SURE_MARGIN
    return prediction.decision is Decision.UNKNOWN or scores[0] < below or close


def parse_size(text: str) -> int:
    """Bytes of `250MB`, `1.5 GB`, `800kb` or `1000000`; a KB has 1,000. Raises BadOption."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]?)B?", text.strip(), re.IGNORECASE)
    size = round(float(match[1]) * 1000 ** " KMGT".index(match[2].upper() or " ")) if match else 0
    if size <= 0:
        raise BadOption(f"{text} is no size", "such as 250MB or 1.5GB")
    return size


def _is_ours(name: str) -> bool:
    return name[:8].isdecimal() and name[8:9] == "-" and name.endswith((".jpg", ".png", ".json"))
