"""Files appear whole or not at all."""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from convert.output_files import check_writable, write_all
from edge.errors import OutputFailed


@contextmanager
def small_disk() -> Iterator[None]:
    """No file may grow beyond 4 kB: the kernel refuses the write, as it does on a full disk.

    Only around the write in question: pytest's own output may be a file, too.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_all_are_written_and_old_ones_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    write_all({tmp_path / "a": b"one", tmp_path / "b": b"two"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"one", "b": b"two"}


def test_a_full_disk_leaves_everything_as_it_was(tmp_path: Path) -> None:
    """The first file would fit; as the second does not, neither appears."""
    (tmp_path / "report").write_bytes(b"old")
    with pytest.raises(OutputFailed, match=r"cannot write .*model"), small_disk():
        write_all({tmp_path / "report": b"new", tmp_path / "model": bytes(10_000)})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"report": b"old"}


def test_a_folder_in_the_way_is_found_out_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(OutputFailed, match="is a folder"):
        check_writable(tmp_path)
    with pytest.raises(OutputFailed, match="is not a folder"):
        check_writable(tmp_path / "absent" / "model.tflite")
    check_writable(tmp_path / "model.tflite")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_on_another_file_system_than_the_temporary_one() -> None:
    """Renaming works within one file system only, so the temporary file has to lie beside its target."""
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev:
        pytest.skip("/dev/shm is not a file system of its own here")
    with tempfile.TemporaryDirectory(dir=other) as folder:
        write_all({Path(folder) / "model": b"content"})
        assert [path.name for path in Path(folder).iterdir()] == ["model"]
