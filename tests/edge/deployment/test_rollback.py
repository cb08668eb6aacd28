"""Versions in a folder: which one runs, and the way back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.deployment.rollback import add_version, find_version, use_version, version_before
from edge.errors import ModelNotFound, OutputFailed
from edge.inference.model_file import bundled_models, find_model, read_model
from edge.inference.model_versions import version_in_use, version_key, versions
from tests.conftest import Run


def folder_of(tmp_path: Path, *names: str) -> Path:
    folder = tmp_path / "versions"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"")
    return folder


def test_without_a_link_the_highest_version_runs(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "camera-9.tflite", "camera-10.tflite", "camera-2.tflite", ".camera-99.tflite", "z.txt")
    (folder / "camera-100.tflite").mkdir()
    assert [path.stem for path in versions(folder)] == ["camera-2", "camera-9", "camera-10"]
    assert version_in_use(folder) == find_model(str(folder)) == folder / "camera-10.tflite"


@pytest.mark.parametrize(
    ("lower", "higher"),
    [("v1.9", "v1.10"), ("2026-11-30", "2026-12-01"), ("v2", "v2_edgetpu"), ("1", "a"), ("a", "b"), ("v1", "v2a")],
)
def test_versions_compare_as_people_count(tmp_path: Path, lower: str, higher: str) -> None:
    folder = folder_of(tmp_path, f"{higher}.tflite", f"{lower}.tflite")
    assert [path.stem for path in versions(folder)] == [lower, higher]


def test_back_and_forth(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "v1.tflite", "v2.tflite", "v3.tflite")
    assert version_before(folder).stem == "v2"
    use_version(folder, find_version(folder, "v1"))
    assert (version_in_use(folder).stem, version_before(folder).stem) == ("v1", "v3")
    use_version(folder, version_before(folder))
    assert (version_in_use(folder).stem, version_before(folder).stem) == ("v3", "v1")
    use_version(folder, find_version(folder, "v3.tflite"))
    assert version_before(folder).stem == "v1", "using what runs already forgets nothing"
    (folder / "v1.tflite").unlink()
    assert version_before(folder).stem == "v2"
    assert sorted(path.name for path in folder.iterdir()) == ["current", "previous", "v2.tflite", "v3.tflite"]


def test_what_cannot_be_is_said(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    with pytest.raises(ModelNotFound, match="has no model in it"):
        version_in_use(folder)
    (folder / "v1.tflite").write_bytes(b"")
    with pytest.raises(ModelNotFound, match="no version v2") as missing:
        find_version(folder, "v2")
    assert "v1" in missing.value.hint
    with pytest.raises(ModelNotFound, match=r"before v1\.tflite"):
        version_before(folder)
    (folder / "current").symlink_to("v7.tflite")
    with pytest.raises(ModelNotFound, match=r"v7\.tflite, which is no file"):
        version_in_use(folder)
    (folder / "current").unlink()
    (folder / "current").mkdir()
    with pytest.raises(OutputFailed, match="is no link"):
        use_version(folder, folder / "v1.tflite")


def test_a_version_is_added_whole_and_replaces_none(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    assert add_version(folder, b"one", "v1").read_bytes() == b"one"
    assert add_version(folder, b"one", "v1.tflite") == folder / "v1.tflite"
    with pytest.raises(OutputFailed, match="another content"):
        add_version(folder, b"two", "v1")
    assert ([path.name for path in folder.iterdir()], (folder / "v1.tflite").read_bytes()) == (["v1.tflite"], b"one")


@pytest.mark.subprocess
def test_the_command_lists_changes_and_goes_back(fmnist_edge: Run, tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    shutil.copy(bundled_models()["tiny"], folder / "v1.tflite")
    outside = tmp_path / "v2.tflite"
    shutil.copy(bundled_models()["small"], outside)
    assert "v2.tflite runs from now on (small" in fmnist_edge("use-model", folder, outside).stdout
    assert fmnist_edge("use-model", folder).stdout == "  v1\n* v2\n"
    assert read_model(str(folder)).name == "small"
    assert "v1.tflite runs" in fmnist_edge("use-model", folder, "--previous").stdout
    assert read_model(str(folder)).name == "tiny"
    (folder / "v3.tflite").write_bytes(outside.read_bytes()[:-100])
    refused = fmnist_edge("use-model", folder, "v3")
    assert (refused.returncode, read_model(str(folder)).name) == (4, "tiny")


@given(*[st.lists(st.integers(0, 3000), min_size=1, max_size=4)] * 2)
def test_numbers_in_names_are_numbers(one: list[int], other: list[int]) -> None:
    """Whatever the number of digits: 1.9 comes before 1.10, 2 before 2.0."""
    names = ["v" + ".".join(map(str, version)) for version in (one, other)]
    assert (version_key(names[0]) < version_key(names[1])) == (one < other)
