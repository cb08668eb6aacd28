"""The token that lets a browser in: made once, kept in a file that only its owner reads."""

from __future__ import annotations

import secrets
from pathlib import Path

from edge.errors import OutputFailed
from edge.service.secrets import quoted, read_secret
from edge.service.whole_file import write_whole

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
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, f"{token}\n".encode(), replaces=True)
    except OSError as error:
        raise OutputFailed(
            f"no token can be kept in {path}: {error.strerror}", "--token-file FILE, in a folder that can be written"
        ) from error
    return token
