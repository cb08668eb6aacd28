"""One grammar for catalogues.

photos/  s3://bucket/prefix            every picture below it
list.txt  list.csv --column url        addresses: paths, http(s) or s3
table.parquet --column image           bytes or addresses in a column
tables/ --column image                 every Parquet file below it
"""

from __future__ import annotations

from pathlib import Path

from edge.batch.catalogue.folders import below
from edge.batch.catalogue.lists import csv_rows, text_lines
from edge.batch.catalogue.parquet_files import parquet_references
from edge.batch.catalogue.reference import Catalogue
from edge.batch.settings import S3Settings
from edge.batch.storage import S3
from edge.errors import BadOption, SourceNotFound
from edge.sources.pictures import IMAGE_SUFFIXES

PARQUET = frozenset({".parquet"})
_CSV = frozenset({".csv"})


def open_catalogue(source: str, column: str | None, id_column: str | None, s3: S3Settings) -> Catalogue:
    """The pictures of a source. Raises SourceError, BadOption or MissingExtra."""
    suffix = "." + source.rpartition(".")[2].lower()
    if source.startswith(("http://", "https://", "rtsp://")):
        raise BadOption(f"{source} is one address", "put addresses into a file, one a line")
    is_folder = Path(source).is_dir() if not source.startswith(S3) else "." not in source.rpartition("/")[2]
    if id_column is not None and not (suffix in PARQUET or is_folder):
        raise BadOption("--id-column is for Parquet", "leave it out")
    if is_folder:
        if column is None:
            _refuse(id_column is not None, "--id-column without --column", "--column names the pictures' column")
            return Catalogue(below(source, IMAGE_SUFFIXES, s3), _here(source))
        return parquet_references(below(source, PARQUET, s3), source, column, id_column, s3)
    if not source.startswith(S3) and not Path(source).exists():
        raise SourceNotFound(f"{source}: no such file", "a folder, s3://BUCKET/PREFIX, a list of addresses, or Parquet")
    if suffix in PARQUET:
        return parquet_references(iter([source]), source, column, id_column, s3)
    _refuse(suffix in IMAGE_SUFFIXES, f"{source} is one picture", f"fmnist-edge classify {source}")
    base = _here(source).rpartition("/")[0] if source.startswith(S3) else str(Path(source).resolve().parent)
    if suffix in _CSV:
        return Catalogue(csv_rows(source, column, s3), base, may_repeat=True)
    _refuse(column is not None, f"--column, and {source} is a list of lines", "name it list.csv, or leave --column out")
    return Catalogue(text_lines(source, s3), base, may_repeat=True)


def _here(source: str) -> str:
    """Where the paths in a folder start: at the present one, wherever the command goes on another day."""
    return source if source.startswith(S3) else str(Path.cwd())


def _refuse(if_this: bool, message: str, hint: str) -> None:
    if if_this:
        raise BadOption(message, hint)
