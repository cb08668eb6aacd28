"""The page's own files: a few with fixed names, in memory, with an ETag each. No path of a request reaches the disk."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parents[1] / "page"

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    packed: bytes
    etag: str
    type: str


class StaticFiles:
    """What lies in a folder, by name; .html files without their suffix, index.html as "/"."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {
            _address(path): _read(path) for path in sorted(folder.iterdir()) if path.suffix in TYPES and path.is_file()
        }

    @property
    def addresses(self) -> list[str]:
        """The path of each file."""
        return list(self._files)

    def text(self, address: str) -> str:
        """A file's content as text."""
        return self._files[address].content.decode()

    def response(self, request: Request, address: str) -> Response:
        """A file, or that the browser's copy is good: it asks each time, so that an update is seen at once."""
        file = self._files[address]
        headers = {"etag": file.etag, "cache-control": "no-cache", "vary": "accept-encoding"}
        if file.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        content = file.content
        if "gzip" in request.headers.get("accept-encoding", "") and len(file.packed) < len(content):
            content = file.packed
            headers["content-encoding"] = "gzip"
        return Response(content, headers=headers, media_type=file.type)


def _address(path: Path) -> str:
    if path.name == "index.html":
        return "/"
    return "/" + (path.stem if path.suffix == ".html" else path.name)


def _read(path: Path) -> _File:
    content = path.read_bytes()
    return _File(
        content,
        gzip.compress(content, mtime=0),
        f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        TYPES[path.suffix],
    )
