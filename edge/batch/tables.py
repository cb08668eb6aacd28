"""The tables of a part, as Parquet or JSON Lines. A table gets its name when it is complete and on the disk."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from edge.choices import BatchFormat
from edge.folder_sync import sync_folder
from edge.printable import printable_json

ANSWERS, FAILURES = "answers", "failures"

_ENCODE = json.JSONEncoder(ensure_ascii=False).encode


def write_table(path: Path, rows: Sequence[dict[str, Any]], form: BatchFormat, kind: str, model: str) -> None:
    """Write a table of the `kind` answers or failures; one that is there is replaced. Raises OSError.

    `model` is the SHA-256 of the model that gave the answers.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")  # readers leave out names that begin with a dot
    try:
        with partial.open("wb") as file:
            if form is BatchFormat.PARQUET:
                _write_parquet(file, rows, kind, model)
            else:
                for row in rows:
                    file.write((printable_json(_ENCODE(row)) + "\n").encode("utf-8", "backslashreplace"))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        with suppress(OSError):  # some network file systems cannot do that
            sync_folder(path.parent)  # before the journal says that the part is done
    finally:
        partial.unlink(missing_ok=True)


def _write_parquet(file: Any, rows: Sequence[dict[str, Any]], kind: str, model: str) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    schema = _schema(kind).with_metadata({"fmnist_edge.model_sha256": model})
    ready = [{name: _storable(name, value) for name, value in row.items()} for row in rows]
    parquet.write_table(pa.Table.from_pylist(ready, schema), file, compression="zstd")


def _storable(name: str, value: Any) -> Any:
    """A value as Arrow takes it: times as such, and names of files that are no UTF-8 spelt out."""
    if isinstance(value, str):
        if name == "time":
            return datetime.fromisoformat(value)
        return value.encode("utf-8", "backslashreplace").decode()
    return value


def _schema(kind: str) -> Any:
    """The columns of a table: those of the JSON objects, by the same names."""
    import pyarrow as pa

    text, number = pa.string(), pa.float64()
    if kind == FAILURES:
        return pa.schema([("v", pa.int32()), *((name, text) for name in ("source", "error", "message", "hint"))])
    return pa.schema(
        [
            ("v", pa.int32()),
            ("source", text),
            ("frame", pa.int64()),
            ("label", text),
            ("score", number),
            ("top", pa.list_(pa.struct([("label", text), ("score", number)]))),
            ("decision", text),
            ("presence", number),
            ("hint", text),
            ("latency_ms", pa.struct([(stage, number) for stage in ("read", "preprocess", "invoke")])),
            ("time", pa.timestamp("ms", "UTC")),
        ]
    )
