"""Fetch Fashion-MNIST from the first mirror that delivers the right bytes, resuming what broke off."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import os
import re
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge.datasets.idx_files import IDX_NAMES, Split
from edge.errors import BadOption, DownloadFailed, OutputFailed

Progress = Callable[[str, int, int], None]
"""Called with a file's name, the bytes it has so far and the bytes it will have (0: unknown)."""

MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
)
TIMEOUT_S = 30.0
ATTEMPTS = 4  # at one mirror, as long as each brings the file further
LARGEST_BYTES = 64 * 2**20  # the largest file has 26 MB; a mirror that sends on and on must not fill the disk
CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds once decompressed. Mirrors pack it in gzip files that differ in their headers."""

    sha256: str
    size_bytes: int


CONTENTS = {
    "train-images-idx3-ubyte": Content("c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888", 47_040_016),
    "train-labels-idx1-ubyte": Content("bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9", 60_008),
    "t10k-images-idx3-ubyte": Content("5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b", 7_840_016),
    "t10k-labels-idx1-ubyte": Content("0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34", 10_008),
}
"""Taken from Debian's package dataset-fashion-mnist."""


class _MirrorError(Exception):
    """Why one mirror did not deliver; its text goes into DownloadFailed."""


def mirrors() -> tuple[str, ...]:
    """List the base URLs to try in order: $FMNIST_EDGE_MIRRORS, separated by spaces, or MIRRORS.

    Raises BadOption for anything but http and https.
    """
    chosen = tuple(os.environ.get("FMNIST_EDGE_MIRRORS", "").split()) or MIRRORS
    for url in chosen:
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise BadOption(f"$FMNIST_EDGE_MIRRORS: expected http or https URLs, got {url}")
    return chosen


def fetch_split(split: Split, folder: Path, progress: Progress | None = None) -> None:
    """Put a split's two .gz files into `folder`, fetching those that are missing or damaged."""
    for name in IDX_NAMES[split]:
        fetch(name, folder, CONTENTS[name], progress)


def fetch(
    name: str,
    folder: Path,
    content: Content,
    progress: Progress | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Path:
    """Fetch `name`.gz into `folder` unless it is there and whole; return its path.

    A transfer that breaks off leaves `name`.gz.part, which the next attempt or the next run continues. The
    file gets its name only once its decompressed content has the right SHA-256. Raises DownloadFailed with
    each mirror's reason, or OutputFailed if the disk refuses.
    """
    target = folder / f"{name}.gz"
    part = folder / f"{name}.gz.part"
    report = progress or (lambda _name, _done, _total: None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if target.exists() and _has_content(target, content):
            return target
        reasons = []
        for mirror in mirrors():
            try:
                _fetch_from(
                    urllib.parse.urljoin(mirror.rstrip("/") + "/", target.name),
                    part,
                    content,
                    report,
                    timeout_s,
                )
            except _MirrorError as failure:
                reasons.append(f"{mirror}: {failure}")
            else:
                part.replace(target)
                (folder / name).unlink(missing_ok=True)  # a plain file would be read instead, and was damaged
                return target
    except OSError as error:
        raise OutputFailed(
            f"{folder}: {error.strerror or error}",
            "free some space there, or set XDG_CACHE_HOME to another folder; the download will be resumed",
        ) from error
    raise DownloadFailed(
        f"no mirror delivered {target.name}: " + "; ".join(reasons),
        "check the network and run the command again (it resumes), or apt install dataset-fashion-mnist, "
        "or set FMNIST_EDGE_MIRRORS",
    )


def _fetch_from(url: str, part: Path, content: Content, report: Progress, timeout_s: float) -> None:
    """Complete `part` from one mirror and verify it; raises _MirrorError, and OSError only from the disk."""
    for attempt in range(1, ATTEMPTS + 1):
        before = part.stat().st_size if part.exists() else 0
        try:
            _transfer(url, part, report, timeout_s)
        except _MirrorError:
            after = part.stat().st_size if part.exists() else 0
            if attempt == ATTEMPTS or after <= before:
                raise
            continue
        if _has_content(part, content):
            return
        part.unlink()
        # What was resumed may have begun at another mirror, whose gzip differs: once more from the start.
        if before == 0 or attempt == ATTEMPTS:
            raise _MirrorError("wrong content (SHA-256 does not match)")
    raise _MirrorError("wrong content (SHA-256 does not match)")


def _transfer(url: str, part: Path, report: Progress, timeout_s: float) -> None:
    """One request: append what `part` lacks, or begin anew if the mirror cannot resume."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310 - mirrors() checks the scheme
    try:
        response = _opener().open(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return  # nothing is left to send: the caller's checksum decides whether `part` is the file
        raise _MirrorError(f"HTTP {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _MirrorError(_reason(error)) from error
    with response:
        resumes = response.status == http.HTTPStatus.PARTIAL_CONTENT
        if resumes and not re.match(rf"bytes {have}-", response.headers.get("Content-Range", "")):
            part.unlink()
            raise _MirrorError("resumed at another byte than asked for")
        length = int(response.headers.get("Content-Length") or 0)
        done = have if resumes else 0
        total = done + length if length else 0
        name = part.name.removesuffix(".part")
        with part.open("ab" if resumes else "wb") as file:
            report(name, done, total)
            while chunk := _receive(response):
                done += len(chunk)
                if done > LARGEST_BYTES:
                    part.unlink()
                    raise _MirrorError(f"sent more than {LARGEST_BYTES >> 20} MiB")
                file.write(chunk)
                report(name, done, total)
    if done < total:
        raise _MirrorError(f"connection lost after {done} of {total} bytes")


def _receive(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise _MirrorError(_reason(error)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error) or type(error).__name__


def _opener() -> urllib.request.OpenerDirector:
    """Build an opener for http and https alone: a mirror's redirect cannot lead to file: or ftp:."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.UnknownHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


def _has_content(path: Path, content: Content) -> bool:
    """Whether the gzip file `path` holds exactly `content`; a bomb is noticed at the expected size."""
    digest = hashlib.sha256()
    size = 0
    try:
        with gzip.open(path) as file:
            while chunk := file.read(1 << 20):
                size += len(chunk)
                if size > content.size_bytes:
                    return False
                digest.update(chunk)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return False
    return size == content.size_bytes and digest.hexdigest() == content.sha256
