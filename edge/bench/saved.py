"""Reads a result that was saved as JSON, as far as two of them are compared: from whom it comes, nobody knows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.bench.result import VERSION
from edge.documents import parse_object, read_limited
from edge.errors import BadOption, SourceDenied, SourceNotFound

_HINT = "fmnist-edge bench --output FILE writes one"
_MOST_ENTRIES = 1000


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, and the median absolute deviation of its rounds, 0 where it has none."""

    value: float
    mad: float = 0.0


@dataclass(frozen=True, slots=True)
class Saved:
    """What is compared: figures by where they were taken, and what must be equal for that to make sense.

    `figures` go by (model, backend, pictures and threads, figure), `facts` by what they are. `warnings` are those that
    came with the figures.
    """

    figures: Mapping[tuple[str, str, str, str], Figure]
    facts: Mapping[str, str]
    warnings: tuple[str, ...]


def read_saved(path: Path) -> Saved:
    """A saved result. Raises SourceNotFound, SourceDenied, or BadOption for a file that is none."""
    try:
        content = read_limited(path)
    except FileNotFoundError as error:
        raise SourceNotFound(f"{path}: no such file", _HINT) from error
    except PermissionError as error:
        raise SourceDenied(f"{path}: permission denied", f"chmod a+r {path}") from error
    except (OSError, ValueError) as error:
        raise BadOption(f"{path} cannot be read: {error}", _HINT) from error
    try:
        document = parse_object(content)
    except ValueError as error:
        raise BadOption(f"{path} is no result of fmnist-edge bench: {error}", _HINT) from error
    if document.get("tool") != "fmnist-edge bench":
        raise BadOption(f"{path} is no result of fmnist-edge bench", _HINT)
    if document.get("v") != VERSION:
        raise BadOption(
            f"{path} has version {str(document.get('v'))[:20]} of the format, this fmnist-edge reads {VERSION}",
            "measure again with this version, or compare with the one that wrote it",
        )
    try:
        return parse_saved(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadOption(f"{path} is damaged: {type(error).__name__}: {str(error)[:80]}", _HINT) from error


def parse_saved(document: Mapping[str, Any]) -> Saved:
    """What is compared of a result's JSON. Raises KeyError, TypeError, ValueError or AttributeError if it is none."""
    figures: dict[tuple[str, str, str, str], Figure] = {}
    facts = _facts(document["board"]) | _facts(document["software"])
    facts["fmnist-edge"] = facts.pop("fmnist_edge")
    for model in document["models"]:
        facts[f"model {_text(model['name'])}"] = _text(model["sha256"])[:12]
    for one in document["measured"]:
        where = _text(one["model"]), _text(one["backend"])
        facts[f"runtime of {where[1]}"] = _text(one["runtime"])
        facts["views"] = _text(one["views"])
        for speed in one["speeds"]:
            course = f"{_text(speed['pictures'])}, --threads {_text(speed['threads'])}"
            for stage, percentiles in speed["stages_ms"].items():
                mad = speed["noise_ms"]["mad"] if stage == "total" else 0.0
                figures[*where, course, f"{_text(stage)}, ms"] = _figure(percentiles["p50"], mad)
            figures[*where, course, "processor, ms"] = _figure(**_repeated(speed["cpu_ms"]))
            figures[*where, course, "frames/s"] = _figure(**_repeated(speed["frames_per_s"]))
        for pictures, start in one["starts"].items():
            if "ms" in start:
                figures[*where, f"start, {_text(pictures)}", "ms"] = _figure(**_repeated(start["ms"]))
                figures[*where, f"start, {_text(pictures)}", "peak MB"] = _figure(start["peak_mb"])
        for rate in one["folders"]:
            course = f"folder, --threads {_text(rate['threads'])}"
            figures[*where, course, "photos/s"] = _figure(**_repeated(rate["photos_per_s"]))
        if one["correctness"] is not None:
            figures[*where, "answers", "accuracy"] = _figure(one["correctness"]["accuracy"])
    if len(figures) > _MOST_ENTRIES:
        raise ValueError("implausibly many figures")
    return Saved(figures, facts, tuple(map(_text, document["warnings"])))


def _facts(part: Mapping[str, Any]) -> dict[str, str]:
    """What the machine and its software are, in words."""
    return {_text(name).replace("_mb", ", MB").replace("_mhz", ", MHz"): _text(value) for name, value in part.items()}


def _text(value: object) -> str:
    """A value in a line; a list as its entries."""
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    if isinstance(value, dict):
        raise TypeError("an object where a value should be")
    return "unknown" if value is None else str(value)[:120]


def _repeated(part: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": part["median"], "mad": part["mad"]}


def _figure(value: object, mad: object = 0.0) -> Figure:
    numbers = [one for one in (value, mad) if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(numbers) != 2 or not all(math.isfinite(one) and one >= 0 for one in numbers):
        raise ValueError("a figure that is no positive number")
    return Figure(float(numbers[0]), float(numbers[1]))
