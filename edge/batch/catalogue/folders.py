"""Files below a folder or a bucket's prefix. One level at a time is in memory, never all of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from edge.batch.settings import S3Settings
from edge.batch.storage import S3, file_system, s3_error


def below(folder: str, suffixes: frozenset[str], s3: S3Settings) -> Iterator[str]:
    """Files with these suffixes, as `classify` names them; hidden ones are left out, links to folders not followed.

    Raises SourceError for a bucket that cannot be listed. A folder that may not be listed is left out.
    """
    if folder.startswith(S3):
        return _objects_below(folder.removeprefix(S3).rstrip("/"), suffixes, file_system(s3))
    return _files_below(folder.rstrip("/") or "/", suffixes)


def _files_below(folder: str, suffixes: frozenset[str]) -> Iterator[str]:
    try:
        with os.scandir(folder) as listed:
            found = sorted((one.name, one.is_dir(follow_symlinks=False)) for one in listed if one.name[0] != ".")
    except (PermissionError, FileNotFoundError):  # closed to us, or removed meanwhile
        return
    for name, is_folder in found:
        path = name if folder == "." else f"{folder.rstrip('/')}/{name}"
        if is_folder:
            yield from _files_below(path, suffixes)
        elif _suffix(name) in suffixes:
            yield path


def _objects_below(prefix: str, suffixes: frozenset[str], files: Any) -> Iterator[str]:
    from pyarrow.fs import FileSelector, FileType

    try:
        listed = files.get_file_info(FileSelector(prefix))
    except OSError as error:
        raise s3_error(S3 + prefix, error) from error
    found = sorted((one.path, one.type == FileType.Directory) for one in listed if not one.base_name.startswith("."))
    del listed  # it is five times as large
    for path, is_folder in found:
        if is_folder:
            yield from _objects_below(path, suffixes, files)
        elif _suffix(path) in suffixes:
            yield S3 + path


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - no object for each of millions
