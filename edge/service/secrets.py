"""Passwords and keys: in a file that only its owner reads, or in the environment; never on a command line.

A command line is seen by everybody on the machine (`ps`), and a shell remembers it.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from pathlib import Path

from edge.errors import SecretRefused

LARGEST_BYTES = 4096
"""No password, token or key on one line is longer."""

_LOGIN = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^/?#\s:@]*:)[^/?#\s]*(?=@)", re.IGNORECASE)
"""A password in an address; up to the last @ before its path, as browsers read it."""

_QUERY = re.compile(r"([?&](?:pass|passwd|password|pwd|token|secret|api_?key)=)[^&#\s]+", re.IGNORECASE)
"""A password in an address's query, where many cameras want it."""


def read_secret(path: Path) -> str:
    """The one line of a secret file, without its end. Raises SecretRefused.

    The file has mode 0600 or 0400 and belongs to this user or to root. A name that is no file here is looked up among
    the credentials that systemd hands over (LoadCredential=), where mode 0440 is right too.
    """
    path = _found(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise SecretRefused(f"{path} is no regular file: a secret is one line in a file")
            if open_to_others(path, status):
                mode = f"mode {status.st_mode & 0o7777:04o}"
                raise SecretRefused(f"{path}: others may read this secret ({mode})", f"chmod 600 {quoted(path)}")
            if status.st_uid not in {0, os.geteuid()}:
                raise SecretRefused(
                    f"{path}: this secret belongs to another user (uid {status.st_uid})",
                    f"sudo chown {os.geteuid()} {quoted(path)}",
                )
            content = file.read(LARGEST_BYTES + 1)
    except SecretRefused:
        raise
    except FileNotFoundError as error:
        raise SecretRefused(f"{path}: no such secret file", f"(umask 077; cat > {quoted(path)})") from error
    except PermissionError as error:
        raise SecretRefused(
            f"{path}: this user may not read it", f"sudo chown {os.geteuid()} {quoted(path)}"
        ) from error
    except (OSError, ValueError) as error:
        raise SecretRefused(f"{path}: the secret cannot be read: {error}") from error
    return _line_of(content, path)


def secret_from(path: Path | None, variable: str) -> str | None:
    """A secret out of a file if one is named, else out of an environment variable, else None. Raises SecretRefused."""
    if path is not None:
        return read_secret(path)
    value = os.environ.get(variable)
    return _line_of(os.fsencode(value), variable) if value else None


def open_to_others(path: Path, status: os.stat_result) -> bool:
    """Whether others than its owner may read or write an open file; systemd's credentials count as closed."""
    if not stat.S_ISREG(status.st_mode):
        return False
    forbidden = 0o037 if _is_credential(path) else 0o077
    return bool(status.st_mode & forbidden)


def without_password(text: str) -> str:
    """A text in which the passwords of addresses are stars: rtsp://shop:***@camera."""
    return _QUERY.sub(r"\1***", _LOGIN.sub(r"\1***", text)) if "://" in text else text


def quoted(path: Path) -> str:
    """A path as a shell takes it."""
    return shlex.quote(str(path))


def _credentials() -> Path | None:
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(directory) if directory else None


def _is_credential(path: Path) -> bool:
    """Whether a file lies in the folder that systemd made for this service alone."""
    folder = _credentials()
    return folder is not None and Path(os.path.realpath(path)).parent == Path(os.path.realpath(folder))


def _found(path: Path) -> Path:
    folder = _credentials()
    if folder is None or path.is_absolute() or os.path.lexists(path):
        return path
    named = folder / path.name
    return named if len(path.parts) == 1 and named.is_file() else path


def _line_of(content: bytes, origin: object) -> str:
    if len(content) > LARGEST_BYTES:
        raise SecretRefused(f"{origin}: longer than {LARGEST_BYTES} bytes: a secret is one line")
    try:
        secret = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:  # not as the cause: it holds the secret's bytes
        raise SecretRefused(f"{origin}: not UTF-8: a secret is one line of text") from None
    if not secret.strip():
        raise SecretRefused(f"{origin}: is empty: a secret is one line")
    if len(secret.splitlines()) > 1 or "\0" in secret:
        raise SecretRefused(f"{origin}: has several lines: a secret is one line")
    return secret
