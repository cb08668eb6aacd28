"""A TUF repository as a device sees it: which versions there are, and their files. All checks are python-tuf's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tuf.api.exceptions import (
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    RepositoryError,
)
from tuf.api.metadata import Metadata, Root, Targets
from tuf.ngclient import Updater, UpdaterConfig

from edge.documents import read_limited
from edge.errors import BadOption, OutputFailed, RepositoryUnreachable, RepositoryUntrusted
from edge.fleet.fetching import METADATA_S, SLOWEST_RATE, Fetcher, at_most
from edge.fleet.release import Release, release_of
from edge.inference.model_file import LARGEST_BYTES

_LIMITS = UpdaterConfig(
    max_root_rotations=256,
    root_max_length=64_000,
    timestamp_max_length=8_000,
    snapshot_max_length=64_000,
    targets_max_length=1_000_000,  # some 3,000 versions
)
_HISTORY = "root_history"


class Repository:
    """The repository at an address; `root` is the trusted root to begin with, `cache` a folder for what was checked.

    One process uses a cache at a time.
    """

    def __init__(self, url: str, root: bytes, cache: Path) -> None:
        self._url = checked_url(url)
        self._root = root
        self._cache = cache
        self._fetcher = Fetcher(self._url)
        self._updater: Updater | None = None
        self._known: tuple[bytes, list[Release]] = (b"", [])

    def close(self) -> None:
        """Hang up."""
        self._fetcher.close()

    def releases(self) -> list[Release]:
        """The versions that are published now.

        Raises RepositoryUnreachable, RepositoryUntrusted, BadOption for a root that is none, or OutputFailed.
        """
        with at_most(METADATA_S, f"what {self._url} says"), _translated(self._url):
            self._clear_away()
            updater = self._updater = self._begin()
            updater.refresh()
            content = read_limited(self._cache / f"{Targets.type}.json")  # the very bytes that were checked
            if content != self._known[0]:
                self._known = content, _releases(Metadata[Targets].from_bytes(content).signed)
        return self._known[1]

    def fetch(self, release: Release, path: Path) -> None:
        """Put a version's file at `path`, checked by length and hash; what is there already is not fetched again.

        Raises as `releases`, which has been called before.
        """
        assert self._updater is not None
        if release.length > LARGEST_BYTES:
            raise RepositoryUntrusted(f"{release.file} is larger than any TFLite model")
        limit_s = METADATA_S + release.length / SLOWEST_RATE
        with at_most(limit_s, release.file), _translated(self._url):
            target = self._updater.get_targetinfo(release.file)
            if target is None or target.hashes.get("sha256") != release.sha256:
                raise RepositoryUntrusted(f"{release.file} is not what was published a moment ago")
            if self._updater.find_cached_target(target, str(path)) is None:
                self._updater.download_target(target, str(path))

    def _begin(self) -> Updater:
        """The roots that followed the one that is given, and were checked before, python-tuf finds in its cache."""
        metadata, targets = f"{self._url}/metadata/", f"{self._url}/targets/"
        try:
            return Updater(str(self._cache), metadata, None, targets, self._fetcher, _LIMITS, bootstrap=self._root)
        except RepositoryError as error:
            raise BadOption(
                f"--root: it is no root of a repository: {error}", "metadata/1.root.json of the repository"
            ) from error

    def _clear_away(self) -> None:
        """Remove what python-tuf was writing when it was killed."""
        (self._cache / _HISTORY).mkdir(parents=True, exist_ok=True)
        for left in self._cache.glob("tmp*"):
            left.unlink(missing_ok=True)


def checked_url(url: str) -> str:
    """The address without a slash at its end. Raises BadOption."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadOption(f"--repository {url}: expected http://HOST/PATH or https://HOST/PATH")
    return url.rstrip("/")


def read_root(path: Path) -> bytes:
    """The root to begin with. Raises BadOption."""
    hint = "metadata/1.root.json of the repository, brought here on a way that you trust"
    try:
        content = read_limited(path)
        role = Metadata.from_bytes(content).signed.type
    except OSError as error:
        raise BadOption(f"--root {path}: {error.strerror}", hint) from error
    except (ValueError, RepositoryError) as error:
        raise BadOption(f"--root {path} is no root of a repository: {error}", hint) from error
    if role != Root.type:
        raise BadOption(f"--root {path} is a {role}", hint)
    return content


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """TUF's errors in our words."""
    try:
        yield
    except ExpiredMetadataError as error:
        raise RepositoryUntrusted(
            f"{url} has expired: {error}",
            "nothing newer is shown to this device, or nobody has signed it anew (convert publish refresh); or the "
            "clock is wrong",
        ) from error
    except DownloadLengthMismatchError as error:
        raise RepositoryUntrusted(f"{url} sends more than it should: {error}") from error
    except RepositoryError as error:
        raise RepositoryUntrusted(f"{url} cannot be trusted: {error}", "tell whoever looks after the fleet") from error
    except DownloadHTTPError as error:
        raise RepositoryUnreachable(f"{url} answers {error.status_code}", "check the address") from error
    except DownloadError as error:
        raise RepositoryUnreachable(
            f"{url} does not answer: {_reason(error)}", "check the address and the network"
        ) from error
    except OSError as error:
        if isinstance(error, RepositoryUnreachable | RepositoryUntrusted | OutputFailed):
            raise
        raise OutputFailed(f"cannot write: {error.strerror or error}", "is the disk full?") from error


def _reason(error: BaseException) -> str:
    """Why there is no answer, of the innermost error: urllib3 wraps it in three others, each with its whole text."""
    while isinstance(inner := getattr(error, "reason", None) or error.__cause__ or error.__context__, BaseException):
        error = inner
    said = getattr(error, "strerror", None) or str(error).rpartition(": ")[2]
    return said[:200] or type(error).__name__


def _releases(targets: Targets) -> list[Release]:
    found: list[Release] = []
    for file, target in targets.targets.items():
        with contextlib.suppress(KeyError):
            release = release_of(file, target.length, target.hashes["sha256"], target.custom)
            if release is not None:
                found.append(release)
    return found
