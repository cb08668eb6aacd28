"""The token that lets a browser in: made once, kept in a file that only its owner reads."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from edge.errors import OutputFailed
from edge.service.secrets import quoted, read_secret

TOKEN_BYTES = 24
SHORTEST = 16
"""Letters of a token that somebody chose."""


def read_token(path: Path) -> str:
    """The token of a file. Raises SecretRefused."""
    from edge.errors import SecretRefused

    token = read_secret(path)
    if len(token) < SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
        raise SecretRefused(
            f"{path}: a token has {SHORTEST} letters or more, without spaces and beyond no ASCII",
            f"rm {quoted(path)}, and a new one is made",
        )
    return token


def make_token(path: Path) -> str:
    """A new token, written to a file with mode 0600 in place of an older one. Raises OutputFailed."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(token + "\n")
            file.flush()
            os.fsync(descriptor)
        unfinished.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise OutputFailed(
            f"no token can be kept in {path}: {error.strerror}", "--token-file FILE, in a folder that can be written"
        ) from error
    return token
