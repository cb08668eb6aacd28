"""What tests of batches share: a catalogue, a run in this process, and the tables read back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pyarrow.parquet

from edge.batch.part_answers import PartAnswers
from edge.batch.run import BatchSource, Outcome, Progress, run_batch
from edge.batch.settings import BatchSettings, PartDone, S3Settings, Work
from edge.choices import EDGETPU_LIBRARY, Backend, BatchFormat
from edge.inference.model_file import read_model
from tests.edge.tables import SAMPLES

CHANGES = {"latency_ms", "time"}
"""What is another in each run."""


def write_pictures(folder: Path, number: int) -> list[str]:
    """So many samples, in two folders; their paths."""
    samples = sorted(SAMPLES.values())
    names = []
    for one in range(number):
        path = folder / ("odd" if one % 2 else "even") / f"{one:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(samples[one % len(samples)], path)
        names.append(str(path))
    return names


def settings(form: BatchFormat = BatchFormat.PARQUET, s3: S3Settings | None = None) -> BatchSettings:
    return BatchSettings(
        model=read_model("tiny"),
        backend=Backend.LITERT,
        delegate=EDGETPU_LIBRARY,
        cpu_model=None,
        require_coral=False,
        labels=(),
        framing=None,
        pixels=None,
        views=6,
        min_score=None,
        top_k=3,
        form=form,
        s3=s3 or S3Settings(),
    )


def answer_here(parts: Sequence[int], work: Work, progress: Callable[[int], None]) -> Iterator[PartDone]:
    """An engine without processes."""
    answers = PartAnswers(work)
    for part in parts:
        yield answers(part, progress)


def quietly(_all: int = 0) -> AbstractContextManager[Progress]:
    """No progress is shown."""
    return nullcontext(lambda _done: None)


def run(source: object, out: Path, as_asked: BatchSettings | None = None, **more: Any) -> Outcome:
    """Answer a source in this process."""
    return run_batch(BatchSource(str(source), **more), out, as_asked or settings(), answer_here, quietly, quietly)


def rows(out: Path, kind: str = "answers") -> list[dict[str, Any]]:
    """All rows of a table, in the order of their sources."""
    found: list[dict[str, Any]] = []
    for path in sorted((out / kind).iterdir()):
        if path.suffix == ".parquet":
            found += pyarrow.parquet.ParquetFile(path).read().to_pylist()
        else:
            found += [json.loads(line) for line in path.read_text().splitlines()]
    return sorted(found, key=lambda row: str(row["source"]))


def lasting(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without what changes from run to run."""
    return [{name: value for name, value in row.items() if name not in CHANGES} for row in found]


def sources(out: Path, kind: str = "answers") -> list[str]:
    return [row["source"] for row in rows(out, kind)]
