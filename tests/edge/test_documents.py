"""Small files of strangers: whatever is wrong with one is a ValueError, and an error of ours at the command."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from edge import documents
from edge.cli.app import app
from edge.datasets.idx_files import read_folder
from edge.documents import DEEPEST, parse_json, parse_object, read_limited, read_member
from edge.errors import DatasetError, FmnistEdgeError, ModelDamaged, ModelError, ModelUnsupported
from edge.inference.model_file import MANIFEST_NAME, Model, parse_model, read_labels
from tests.conftest import Run

BAD_TEXTS: dict[str, bytes] = {
    "empty": b"",
    "deep list": b"[" * 100_000 + b"]" * 100_000,
    "deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a little too deep": b"[" * 900 + b"]" * 900,
    "deep and cut": b'[{"a":' * 50_000,
    "NaN": b'{"a": NaN}',
    "minus infinity": b"[-Infinity]",
    "infinite": b"1e999",
    "endless number": b"9" * 10_000,
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "Latin-1": b'{"a": "\xe9"}',
    "cut": b'{"a": [1, 2',
    "two": b"{} {}",
    "zeros": bytes(1000),
}
ODD: list[Any] = [None, True, -1, 10**30, 1e300, "", "x", [], [1], {}, {"a": 1}, [[]], "\x1b[31m"]


@pytest.mark.parametrize("name", BAD_TEXTS)
def test_what_is_wrong_with_a_text_is_a_value_error(name: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(BAD_TEXTS[name])


def test_json_is_read() -> None:
    for value in ({"a": [1, 2.5, None, True, "é\U0001f462"]}, [], "x", 0):
        for escaped in (True, False):
            assert parse_json(json.dumps(value, ensure_ascii=escaped).encode()) == value
    assert parse_json(b"\xef\xbb\xbf{}") == {}  # Windows' editors begin a file so
    assert parse_json(b"[" * (DEEPEST - 1) + b"]" * (DEEPEST - 1)) != []
    assert parse_json("[NaN]", nan=True)[0] != 0
    with pytest.raises(ValueError, match="object"):
        parse_object("[]")


def test_sizes_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LARGEST_BYTES", 100)
    (tmp_path / "file").write_bytes(bytes(101))
    with pytest.raises(ValueError, match="larger"):
        read_limited(tmp_path / "file")
    with zipfile.ZipFile(tmp_path / "zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(10_000))
        archive.writestr("good", b"1" * 100)
    with pytest.raises(ValueError, match="larger"):
        read_member(tmp_path / "zip", "bomb")
    assert read_member(tmp_path / "zip", "good") == b"1" * 100
    with pytest.raises(ValueError, match="no other"):
        read_member(tmp_path / "zip", "other")


def test_no_damage_to_a_zip_is_more_than_a_value_error(tmp_path: Path) -> None:
    path = tmp_path / "zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member", zlib.compress(b"text" * 50))
    content = path.read_bytes()
    refused = 0
    for place in range(len(content)):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[place] ^= 1 << bit
            path.write_bytes(damaged)
            try:
                read_member(path, "member")
            except (ValueError, OSError):  # bz2 says OSError of its data
                refused += 1
    assert refused > len(content)


def with_text(model: Model, text: bytes) -> bytes:
    file = io.BytesIO(model.flatbuffer)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST_NAME, text)
    return file.getvalue()


@pytest.mark.parametrize("name", BAD_TEXTS)
def test_a_manifest_that_is_no_json_is_refused(model: Model, name: str) -> None:
    with pytest.raises(ModelDamaged, match="manifest") as caught:
        parse_model(with_text(model, BAD_TEXTS[name]), Path("m.tflite"))
    assert caught.value.exit_code == 4


@pytest.mark.subprocess
def test_the_command_says_so(fmnist_edge: Run, model: Model, tmp_path: Path) -> None:
    path = tmp_path / "deep.tflite"
    path.write_bytes(with_text(model, BAD_TEXTS["deep object"]))
    done = fmnist_edge("info", path)
    assert done.returncode == 4
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]
    assert "levels deep" in done.stderr


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something may be put in the place of something else: the keys that lead there."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, child in inside for place in places(child, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = json.loads(json.dumps(value))
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = new
    return changed


def test_no_manifest_ends_in_a_traceback(model: Model, tmp_path: Path) -> None:
    """Every value replaced by every odd one, in what the runtime reads; every command that prints a manifest."""
    assert model.manifest is not None
    manifest = {
        key: value for key, value in model.manifest.items() if key not in {"accuracy", "held_out", "provenance"}
    }
    manifest["labels"] = manifest["labels"][:3]
    read = refused = 0
    for place in places(manifest):
        for odd in ODD:
            try:
                parse_model(with_text(model, json.dumps(replaced(manifest, place, odd)).encode()), tmp_path)
                read += 1
            except ModelError:
                refused += 1
    assert refused > read > 0


def test_a_figure_that_is_missing_is_no_fault_but_a_scale_must_be_finite(model: Model) -> None:
    """`fmnist-train adapt` writes NaN for an AUROC without photos of both kinds."""
    manifest = dict(model.manifest or {})
    figures = json.dumps({**manifest, "provenance": {"known_against_unknown": float("nan")}}).encode()
    assert parse_model(with_text(model, figures), Path("m.tflite")).labels == model.labels
    for odd in (float("nan"), float("inf"), -float("inf")):
        for wrong in ({"image": {"low": odd}}, {"image": {"high": odd}}, {"doubt": {"temperature": odd}}):
            with pytest.raises(ModelDamaged):
                parse_model(with_text(model, json.dumps({**manifest, **wrong}).encode()), Path("m.tflite"))


def test_half_a_character_in_a_label_is_refused(model: Model) -> None:
    text = json.dumps({**(model.manifest or {}), "labels": ["a\ud800", "b"]}).encode()
    with pytest.raises(ModelError, match="half a character"):
        parse_model(with_text(model, text), Path("m.tflite"))


@pytest.mark.parametrize("part", ["accuracy", "provenance"])
@pytest.mark.parametrize("odd", [None, 7, [], {}, "x"])
def test_info_shows_whatever_the_manifest_says(model: Model, tmp_path: Path, part: str, odd: object) -> None:
    path = tmp_path / "odd.tflite"
    path.write_bytes(with_text(model, json.dumps({**(model.manifest or {}), part: odd}).encode()))
    result = CliRunner().invoke(app, ["info", str(path)])
    assert result.exit_code == 0, result.exception


@pytest.mark.parametrize("content", [b"\xff\xfea", b"a\nb\xe9", bytes(range(128, 256)), b"one", b""])
def test_labels_that_are_no_list(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "labels.txt").write_bytes(content)
    with pytest.raises(ModelUnsupported):
        read_labels(tmp_path / "labels.txt")


def test_labels_without_an_end() -> None:
    with pytest.raises(ModelUnsupported, match="larger"):
        read_labels(Path("/dev/zero"))


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode("latin1")


ARRAYS: dict[str, Callable[[], bytes]] = {
    "deep": lambda: header("(" * 9_000 + ")" * 9_000),
    "signs": lambda: header("-" * 9_000 + "1"),
    "no dictionary": lambda: header("[1, 2]"),
    "huge": lambda: header(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({1 << 60},)}}"),
    "negative": lambda: header("{'descr': '|u1', 'fortran_order': False, 'shape': (-3,)}"),
    "pickle": lambda: header("{'descr': '|O', 'fortran_order': False, 'shape': (3,)}") + b"cos\nsystem\n",
    "zip": lambda: b"PK\x03\x04 and no more",
    "text": lambda: b"1 2 3",
    "odd type": lambda: header("{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (3,)}") + bytes(3),
    "no type": lambda: header("{'descr': {}, 'fortran_order': False, 'shape': (3,)}") + bytes(3),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_of_strangers(tmp_path: Path, name: str) -> None:
    (tmp_path / "test_features.npy").write_bytes(ARRAYS[name]())
    np.save(tmp_path / "test_target.npy", np.zeros(3, np.uint8))
    with pytest.raises(DatasetError):
        read_folder(tmp_path, "test")


@pytest.mark.parametrize("sizes", [(0xFFFFFFFF,) * 3, (0xFFFFFFFF, 28, 28), (60_000, 0xFFFF, 0xFFFF)])
def test_idx_files_that_claim_too_much(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    head = b"".join(number.to_bytes(4, "big") for number in (2051, *sizes))
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(head + bytes(100))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(bytes(8))
    with pytest.raises(FmnistEdgeError):
        read_folder(tmp_path, "test")
