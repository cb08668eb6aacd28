"""The process that classifies pictures which are sent: a program of its own, which picture_worker starts and talks to.

A picture that makes a decoder crash, or takes all memory, ends this process and not the camera's.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import struct
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from edge.inference.classifier import Classifier

HEADER = struct.Struct("<cQ")
"""A letter and how many bytes follow."""

READY, ANSWER, REFUSED, FAILED = b"R", b"A", b"E", b"F"
"""It can begin; the prediction as JSON; what is wrong with the picture; what is wrong with the model."""

TOP_K = 3

MOST_MEMORY = 400 << 20
"""For one picture: JPEGs of 30 million pixels need a quarter of it, transparent ones of 16 bits more than there is."""


def main() -> None:
    """Open the model that the settings name, then answer pictures until there are no more."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the parent closes the pipe when it ends
    warnings.simplefilter("ignore")  # the parent has said them
    os.nice(10)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("900")  # where memory is short, this goes and not the camera
    settings = json.loads(sys.argv[1])
    requests, replies = os.fdopen(0, "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    try:
        classifier = _open(settings)
    except Exception as error:
        send(replies, FAILED, json.dumps({"message": str(error), "hint": getattr(error, "hint", "")}).encode())
        return
    _limit_memory()
    send(replies, READY, b"")
    while (content := receive(requests)) is not None:
        send(replies, *answer(classifier, content[1]))


def answer(classifier: Classifier, content: bytes) -> tuple[bytes, bytes]:
    """What is said of one picture."""
    from edge.errors import SourceError
    from edge.frame import Frame
    from edge.output.sinks import as_json
    from edge.sources.pictures import decode_image

    began = time.monotonic()
    try:
        pixels = decode_image(content, "the picture")
    except SourceError as error:
        return REFUSED, json.dumps({"message": error.message, "hint": error.hint}).encode()
    except MemoryError:
        return REFUSED, json.dumps({"message": "the picture takes too much memory", "hint": "a smaller one"}).encode()
    frame = Frame(pixels, "upload", 0, began, (time.monotonic() - began) * 1e3)
    return ANSWER, json.dumps(as_json(classifier(frame), TOP_K)).encode()


def _limit_memory() -> None:
    """So much more than now, and no allocation succeeds: OpenCV and NumPy raise then, and the next picture is taken."""
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text().splitlines()
        used = next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmData:"))
        resource.setrlimit(resource.RLIMIT_DATA, (used + MOST_MEMORY, used + MOST_MEMORY))


def _open(settings: dict[str, Any]) -> Classifier:
    """The classifier, on the CPU: a Coral belongs to the camera."""
    from edge.choices import PixelRange
    from edge.inference.classifier import open_classifier
    from edge.inference.fallback import find_cpu_twin
    from edge.inference.interpreters import open_interpreter
    from edge.inference.model_file import read_labels, read_model
    from edge.spec import Framing

    trust = None
    if settings["trusted_keys"] is not None:
        from edge.inference.trusted_keys import TrustedKeys

        trust = TrustedKeys(Path(settings["trusted_keys"]), settings["trust_bundled"])
    model = compiled = read_model(settings["model"], trust)
    if model.compiled_for_edgetpu:
        cpu_model = settings["cpu_model"]
        model = find_cpu_twin(model, None if cpu_model is None else Path(cpu_model))
    if settings["sha256"] not in {model.sha256, compiled.sha256}:
        raise ValueError("the model file is another than the one that answers for the camera")
    labels = read_labels(Path(settings["labels"])) if settings["labels"] else ()
    return open_classifier(
        model,
        open_interpreter(model),
        labels,
        framing=None if settings["framing"] is None else Framing(settings["framing"]),
        pixels=None if settings["pixels"] is None else PixelRange(settings["pixels"]),
        views=settings["views"],
        min_score=settings["min_score"],
    )


def send(stream: BinaryIO, letter: bytes, content: bytes) -> None:
    """Send one message. Raises OSError."""
    stream.write(HEADER.pack(letter, len(content)) + content)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    """The next message; None at the end."""
    head = stream.read(HEADER.size)
    if len(head) < HEADER.size:
        return None
    letter, size = HEADER.unpack(head)
    content = stream.read(size)
    return None if len(content) < size else (letter, content)


if __name__ == "__main__":
    main()
