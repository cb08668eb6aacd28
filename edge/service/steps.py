"""What an installation does to a machine, one step after the other: told first, then done."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge.errors import InstallationFailed
from edge.service.whole_file import write_whole

COMMAND_S = 180.0
"""So long a command of the system may take: systemctl waits until the service has answered."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change: what it is, for people, and the function that makes it. Raises InstallationFailed or OSError."""

    told: str
    do: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Machine:
    """The system whose files lie under `root`: this one, or a card that is mounted."""

    root: Path = Path("/")

    def path(self, path: Path | str) -> Path:
        """Where a path of the system lies."""
        return self.root / str(path).lstrip("/")

    @property
    def is_another(self) -> bool:
        """Whether it is not the running system: nothing is started there."""
        return self.root != Path("/")

    @property
    def runs_systemd(self) -> bool:
        """Whether systemd runs, and can be told to start something."""
        return not self.is_another and Path("/run/systemd/system").is_dir()

    @property
    def systemd(self) -> int:
        """The version of systemd, by the name of its library. Raises InstallationFailed where there is none."""
        for folder in ("usr/lib/systemd", "usr/lib/*/systemd", "lib/systemd", "lib/*/systemd"):
            for library in self.root.glob(f"{folder}/libsystemd-shared-*.so"):
                found = re.search(r"shared-(\d+)", library.name)
                if found:
                    return int(found[1])
        raise InstallationFailed(
            f"there is no systemd under {self.root}", "have `fmnist-edge classify` started otherwise"
        )

    def user(self, name: str) -> tuple[int, int] | None:
        """The numbers of a user and of its group; None if there is no such user."""
        fields = self._entry("passwd", name)
        return (int(fields[2]), int(fields[3])) if len(fields) > 3 else None

    def has_group(self, name: str) -> bool:
        """Whether there is a group of this name."""
        return bool(self._entry("group", name))

    def is_member(self, user: str, group: str) -> bool:
        """Whether a user is listed in a group."""
        return user in (self._entry("group", group) or [""])[-1].split(",")

    def _entry(self, table: str, name: str) -> list[str]:
        try:
            lines = self.path(f"etc/{table}").read_text("utf-8", "replace").splitlines()
        except OSError:
            return []
        return next((line.split(":") for line in lines if line.startswith(f"{name}:")), [])

    def accounts(self, *command: str) -> Callable[[], None]:
        """A step of useradd and its kin."""
        name, *rest = command
        return lambda: run(name, *(["--prefix", str(self.root)] if self.is_another else []), *rest)

    def systemctl(self, *arguments: str) -> Callable[[], None]:
        """A step of systemctl."""
        return lambda: run("systemctl", *([f"--root={self.root}"] if self.is_another else []), *arguments)


def run(*command: str) -> None:
    """Run a command of the system. Raises InstallationFailed with what it said."""
    environment = {**os.environ, "LC_ALL": "C", "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/bin:/bin"}
    program = shutil.which(command[0], path=environment["PATH"])
    if program is None:
        raise InstallationFailed(f"there is no {command[0]} on this system", "it needs Debian or a system like it")
    try:
        done = subprocess.run(  # noqa: S603 - an absolute path and arguments of ours
            [program, *command[1:]],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=COMMAND_S,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise InstallationFailed(f"{' '.join(command)} did not end within {COMMAND_S:.0f} s") from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[0]
        hint = "journalctl -u fmnist-edge -n 30" if command[0] == "systemctl" else ""
        raise InstallationFailed(f"{' '.join(command)}: {said}", hint)


def write(path: Path, text: str, mode: int, owner: tuple[int, int] | None = None, *, replaces: bool) -> None:
    """As `write_whole`, a text; its folder is made. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.encode(), mode, owner, replaces=replaces)


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
