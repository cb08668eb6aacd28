"""A configuration file on the disk: whatever it is, there is an error that says so, in a second and a few megabytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ConfigInvalid
from edge.service.config_file import LARGEST_BYTES, lines_of, read_config
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[classify\ncamera = 0", "line 1, column 10"),
        (b'[classify]\nmodel = "tiny', "line 2"),
        (b"[classify]\ncamera = 0\ncamera = 1\n", "line 3"),
        (b"[classify]\n\n# \xff\n", "line 3: not UTF-8 (byte 0xff)"),
        (b"x = " + b"[" * 30_000 + b"]" * 30_000, "nested too deeply"),
        (b"x = " + b"{a = " * 10_000 + b"1" + b"}" * 10_000, "nested too deeply"),
        (b"a." * 32_000 + b"a = 1", "nested too deeply"),
        (b"[" + b'"a" . ' * 10_000 + b"a]", "nested too deeply"),
        (b"x = {" + b"a." * 30_000 + b"a = 1}", "nested too deeply"),
        (b"[classify]\nlimit = " + b"9" * 5_000, "a value cannot be read"),
        (b"#" * (LARGEST_BYTES + 1), "larger than 64 KB"),
        (b"\0", "line 1"),
    ],
    ids=str,
)
def test_what_is_no_toml_is_an_error_with_its_place(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "shop.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigInvalid, match=r"shop\.toml") as caught:
        read_config(path)
    assert words in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.subprocess
def test_a_key_of_a_thousand_parts_takes_no_gigabytes(tmp_path: Path) -> None:
    """Each would take its whole address space: measured, 4 GB for 32,000 parts."""
    for number, content in enumerate(("a." * 32_000, '"".' * 21_000, "[" + "a." * 30_000, "x={" + "a ." * 20_000)):
        (tmp_path / f"{number}.toml").write_text(content)
    program = (
        "import resource, sys\nfrom pathlib import Path\nfrom edge.service.config_file import read_config\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))\n"
        "try: read_config(Path(sys.argv[1]))\nexcept ValueError as error: print(error)"
    )
    for path in sorted(tmp_path.iterdir()):
        done = subprocess.run(
            [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False, cwd=ROOT
        )
        assert "nested too deeply" in done.stdout, done.stderr[-500:]


def test_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(ConfigInvalid, match="larger than 64 KB"):
        read_config(path)


def test_what_is_no_file_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for path, words in (
        (tmp_path, "is a directory"),
        (tmp_path / "none", "no such configuration file"),
        (tmp_path / "pipe", "no regular file"),
        (Path("/dev/zero"), "no regular file"),
        (tmp_path / "loop", "cannot be read"),
        (tmp_path / "a\0b", "cannot be read"),
        (Path("a" * 5000), "cannot be read"),
    ):
        with pytest.raises(ConfigInvalid, match=words) as caught:
            read_config(path)
        assert "/dev/null" in caught.value.hint


def test_null_is_an_empty_file() -> None:
    assert read_config(Path(os.devnull)).tables == {}


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_files_of_other_systems_are_read(tmp_path: Path, start: bytes) -> None:
    path = tmp_path / "shop.toml"
    path.write_bytes(start + b"[classify]\r\ncamera = 0\r\n")
    assert read_config(path).tables == {"classify": {"camera": 0}}


def test_each_key_has_its_line() -> None:
    text = '''# a comment
[classify]
sources = [
  "camera = 1",
]
model = """
roi = "x"
[evaluate]
"""
"min-score" = 0.5 # [x]

[ evaluate ] # y
limit = 1
[[many]]
a = 1
[serve]
inline = { a = 1, b = { c = 2 } }
dotted.key = 1
'''
    lines = lines_of(text)
    expected = {
        ("classify",): 2,
        ("classify", "sources"): 3,
        ("classify", "model"): 6,
        ("classify", "min-score"): 10,
        ("evaluate",): 12,
        ("evaluate", "limit"): 13,
        ("many", "a"): 15,
        ("serve", "inline"): 17,
        ("serve", "dotted"): 18,
    }
    assert {place: lines.get(place) for place in expected} == expected
    assert ("classify", "roi") not in lines
    assert ("classify", "camera") not in lines


def test_lines_behind_a_very_long_value_are_not_counted() -> None:
    lines = lines_of("a = 1\nb = [\n" + "1,\n" * 2000 + "]\nc = 1\n")
    assert lines == {("a",): 1}


@given(st.binary(max_size=300) | st.text("[]{}=.\"'#\n ab10\\-_", max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    try:
        file = read_config(path)
    except ConfigInvalid as error:
        assert str(path) in error.message
    else:
        lines = lines_of(file.text)
        assert {place[0] for place in lines} == set(file.tables)
