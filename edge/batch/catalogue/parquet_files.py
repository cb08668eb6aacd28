"""Parquet files: which column holds the pictures, or their addresses, and where the bytes of which rows lie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from edge.batch.catalogue.reference import Catalogue, RowGroup
from edge.batch.settings import S3Settings, need_pyarrow
from edge.batch.storage import S3, open_file
from edge.errors import BadOption, ImageUnreadable, SourceError, SourceNotFound

_ROWS_AT_ONCE = 1000


def parquet_references(
    files: Iterator[str], source: str, column: str | None, id_column: str | None, s3: S3Settings
) -> Catalogue:
    """The pictures of Parquet files. Raises SourceError, BadOption or MissingExtra, of the first file at once."""
    need_pyarrow("Parquet")
    first = next(files, None)
    if first is None:
        raise SourceNotFound(f"{source} holds no Parquet files", "without --column its pictures are taken")
    with open_parquet(first, s3) as opened:
        wanted, has_bytes = _find_column(first, opened.schema_arrow, column)
        _check_id(first, opened.schema_arrow, id_column)
    everywhere = chain([first], files)
    if has_bytes:
        return Catalogue(_row_groups(everywhere, wanted, id_column, s3), str(Path.cwd()))
    if id_column is not None:
        raise BadOption("--id-column is for bytes: addresses name themselves", "leave it out")
    parent = source if source.startswith(S3) else str(Path(source).resolve())
    base = parent if first != source else parent.rpartition("/")[0]
    return Catalogue(_addresses(everywhere, wanted, s3), base, may_repeat=True)


@contextmanager
def open_parquet(file: str, s3: S3Settings) -> Iterator[Any]:
    """A pyarrow.parquet.ParquetFile. Raises SourceError."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    with open_file(file, s3) as opened:
        try:
            yield ParquetFile(opened, pre_buffer=False)
        except SourceError:
            raise
        except (pa.ArrowInvalid, OSError) as error:  # pages that do not unpack are the latter
            raise ImageUnreadable(f"{file} is no whole Parquet file", "was it copied completely?") from error


def texts_of(batch: Any, column: str) -> list[Any]:
    """The values of a column of a record batch, None for null; of a struct, as Hugging Face has it, its bytes."""
    import pyarrow as pa

    values = batch.column(column)
    if pa.types.is_struct(values.type):
        values = values.field("bytes")
    return list(values.to_pylist())


def _find_column(file: str, schema: Any, column: str | None) -> tuple[str, bool]:
    """The name of the pictures' column, and whether it holds their bytes. Raises BadOption."""
    usable = {one.name: has for one in schema if (has := _has_bytes(one.type)) is not None}
    if column is not None:
        if column not in schema.names:
            raise BadOption(f"{file} has no column {column}", f"it has {', '.join(schema.names)}")
        if column not in usable:
            raise BadOption(f"{file}: column {column} holds {schema.field(column).type}", "bytes, or texts")
        return column, usable[column]
    if len(usable) != 1:
        raise BadOption(f"{file} has the columns {', '.join(schema.names)}", f"--column {schema.names[0]}")
    return next(iter(usable.items()))


def _has_bytes(kind: Any) -> bool | None:
    """Whether a type is that of bytes, True, or of texts, False; None for any other."""
    from pyarrow import types

    if types.is_struct(kind):
        names = [kind.field(number).name for number in range(kind.num_fields)]
        return True if "bytes" in names and _has_bytes(kind.field("bytes").type) else None
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind):
        return True
    return False if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind) else None


def _check_id(file: str, schema: Any, id_column: str | None) -> None:
    if id_column is not None and id_column not in schema.names:
        raise BadOption(f"{file} has no column {id_column}", f"it has {', '.join(schema.names)}")


def _row_groups(files: Iterator[str], column: str, id_column: str | None, s3: S3Settings) -> Iterator[RowGroup]:
    for file in files:
        with open_parquet(file, s3) as opened:
            metadata, schema = opened.metadata, opened.schema_arrow
            size = int(metadata.serialized_size)
        if _find_column(file, schema, column) != (column, True):
            raise BadOption(f"{file}: column {column} holds {schema.field(column).type}", "bytes, as in the first file")
        _check_id(file, schema, id_column)
        first_row = 0
        for number in range(metadata.num_row_groups):
            rows = metadata.row_group(number).num_rows
            if rows:
                yield RowGroup(file, size, number, first_row, rows, column, id_column)
            first_row += rows


def _addresses(files: Iterator[str], column: str, s3: S3Settings) -> Iterator[str]:
    for file in files:
        with open_parquet(file, s3) as opened:
            if _find_column(file, opened.schema_arrow, column) != (column, False):
                raise BadOption(f"{file}: column {column} holds bytes", "texts, as in the first file")
            for batch in opened.iter_batches(_ROWS_AT_ONCE, columns=[column], use_threads=False):
                yield from (value or "" for value in texts_of(batch, column))
