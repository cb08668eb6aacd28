"""An environment of its own for each peer, made once and kept in the cache folder."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("FMNIST_EDGE_PEERS_DIR", "~/.cache/fmnist-edge/peers")).expanduser()


_failures: dict[str, str] = {}
"""Why an environment could not be made in this run: it is not tried again for each network."""


class PeerMissing(Exception):
    """A peer that cannot be had here; the text says why."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment: what pip is asked for, and the only Python that it is for, if there is one."""

    name: str
    requirements: tuple[str, ...]
    python: str | None = None

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        return CACHE / self.name

    @property
    def executable(self) -> str:
        """Its Python."""
        return str(self.folder / "bin" / "python")

    def make(self) -> None:
        """Make it unless it is there. Raises PeerMissing with pip's reason."""
        if self.name in _failures:
            raise PeerMissing(_failures[self.name])
        try:
            self._make()
        except PeerMissing as reason:
            _failures[self.name] = str(reason)
            raise

    def _make(self) -> None:
        base = self._base()
        stamp, wanted = self.folder / ".stamp", f"{base} {platform.machine()} {' '.join(self.requirements)}"
        if stamp.is_file() and stamp.read_text() == wanted:
            return
        print(f"making {self.folder} (once)", file=sys.stderr, flush=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        run([base, "-m", "venv", str(self.folder)])
        self.install(*self.requirements)
        stamp.write_text(wanted)

    def install(self, *arguments: str) -> None:
        """Let its pip install. Raises PeerMissing with pip's reason."""
        run([self.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", *arguments])

    def megabytes(self) -> float:
        """MB (10^6 bytes) of its packages on the disk, as they are used: with compiled bytecode, without pip."""
        packages = next(self.folder.glob("lib/python*/site-packages"))
        left_out = {"pip", "setuptools", "_distutils_hack"}
        return (
            sum(
                file.stat().st_size
                for entry in packages.iterdir()
                if entry.name.split("-")[0] not in left_out
                for file in ([entry] if entry.is_file() else entry.rglob("*"))
                if file.is_file() and not file.is_symlink()
            )
            / 1e6
        )

    def _base(self) -> str:
        if self.python is None:
            return sys.executable
        found = shutil.which(f"python{self.python}")
        if found is None:
            raise PeerMissing(f"it is for Python {self.python} only, which is not installed")
        return found


def run(command: list[str], **more: str) -> str:
    """Stdout of a command that has to succeed; `more` are variables of its environment. Raises PeerMissing."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | more)
    if done.returncode:
        raise PeerMissing(last_words(done.stderr) or f"it ended with {done.returncode}")
    return done.stdout


def last_words(stderr: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or [""])[-1][:200]


def digest(path: Path) -> str:
    """Eight hexadecimal digits of a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]
