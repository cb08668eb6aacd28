"""What the documents promise is there: commands, options, scripts, files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

import convert.cli.app
import edge.cli.app
import train.cli.app
from tests.conftest import ROOT

COMMANDS = {
    "fmnist-edge": edge.cli.app.app,
    "fmnist-train": train.cli.app.app,
    "convert": convert.cli.app.app,
    "fmnist-convert": convert.cli.app.app,
}
DOCUMENTS = [
    path.relative_to(ROOT) for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"))
]


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
    if rest and not rest[0].startswith("-"):
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
    if document.name == "README.md":
        assert len(lines) > 10


def test_an_invented_command_or_option_is_noticed() -> None:
    text = "```sh\nfmnist-edge clasify x.png\nfmnist-edge classify --fast\n```\nand `scripts/nothing`"
    assert [complaint(words) for words in command_lines(text)] == [
        "no command clasify",
        "no option ['--fast']",
        "no scripts/nothing",
    ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_lead_somewhere(document: Any) -> None:
    text = (ROOT / document).read_text()
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", text) + re.findall(r'src="([^"]+)"', text)
    local = [target for target in targets if not target.startswith(("http:", "https:"))]
    assert [target for target in local if not ((ROOT / document).parent / target).exists()] == []


def test_the_changelog_has_the_version() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert f"## {version[1]}" in (ROOT / "CHANGELOG.md").read_text()
