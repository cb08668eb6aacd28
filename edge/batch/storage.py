"""Where bytes come from: files, http(s) addresses, and buckets that speak S3."""

from __future__ import annotations

import time
import urllib.error
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from edge.batch.settings import S3Settings, need_pyarrow
from edge.errors import CameraNotFound, SourceDenied, SourceError, SourceNotFound
from edge.sources.network.address import without_password
from edge.sources.pictures import MAX_FILE_BYTES

if TYPE_CHECKING:
    from edge.sources.settings import SourceSettings

S3 = "s3://"
_HTTP = ("http://", "https://")

RETRY_WAITS_S = (0.5, 2.0)
"""Between the tries of an address whose server is busy or away."""

_MAY_PASS = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP's answers after which it is worth asking again."""


def is_remote(address: str) -> bool:
    """Whether it is no path."""
    return address.startswith((S3, *_HTTP))


def resolve(base: str, address: str) -> str:
    """What an address means that stands in a list: relative paths start at `base`, a folder or s3://BUCKET/PREFIX."""
    if is_remote(address) or address.startswith("/") or not base:
        return address
    return f"{base.rstrip('/')}/{address}"


def read_remote(address: str, network: SourceSettings, s3: S3Settings) -> bytes:
    """The bytes of a picture at an address. Raises SourceError."""
    return _read_s3(address, s3) if address.startswith(S3) else _read_http(address, network)


def open_file(address: str, s3: S3Settings) -> BinaryIO:
    """A file or an object of a bucket, to read from any place in it. Raises SourceError."""
    if not address.startswith(S3):
        try:
            return Path(address).open("rb")
        except FileNotFoundError as error:
            raise SourceNotFound(f"{address}: no such file", "check the path") from error
        except OSError as error:
            raise SourceDenied(f"{address}: {error.strerror}", f"chmod a+r {address}") from error
    try:
        opened: BinaryIO = file_system(s3).open_input_file(address.removeprefix(S3))  # pyarrow's, which is close enough
    except OSError as error:
        raise s3_error(address, error) from error
    return opened


@cache
def file_system(settings: S3Settings) -> Any:
    """The file system of an S3-compatible server. Raises MissingExtra."""
    need_pyarrow(S3)
    from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

    return S3FileSystem(
        endpoint_override=settings.endpoint,
        region=settings.region,
        anonymous=settings.anonymous,
        connect_timeout=5,
        request_timeout=30,
        retry_strategy=AwsStandardS3RetryStrategy(max_attempts=3),
    )


def s3_error(address: str, error: OSError) -> SourceError:
    """What a bucket's refusal means in plain words."""
    text = str(error)
    if isinstance(error, FileNotFoundError) or "NO_SUCH_BUCKET" in text or "NO_SUCH_KEY" in text:
        return SourceNotFound(f"{address}: nothing there", "check bucket and prefix")
    if "ACCESS_DENIED" in text or "INVALID_ACCESS_KEY" in text or "SIGNATURE_DOES_NOT_MATCH" in text:
        return SourceDenied(
            f"{address}: access denied", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or --s3-anonymous"
        )
    return SourceError(f"{address}: {text.partition(chr(10))[0]}", "check --s3-endpoint and --s3-region")


def _read_s3(address: str, settings: S3Settings) -> bytes:
    try:
        with file_system(settings).open_input_stream(address.removeprefix(S3)) as stream:
            return bytes(stream.read(MAX_FILE_BYTES + 1))
    except OSError as error:
        raise s3_error(address, error) from error


def _read_http(url: str, settings: SourceSettings) -> bytes:
    """As `classify` reads it; asked again where the server may only be busy."""
    from edge.sources.network.http_content import open_http
    from edge.sources.network.http_request import Connection

    name = without_password(url)
    for wait_s in (*RETRY_WAITS_S, None):
        connection = Connection()
        try:
            found = open_http(url, name, connection, settings)
        except SourceError as error:
            if wait_s is None or not _may_pass(error):
                raise
            time.sleep(wait_s)
            continue
        if isinstance(found, bytes):
            return found
        connection.hang_up()
        break
    raise CameraNotFound(f"{name} is no picture", "streams and videos are for fmnist-edge classify")


def _may_pass(error: SourceError) -> bool:
    """Whether the same request may well succeed in a moment."""
    cause = error.__cause__
    if isinstance(cause, urllib.error.HTTPError):
        return cause.code in _MAY_PASS
    return isinstance(cause, OSError)
