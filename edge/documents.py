"""JSON and other small files that nobody vouches for: whatever is wrong with one is a ValueError.

The parser's own surprises are RecursionError for deep nesting and values that are no JSON (NaN, 1e999). Strings may
hold half a surrogate pair: so Python writes a file's name that is not UTF-8.
"""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import Any

LARGEST_BYTES = 16 << 20
"""No manifest, mapping, list of labels or run's record comes near."""

DEEPEST = 200
"""Levels of lists and objects; a run folder has six, a network's configuration some twenty."""


def read_limited(path: Path) -> bytes:
    """A small file's content. Raises OSError, and ValueError if it is implausibly large."""
    with path.open("rb") as file:
        content = file.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise ValueError(f"it is larger than {LARGEST_BYTES >> 20} MB")
    return content


def read_member(path: Path, member: str) -> bytes:
    """A small file's content out of a zip. Raises OSError, and ValueError if zip or member is missing or damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(member).file_size > LARGEST_BYTES:
                raise ValueError(f"its {member} is larger than {LARGEST_BYTES >> 20} MB")
            return archive.read(member)
    except (OSError, ValueError):
        raise
    except KeyError as error:
        raise ValueError(f"it has no {member}") from error
    except Exception as error:  # BadZipFile, EOFError, RuntimeError (encrypted), zlib's and LZMA's own ...
        raise ValueError(f"it is damaged: {error}") from error


def parse_json(content: bytes | str, *, nan: bool = False) -> Any:
    """The value of a JSON text in UTF-8, at most DEEPEST levels deep.

    Numbers are finite; with `nan`, NaN and Infinity are read, which Python's own writer puts where a figure is
    missing. Raises ValueError.
    """
    refuse = None if nan else _refuse_constant
    try:
        text = content if isinstance(content, str) else content.decode("utf-8-sig")
        value = json.loads(text, parse_constant=refuse, parse_float=float if nan else _finite)
    except RecursionError as error:
        raise ValueError(f"nested more than {DEEPEST} levels deep") from error
    level = [value]
    for _ in range(DEEPEST):
        level = [child for one in level for child in _children(one)]
        if not level:
            break
    else:
        raise ValueError(f"nested more than {DEEPEST} levels deep")
    return value


def parse_object(content: bytes | str, *, nan: bool = False) -> dict[str, Any]:
    """As `parse_json`, for a text that has to be an object. Raises ValueError."""
    value = parse_json(content, nan=nan)
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, got {type(value).__name__}")
    return value


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is no finite number")
    return number
