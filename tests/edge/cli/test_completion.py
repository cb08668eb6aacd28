"""The shell completes commands, options and models: through a real bash, with the script that is installed."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = [
    pytest.mark.subprocess,
    pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here"),
]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A home whose .bashrc has the completion that --install-completion wrote, and `fmnist-edge` on the path."""
    home = tmp_path_factory.mktemp("home")
    command = home / "bin" / "fmnist-edge"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\nfrom edge.cli.entry import main\n\nmain()\n")
    command.chmod(0o755)
    (home / ".bashrc").write_text("PS1='$ '\n")
    env = {
        "HOME": str(home),
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "TERM": "dumb",
    }
    script = 'fmnist-edge --install-completion >&2; echo "$?"'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, env=env, cwd=home)
    assert done.stdout == "0\n", done.stderr
    assert "bash completion installed" in done.stderr
    assert (home / ".bash_completions" / "fmnist-edge.sh").exists()
    (home / "own.tflite").touch()
    (home / "camera.jpg").touch()
    (home / "models").mkdir()
    (home / "models" / "mine.tflite").touch()
    return env


def completions(environment: dict[str, str], line: str) -> list[str]:
    """What bash's completion function finds for the last word of a line."""
    script = """
        source ~/.bashrc
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        $(complete -p fmnist-edge | grep -o ' -F [^ ]*' | cut -c5-) fmnist-edge
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        ["bash", "-c", script, "bash", *line.split(" ")],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=environment["HOME"],
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("fmnist-edge cla", ["classify"]),
        ("fmnist-edge --conf", ["--config"]),
        ("fmnist-edge config ", ["check", "show"]),
        ("fmnist-edge classify --min", ["--min-score"]),
        ("fmnist-edge classify --backend li", ["litert"]),
        ("fmnist-edge classify -f js", ["json"]),
        ("fmnist-edge classify --model ti", ["tiny"]),
        ("fmnist-edge classify --model o", ["own.tflite"]),
        ("fmnist-edge classify --model ./o", ["./own.tflite"]),
        ("fmnist-edge explain -m models/", ["models/mine.tflite"]),
        ("fmnist-edge classify --model nothing", []),
        ("fmnist-edge classify camera.j", []),
    ],
)
def test_what_is_completed(environment: dict[str, str], line: str, words: list[str]) -> None:
    assert completions(environment, line) == words


def test_every_option_is_offered_but_not_those_that_undo_a_flag(environment: dict[str, str]) -> None:
    found = completions(environment, "fmnist-edge classify --")
    assert {"--camera", "--format", "--keep-max", "--config", "--help"} <= set(found)
    assert [option for option in found if option.startswith("--no-")] == []


def test_a_spoilt_configuration_does_not_spoil_completion(environment: dict[str, str]) -> None:
    path = Path(environment["HOME"]) / "spoilt.toml"
    path.write_text("[[[")
    spoilt = {**environment, "FMNIST_EDGE_CONFIG": str(path)}
    assert completions(spoilt, "fmnist-edge classify --min") == ["--min-score"]
    assert completions(environment, f"fmnist-edge --config {path} classify --min") == ["--min-score"]


def test_the_tab_key_completes(environment: dict[str, str]) -> None:
    """An interactive bash on a terminal of its own: two words are completed, and the command runs."""
    terminal, ours = pty.openpty()
    with subprocess.Popen(
        ["bash", "-i"],
        stdin=ours,
        stdout=ours,
        stderr=ours,
        env=environment,
        cwd=environment["HOME"],
        start_new_session=True,
    ) as bash:
        try:
            os.close(ours)
            until(terminal, "$ ")
            os.write(terminal, b"fmnist-edge conf\tche\t")
            until(terminal, "config check ")
            os.write(terminal, b"--conf\t/dev/null\r")
            said = until(terminal, "no configuration file")
            assert "--config /dev/null" in said
        finally:
            bash.kill()
            os.close(terminal)


def until(terminal: int, sign: str) -> str:
    """What a terminal shows, up to a text."""
    shown, deadline = "", time.monotonic() + 60
    while sign not in shown:
        left = deadline - time.monotonic()
        assert left > 0, shown
        if select.select([terminal], [], [], left)[0]:
            shown += os.read(terminal, 4096).decode()
    return shown
