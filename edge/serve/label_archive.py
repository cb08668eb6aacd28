"""The sorted pictures as a zip, made while it is sent: it is never whole in memory or on the disk."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

CHUNK = 64 << 10


class _Drain(io.RawIOBase):
    """What was written since it was asked last. It cannot seek: zipfile then writes as it goes."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        piece = bytes(content)  # type: ignore[call-overload]
        self._written += piece
        return len(piece)

    def taken(self) -> bytes:
        piece = bytes(self._written)
        self._written.clear()
        return piece


def zip_pieces(files: Iterable[tuple[str, Path]]) -> Iterator[bytes]:
    """The pieces of a zip of these files, stored as they are (JPEGs grow no smaller); one that is gone is left out."""
    drain = _Drain()
    with zipfile.ZipFile(drain, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, path in files:
            try:
                content = path.read_bytes()
            except OSError:
                continue
            # The epoch of zip: a Pi without network knows no better.
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
            yield drain.taken()
    yield drain.taken()
