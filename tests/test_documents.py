"""What the documents promise is there, and what is there is in the documents."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import convert.cli.app
import edge.cli.app
import train.cli.app
from edge.errors import FmnistEdgeError
from tests.conftest import ROOT

COMMANDS = {
    "fmnist-edge": edge.cli.app.app,
    "fmnist-train": train.cli.app.app,
    "convert": convert.cli.app.app,
    "fmnist-convert": convert.cli.app.app,
}
DOCUMENTS = [
    path.relative_to(ROOT)
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md")))
]
REFERENCES = {"fmnist-edge": "classify.md", "fmnist-train": "train.md", "convert": "convert.md"}
"""The page in docs/ that lists a program's commands and options, each command under a heading of its own."""

OUR_FILE = re.compile(r"`((?:edge|train|convert|tests|scripts|docs)/[\w./-]*)`")
OUR_NAME = re.compile(r"`((?:edge|train|convert)\.[\w.]+)`")


def command_lines(text: str) -> Iterator[list[str]]:
    """Our commands in fenced blocks and in `inline code`, split as a shell does; comments and pipes cut off."""
    blocks = re.findall(r"```(?:sh|bash|console)\n(.*?)```", text, re.DOTALL)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    for line in [*"\n".join(blocks).replace("\\\n", " ").splitlines(), *inline]:
        words = shlex.split(re.split(r"[|>;]", line)[0], comments=True)
        while words and ("=" in words[0] or words[0] in {"$", "sudo", "nice"}):
            words = words[1:]
        if words and (words[0] in COMMANDS or words[0].startswith("scripts/")):
            yield words


def complaint(words: list[str]) -> str:
    """What is wrong with a command line; nothing if the command and its options exist."""
    if words[0].startswith("scripts/"):
        return "" if (ROOT / words[0]).is_file() else f"no {words[0]}"
    command: Any = typer.main.get_command(COMMANDS[words[0]])
    rest = words[1:]
    while rest and not rest[0].startswith("-") and hasattr(command, "commands"):
        command = command.commands.get(rest[0])
        if command is None:
            return f"no command {rest[0]}"
        rest = rest[1:]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    unknown = [word for word in rest if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known]
    return f"no option {unknown}" if unknown else ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_commands_and_options_exist(document: Any) -> None:
    lines = list(command_lines((ROOT / document).read_text()))
    assert {" ".join(words): complaint(words) for words in lines if complaint(words)} == {}
    if document == Path("README.md"):
        assert len(lines) > 5


def test_an_invented_command_or_option_is_noticed() -> None:
    text = (
        "```sh\nfmnist-edge clasify x.png\nfmnist-edge classify --fast\nfmnist-edge config sho\n"
        "fmnist-edge config show --all\n```\nand `scripts/nothing`"
    )
    assert [complaint(words) for words in command_lines(text)] == [
        "no command clasify",
        "no option ['--fast']",
        "no command sho",
        "no option ['--all']",
        "no scripts/nothing",
    ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_lead_somewhere(document: Any) -> None:
    text = (ROOT / document).read_text()
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", text) + re.findall(r'src="([^"]+)"', text)
    local = [target for target in targets if not target.startswith(("http:", "https:"))]
    assert [target for target in local if not ((ROOT / document).parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_to_headings_lead_to_one(document: Any) -> None:
    text = (ROOT / document).read_text()
    for page, anchor in re.findall(r"\]\(((?!http)[^)#]*)#([^)]+)\)", text):
        target = (ROOT / document).parent / page if page else ROOT / document
        headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_files_and_names_of_the_code_exist(document: Any) -> None:
    text = (ROOT / document).read_text()
    assert [name for name in OUR_FILE.findall(text) if not (ROOT / name).exists()] == []
    assert [name for name in OUR_NAME.findall(text) if not is_there(name)] == []


def is_there(name: str) -> bool:
    """Whether a dotted name is a module of ours, or something in one."""
    module, _, attribute = name.rpartition(".")
    try:
        return hasattr(importlib.import_module(module), attribute) or bool(importlib.import_module(name))
    except ImportError:
        return False


def test_an_invented_name_is_noticed() -> None:
    assert [is_there(name) for name in ("edge.frame", "edge.frame.Frame", "edge.fame", "edge.frame.Fame")] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_python_in_documents_compiles_and_imports_what_we_have(document: Any) -> None:
    for block in python_blocks(document):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in {"edge", "train", "convert"}:
                assert [name.name for name in node.names if not is_there(f"{node.module}.{name.name}")] == []


def test_the_example_in_python_prints_ten_answers(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = python_blocks(Path("docs/classify.md"))
    exec(compile(example, "docs/classify.md", "exec"), {})
    assert len(capsys.readouterr().out.splitlines()) == 10


def python_blocks(document: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 130


def test_the_index_has_every_page() -> None:
    linked = set(re.findall(r"\]\(([^)#]+)", (ROOT / "docs" / "README.md").read_text()))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")}
    assert len(pages) > 10
    assert pages - linked - {"README.md"} == set()


def section(text: str, title: str) -> str:
    """What stands under a heading, up to the next heading; nothing if there is no such heading."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE)
    return found[1] if found else ""


def missing(program: str, reference: str) -> list[str]:
    """Commands without a section in a reference page, and visible options that a command's section does not name.

    The section "Common options" counts for every command.
    """
    app: Any = typer.main.get_command(COMMANDS[program])
    lacking = []
    for name, command in app.commands.items():
        if command.hidden:
            continue
        own = section(reference, f"`{program} {name}`")
        if not own:
            lacking.append(f"{program} {name}")
            continue
        named = set(re.findall(r"`(--?[a-z][\w-]*)", own + section(reference, "Common options")))
        parts = [command, *getattr(command, "commands", {}).values()]
        visible = [one for part in parts for one in part.params if one.param_type_name == "option" and not one.hidden]
        options = {option for one in visible for option in (*one.opts, *one.secondary_opts)}
        lacking += [f"{program} {name} {option}" for option in sorted(options - named)]
    return lacking


@pytest.mark.parametrize("program", REFERENCES)
def test_every_command_and_option_has_its_line(program: str) -> None:
    assert missing(program, (ROOT / "docs" / REFERENCES[program]).read_text()) == []


def test_a_command_or_option_without_its_line_is_noticed() -> None:
    text = (ROOT / "docs" / "convert.md").read_text()
    assert missing("convert", text.replace("`--min-mapped`", "it")) == ["convert edgetpu --min-mapped"]
    assert missing("convert", text.replace("### `convert inspect`", "### Inspect")) == ["convert inspect"]


def exit_codes(error: type[FmnistEdgeError]) -> set[int]:
    """The exit codes of an error and of all that are derived from it."""
    return {error.exit_code}.union(*(exit_codes(child) for child in error.__subclasses__()))


def test_every_exit_code_is_in_the_table() -> None:
    table = section((ROOT / "docs" / "classify.md").read_text(), "Exit codes")
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    assert listed == exit_codes(FmnistEdgeError) | {130}


def test_every_room_has_its_line() -> None:
    rooms = {
        path.parent.relative_to(ROOT).as_posix()
        for package in ("edge", "train", "convert")
        for path in (ROOT / package).glob("*/__init__.py")
    }
    text = (ROOT / "docs" / "architecture.md").read_text()
    assert set(re.findall(r"^\| `(\w+/\w+)/` \|", text, re.MULTILINE)) == rooms


@pytest.mark.subprocess
def test_the_picture_of_the_rooms_shows_the_code(tmp_path: Path) -> None:
    """Else run scripts/make-architecture. It is seen to notice an import that the picture does not have."""
    for name in ("edge", "train", "convert"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.tflite", "*.keras")
        )
    (tmp_path / "docs").mkdir()
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "docs" / "architecture.png", tmp_path / "docs")
    script = shutil.copy(ROOT / "scripts" / "make-architecture", tmp_path / "scripts")
    check = [sys.executable, str(script), "--check"]
    assert subprocess.run(check, capture_output=True, text=True, check=False).stderr == ""
    (tmp_path / "edge" / "isolation" / "planted.py").write_text("import edge.sources.video\n")
    assert "run scripts/make-architecture" in subprocess.run(check, capture_output=True, text=True, check=False).stderr
    (tmp_path / "edge" / "isolation" / "planted.py").unlink()
    (tmp_path / "edge" / "planted.py").write_text("")
    assert "run scripts/make-architecture" in subprocess.run(check, capture_output=True, text=True, check=False).stderr
    (tmp_path / "edge" / "isolation" / "planted.py").write_text("import edge.cli.app\n")
    assert "in a circle" in subprocess.run(check, capture_output=True, text=True, check=False).stderr


def test_the_changelog_has_the_version() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert f"## {version[1]}" in (ROOT / "CHANGELOG.md").read_text()
