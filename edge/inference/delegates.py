"""Loading an Edge TPU delegate: a library that may crash the process is tried in a child process first."""

from __future__ import annotations

import ctypes.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.errors import BackendUnavailable
from edge.inference.sandbox import error_in_child

_PROBE = """
import sys
module, library = sys.argv[1:]
__import__(module, fromlist=["load_delegate"]).load_delegate(library)
"""


def load_checked(library: str, load_delegate: Callable[[str], Any], hint: str) -> Any:
    """Load a delegate library, after it has loaded in a child process without harm.

    Google's own libedgetpu segfaults with runtimes from 2.12 on (google-coral/edgetpu #812), and a segfault
    cannot be caught. Raises BackendUnavailable.
    """
    _probe(library, load_delegate.__module__, hint)
    try:
        return load_delegate(library)
    except (OSError, ValueError) as error:
        raise BackendUnavailable(f"{library} does not load: {error}", hint) from error


def _probe(library: str, module: str, hint: str) -> None:
    if "/" not in library and ctypes.util.find_library(_bare_name(library)) is None:
        raise BackendUnavailable(f"{library} is not installed", hint)
    if "/" in library and not Path(library).is_file():
        raise BackendUnavailable(f"{library}: no such file", hint)
    complaint = error_in_child(_PROBE, module, library)
    if complaint:
        raise BackendUnavailable(f"{library} does not load: {complaint}", hint)


def _bare_name(library: str) -> str:
    """The name that the linker knows: libedgetpu.so.1 -> edgetpu."""
    return library.removeprefix("lib").split(".so")[0]
