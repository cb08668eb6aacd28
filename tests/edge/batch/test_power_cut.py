"""What a power cut may leave: nothing counts as done that is not on the disk, and damage is told from an empty part."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from edge.batch import plan
from edge.batch.run import BatchSource, run_batch
from edge.batch.settings import PartDone, Work
from edge.errors import OutputFailed
from tests.edge.batch.batches import answer_here, quietly, run, settings, sources, write_pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_pictures(tmp_path / "photos", 40)
    return tmp_path / "photos"


def one_part(parts: Sequence[int], work: Work, progress: Callable[[int], None]) -> Iterator[PartDone]:
    """An engine that is lost after its first part."""
    yield from answer_here(parts[:1], work, progress)
    raise KeyboardInterrupt


@pytest.mark.parametrize("damage", ["empty", "torn", "no gzip", "no JSON", "no reference", "gone"])
def test_a_plan_that_is_damaged_ends_the_run(folder: Path, tmp_path: Path, damage: str) -> None:
    """A part of which nothing could be read is not done; the other parts stay, and the plan may be mended."""
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run_batch(BatchSource(str(folder)), out, settings(), one_part, quietly, quietly)
    part = out / "plan" / "000000.gz"
    whole = part.read_bytes()
    part.unlink()
    left = {
        "empty": b"",
        "torn": whole[:-20],
        "no gzip": b"x" * 99,
        "no JSON": gzip.compress(b"{\n"),
        "no reference": gzip.compress(b'{"groups": 1}\n'),
    }
    if damage in left:
        part.write_bytes(left[damage])
    with pytest.raises(OutputFailed, match=r"000000\.gz is damaged: ") as failed:
        run(folder, out)
    assert failed.value.hint.startswith("begin anew")
    assert len(sources(out)) == 8
    part.write_bytes(whole)
    assert run(folder, out).answered == 40
    assert len(sources(out)) == 40


def test_what_is_noted_as_done_is_on_the_disk(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan before the manifest, a table and its name before the journal's line."""
    calls: list[str] = []
    out = tmp_path / "out"

    def noted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def spy(*arguments: Any) -> Any:
            path = str(Path(f"/proc/self/fd/{arguments[0]}").readlink()) if arguments else ""
            calls.append(f"{name} {path.removeprefix(str(out))}".strip())
            return call(*arguments)

        return spy

    monkeypatch.setattr(os, "sync", noted("sync", os.sync))
    monkeypatch.setattr(os, "fsync", noted("fsync", os.fsync))
    write = plan._write
    monkeypatch.setattr(plan, "_write", lambda *given: (calls.append("part"), write(*given)))
    run(folder, out)
    begun = calls.index("part")
    after = [one.replace(f".{os.getpid()}", "") for one in calls[begun:]]
    assert after == [
        "part",
        "part",
        "sync",
        "fsync /.batch.json.partial",
        "fsync /answers/.part-000001.parquet.partial",
        "fsync /answers",
        "fsync /journal.jsonl",
        "fsync /answers/.part-000000.parquet.partial",
        "fsync /answers",
        "fsync /journal.jsonl",
    ]
