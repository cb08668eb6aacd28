"""The TFLite runtimes that may be installed: LiteRT and tflite-runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.errors import BackendUnavailable


@dataclass(frozen=True, slots=True)
class Runtime:
    """An installed TFLite runtime: its distribution, its Interpreter class and its load_delegate."""

    distribution: str
    interpreter_class: Any
    load_delegate: Any

    @property
    def name(self) -> str:
        """Distribution and version, if it was installed as one."""
        from importlib.metadata import PackageNotFoundError, version  # 11 ms at start-up, for what few runs print

        try:
            return f"{self.distribution} {version(self.distribution)}"
        except PackageNotFoundError:
            return self.distribution


def litert() -> Runtime:
    """LiteRT, Google's present runtime. Raises BackendUnavailable."""
    try:
        from ai_edge_litert import interpreter
    except ImportError as error:
        raise BackendUnavailable(f"LiteRT does not import: {error}", "pip install ai-edge-litert") from error
    return Runtime("ai-edge-litert", interpreter.Interpreter, interpreter.load_delegate)


def tflite_runtime() -> Runtime:
    """tflite-runtime, the older one. Raises BackendUnavailable."""
    hint = "pip install 'fmnist-edge[tflite-runtime]' (Python 3.11, numpy below 2)"
    if int(np.__version__.split(".")[0]) >= 2:
        # Its extension is built against numpy 1 and aborts deep inside the import otherwise.
        raise BackendUnavailable(f"tflite-runtime needs numpy below 2, here is {np.__version__}", hint)
    try:
        from tflite_runtime import interpreter
    except ImportError as error:
        raise BackendUnavailable(f"tflite-runtime does not import: {error}", hint) from error
    return Runtime("tflite-runtime", interpreter.Interpreter, interpreter.load_delegate)
