"""Which versions of which operators the runtimes know: operators.json, written by scripts/make-operator-table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from convert.tflite.graph import Operation
from edge.errors import BadOption

TABLE_PATH = Path(__file__).with_name("operators.json")


class Target(StrEnum):
    """What a model may be meant for."""

    LITERT = "litert"
    TFLITE_RUNTIME = "tflite-runtime"
    EDGETPU = "edgetpu"
    MEDIAPIPE = "mediapipe"
    """MediaPipe Tasks' ImageClassifier, which takes RGB alone: a file of its own (convert.tflite.mediapipe_variant)."""


GREY_TARGETS = (Target.LITERT, Target.TFLITE_RUNTIME, Target.EDGETPU)
"""What may run one and the same model of one channel."""


@dataclass(frozen=True, slots=True)
class OperatorTable:
    """Highest version of each builtin operator, and the custom operators, that one version of a runtime registers."""

    runtime: str
    highest: Mapping[str, int]
    custom: frozenset[str]

    def complaint(self, operation: Operation) -> str:
        """Why the runtime cannot run an operation; nothing if it can."""
        if operation.is_custom:
            return "" if operation.name in self.custom else "a custom operator that the runtime does not have"
        if operation.name not in self.highest:
            return "an operator that the runtime does not have"
        highest = self.highest[operation.name]
        return "" if operation.version <= highest else f"version {operation.version}, the runtime has {highest} at most"


def read_table(target: Target) -> OperatorTable:
    """The table of any target but the Edge TPU, which has rules instead (convert.targets.edgetpu_rules)."""
    table = json.loads(TABLE_PATH.read_text("utf-8"))[target]
    return OperatorTable(table["runtime"], table["highest"], frozenset(table["custom"]))


def parse_targets(text: str) -> tuple[Target, ...]:
    """Targets of a comma-separated list, each once, in the order given. Raises BadOption."""
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in set(Target)]
    if unknown:
        raise BadOption(f"--target has {unknown[0]!r}, expected any of {', '.join(Target)}")
    return tuple(dict.fromkeys(Target(name) for name in names))
