"""What stands for a picture, or some of them, until it is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Pictures whose bytes lie in a row group of a Parquet file, `rows` of them.

    `first_row` is the number of the first of them in the file. `size` is that of the file's footer in bytes: it tells a
    file that has been replaced.
    """

    file: str
    size: int
    group: int
    first_row: int
    rows: int
    column: str
    id_column: str | None


Reference = str | RowGroup
"""An address as it was written: a path, http(s) or s3. Or a row group of a Parquet file."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The pictures of a source, lazily. `base` is where relative paths start; lists `may_repeat` an address."""

    references: Iterator[Reference]
    base: str = ""
    may_repeat: bool = False
