"""The plan: all pictures of a source, written down once, in parts. A part is what one process answers in one go.

So a run that goes on needs no second look at the source, and whatever has changed there meanwhile is neither answered
twice nor left out.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from types import TracebackType

from edge.batch.catalogue.reference import Catalogue, Reference, RowGroup
from edge.errors import OutputFailed

PART_SIZE = 5000
"""Pictures in a part, at most. Small photos take a core some 30 s: that is lost when a process is."""

_SMALLEST, _OF_ONE_SIZE = 32, 8
"""The first eight parts have 32 pictures, the next eight 64 and so on: small catalogues, too, occupy all processes."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What a source holds: pictures and parts, rows that repeat an address, rows without one."""

    pictures: int
    parts: int
    repeated: int
    blank: int


def write_plan(folder: Path, catalogue: Catalogue, part_size: int, listed: Callable[[int], None]) -> Listed:
    """Write the parts of a catalogue; `listed` is told how many pictures there are so far.

    Raises what the catalogue raises, and OSError.
    """
    shutil.rmtree(folder, ignore_errors=True)  # of a listing that was stopped: nothing has been answered
    folder.mkdir()
    repeated = blank = pictures = number = size = 0
    part: list[Reference] = []
    with _Seen(folder / "seen.sqlite") as seen:
        for one in catalogue.references:
            if not one:
                blank += 1
            elif isinstance(one, str) and catalogue.may_repeat and not seen.is_new(one):
                repeated += 1
            else:
                part.append(one)
                size += one.rows if isinstance(one, RowGroup) else 1
            if size >= min(part_size, _SMALLEST * (1 + number // _OF_ONE_SIZE)):
                _write(folder, number, part)
                pictures, number, size = pictures + size, number + 1, 0
                part.clear()
                listed(pictures)
    if part:
        _write(folder, number, part)
        pictures, number = pictures + size, number + 1
    return Listed(pictures, number, repeated, blank)


def read_part(folder: Path, number: int) -> Iterator[Reference]:
    """The references of a part. Raises OutputFailed where they cannot be read, all of them."""
    path = folder / f"{number:06}.gz"
    is_empty = True
    try:
        with gzip.open(path, "rt", encoding="ascii") as lines:
            for line in lines:
                is_empty = False
                one = json.loads(line)
                yield one if isinstance(one, str) else RowGroup(**one)
        if is_empty:
            raise EOFError("it is empty")
    except (OSError, EOFError, ValueError, TypeError, zlib.error) as error:
        raise OutputFailed(f"{path} is damaged: {error}", "begin anew: choose another folder with -o") from error


def _write(folder: Path, number: int, part: list[Reference]) -> None:
    with gzip.open(folder / f"{number:06}.gz", "wt", 1, encoding="ascii") as lines:
        lines.writelines(json.dumps(one if isinstance(one, str) else asdict(one)) + "\n" for one in part)


class _Seen:
    """The addresses that there have been, on disk: 25 bytes each, and as much memory for millions as for a few."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database: sqlite3.Connection | None = None

    def __enter__(self) -> _Seen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.close()
        self._path.unlink(missing_ok=True)

    def is_new(self, address: str) -> bool:
        """Whether this is the first time. By 128 bits of a hash: no two addresses have ever had the same."""
        digest = blake2b(address.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        try:
            if self._database is None:
                self._database = self._open()
            return self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (digest,)).rowcount == 1
        except sqlite3.Error as error:
            raise OutputFailed(f"cannot write {self._path}: {error}", "make room, or choose another place") from error

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, isolation_level=None)
        for line in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
            database.execute(f"PRAGMA {line}")
        database.execute("CREATE TABLE seen (digest BLOB PRIMARY KEY) WITHOUT ROWID")
        database.execute("BEGIN")
        return database
