"""The help that is set beforehand is what Typer would set: in every width, on a terminal and in a pipe."""

from __future__ import annotations

import os
import pty
import struct
import subprocess
import sys
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

import pytest

from edge.cli.help_pages import WIDTHS, file_of, find_page
from tests.conftest import ROOT

pytestmark = pytest.mark.subprocess

PROGRAM = "import sys; sys.argv[0] = 'bin/fmnist-edge'; from edge.cli.entry import main; main()"
LINES = (("--help",), ("classify", "--help"), ("config", "check", "--help"))
WITHOUT = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS", "PY_COLORS", "TTY_COMPATIBLE", "TERMINAL_WIDTH")


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in WITHOUT}
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm", **more}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("help")
    command = [sys.executable, "scripts/make-help", folder]
    subprocess.run(command, cwd=ROOT, env=environment(), check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_are_what_their_script_writes(written: Path, width: int) -> None:
    assert Path(file_of(width)).read_text("utf-8") == (written / f"{width}.txt").read_text("utf-8"), (
        "run scripts/make-help"
    )


def in_a_pipe(*arguments: str, **more: str) -> str:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(
        command, env=environment(**more), stdin=subprocess.DEVNULL, capture_output=True, check=True
    ).stdout.decode()


def on_a_terminal(columns: int, *arguments: str, **more: str) -> str:
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-c", PROGRAM, *arguments]
    with subprocess.Popen(command, env=environment(**more), stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        text = b"".join(read_to_the_end(ours))
        assert process.wait(timeout=60) == 0
    os.close(ours)
    return text.decode().replace("\r\n", "\n")


def read_to_the_end(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            read = os.read(descriptor, 65536)
        except OSError:  # the terminal's other side is closed
            return
        if not read:
            return
        yield read


@pytest.mark.parametrize("arguments", LINES)
def test_a_pipe_gets_what_it_always_got(arguments: tuple[str, ...]) -> None:
    text = in_a_pipe(*arguments)
    assert text == in_a_pipe(*arguments, COLUMNS="80")  # which makes Typer set it
    assert "\x1b" not in text


@pytest.mark.parametrize(("columns", "as_wide_as"), [(80, 80), (99, 80), (100, 100), (200, 100), (60, 60)])
def test_a_terminal_gets_the_widest_page_that_fits(columns: int, as_wide_as: int) -> None:
    text = on_a_terminal(columns, "models", "--help")
    assert text == on_a_terminal(columns, "models", "--help", COLUMNS=str(as_wide_as))
    assert "\x1b[1;36m" in text


def test_whoever_wants_no_colours_gets_none() -> None:
    assert "\x1b[1;36m" not in on_a_terminal(80, "models", "--help", NO_COLOR="1")
    assert "\x1b" not in on_a_terminal(80, "models", "--help", TERM="dumb")


def test_there_is_no_page_for_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in WITHOUT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "argv", ["/usr/bin/fmnist-edge"])
    with Path(os.devnull).open("w", encoding="utf-8") as stdout:
        assert find_page(["classify", "--help"], stdout) is not None
        for arguments in (
            [],
            ["--help", "classify"],
            ["nonsense", "--help"],
            ["classify", "a.png", "--help"],
            ["help"],
        ):
            assert find_page(arguments, stdout) is None
        monkeypatch.setattr(sys, "argv", ["/usr/lib/python3/edge/cli/__main__.py"])  # it calls itself otherwise
        assert find_page(["classify", "--help"], stdout) is None
    monkeypatch.setattr(sys, "argv", ["/usr/bin/fmnist-edge"])
    with Path(os.devnull).open("w", encoding="latin-1") as stdout:  # which has no letters for the frames
        assert find_page(["classify", "--help"], stdout) is None
