"""A conversion continues in a child process: TensorFlow's converter crashes on some networks, without a message."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from pathlib import Path

from convert import converter_log
from convert.settings import Settings
from edge.errors import ConversionRefused
from edge.inference.sandbox import CRASHES, continue_in_child

_SHOW_CURSOR = "\x1b[?25h"  # a progress bar hides it, and a crash leaves it so

RECURRENT = ("LSTM", "GRU", "SimpleRNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "RNN", "While")


def guard(settings: Settings) -> None:
    """Return in a child process; here, raise ConversionRefused if it crashes, or leave with its exit code.

    SIGKILL counts as a crash: the kernel sends it when memory runs out. Only a log of TensorFlow's output is written
    then. Call it before TensorFlow is loaded: a process with threads must not be forked.
    """
    folder = Path(tempfile.mkdtemp(prefix="fmnist-edge-"))
    converter_log.start(folder, settings.log_path)

    def error_of(name: str) -> ConversionRefused:
        if sys.stderr.isatty():
            sys.stderr.write(_SHOW_CURSOR)
        return crash(settings, folder, name)

    continue_in_child(error_of, CRASHES | {signal.SIGKILL}, lambda: shutil.rmtree(folder, ignore_errors=True))


def crash(settings: Settings, folder: Path, name: str) -> ConversionRefused:
    """The error for a child that a signal ended, with the kinds of layers that it was converting."""
    layers = converter_log.noted_layers(folder)
    log = converter_log.save(folder, settings.log_path)
    what = f"TensorFlow crashed ({name})"
    if name == "SIGKILL":
        what = "the conversion was killed (SIGKILL), probably because memory ran out"
    hint = "a layer may have no int8 form: Dense, Conv2D, pooling and ReLU have"
    if any(kind in RECURRENT for kind in layers.split(", ")):
        hint = "build recurrent layers with unroll=True, which leaves no loop in the graph"
    converting = f" while it converted {layers}" if layers else ""
    return ConversionRefused(
        f"{settings.source_path}: {what}{converting}",
        f"{hint}; what TensorFlow said is in {log}" if log else hint,
    )
