"""Addresses out of a text file or a column of a CSV file, one by one; an empty text stands for a row without one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from edge.batch.settings import S3Settings
from edge.batch.storage import open_file
from edge.errors import BadOption, ImageUnreadable


def text_lines(name: str, s3: S3Settings) -> Iterator[str]:
    """An address a line. Raises SourceError at once, and ImageUnreadable for what turns out to be no text."""
    open_file(name, s3).close()
    return _lines(name, s3)


def csv_rows(name: str, column: str | None, s3: S3Settings) -> Iterator[str]:
    """The addresses of a column; of the only one if none is named. Raises SourceError or BadOption, at once."""
    with _text(name, s3) as text:
        try:
            header = next(csv.reader(text), [])
        except csv.Error as error:
            raise _no_csv(name, error) from error
    if not header:
        raise BadOption(f"{name} is empty", "a header, then a row for each picture")
    wanted = header[0] if column is None and len(header) == 1 else column
    if wanted is None:
        raise BadOption(f"{name} has the columns {', '.join(header)}", f"--column {header[0]}")
    if wanted not in header:
        raise BadOption(f"{name} has no column {wanted}", f"it has {', '.join(header)}")
    return _column(name, header.index(wanted), s3)


def _lines(name: str, s3: S3Settings) -> Iterator[str]:
    with _text(name, s3) as lines:
        for line in lines:
            if "\0" in line:
                raise ImageUnreadable(f"{name} is no list of addresses", "a text file with an address a line")
            yield line.strip()


def _column(name: str, number: int, s3: S3Settings) -> Iterator[str]:
    with _text(name, s3) as text:
        rows = csv.reader(text)
        next(rows)
        try:
            for row in rows:
                yield row[number].strip() if number < len(row) else ""
        except csv.Error as error:
            raise _no_csv(name, error) from error


def _text(name: str, s3: S3Settings) -> io.TextIOWrapper:
    """The file as text, with its ends of lines as they are; bytes that are no UTF-8 stay what they are, too."""
    return io.TextIOWrapper(open_file(name, s3), "utf-8-sig", errors="surrogateescape", newline="")


def _no_csv(name: str, error: csv.Error) -> ImageUnreadable:
    return ImageUnreadable(f"{name} is no CSV: {error}", "a header, then a row for each picture")
