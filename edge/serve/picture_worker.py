"""Classifies pictures that are sent, in a process of its own with its own interpreter: the camera is not delayed.

The process starts with the first picture, and ends when none has come for a while.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge.choices import PixelRange
from edge.serve import picture_child
from edge.serve.web.problem import Problem
from edge.spec import Framing

MOST_BYTES = 16 << 20
MOST_PIXELS = 30_000_000
"""Of an uploaded picture: telephones take 12 to 24 million in JPEG. More needs memory that a Pi has not."""

AT_ONCE = 2
"""Pictures that come or wait at the same time, each with its bytes in memory."""

SLOWEST_S = 30.0
"""A picture that takes longer ends the process."""

START_S = 60.0
IDLE_S = 60.0


@dataclass(frozen=True, slots=True)
class WorkerModel:
    """The model of the worker, as options have it; `sha256` is of the one that answers for the camera."""

    model: str
    sha256: str
    labels: str | None
    framing: Framing | None
    pixels: PixelRange | None
    cpu_model: str | None
    views: int
    min_score: float | None
    trusted_keys: str | None = None
    trust_bundled: bool = False


class PictureWorker:
    """`classify` is for the server's loop; the process is talked to in a thread. `model` says which one answers."""

    def __init__(self, model: Callable[[], WorkerModel]) -> None:
        self._model = model
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="uploads")
        self._in_hand = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._running: WorkerModel | None = None
        self._used_s = 0.0
        self._closed = False

    async def classify(self, read: Callable[[], Awaitable[bytes]]) -> dict[str, Any]:
        """The prediction, as JSON, of the picture that `read` gives. Raises Problem."""
        if self._in_hand >= AT_ONCE:
            raise Problem("too-many", "other pictures are being classified", headers={"retry-after": "2"})
        self._in_hand += 1
        try:
            content = await read()
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._classify, content)
        finally:
            self._in_hand -= 1
            self._used_s = time.monotonic()
            asyncio.get_running_loop().call_later(IDLE_S + 1, self._end_if_idle)

    def close(self) -> None:
        """End the process, and whatever it does."""
        self._closed = True
        self._kill()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _end_if_idle(self) -> None:
        if not self._in_hand and time.monotonic() - self._used_s > IDLE_S:
            self._kill()

    def _classify(self, content: bytes) -> dict[str, Any]:
        wanted = self._model()
        reply = None
        if self._process is not None and self._process.poll() is None and self._running == wanted:
            reply = self._ask(content, SLOWEST_S)
        if reply is None:  # something else may have ended the process: this picture is given another
            self._start(wanted)
            reply = self._ask(content, SLOWEST_S)
        if reply is None:
            raise Problem("unusable", "the picture crashed its decoder, or took too long", "another picture")
        letter, text = reply
        said: dict[str, Any] = json.loads(text)
        if letter != picture_child.ANSWER:
            raise Problem("unusable", said["message"], said["hint"])
        return said

    def _start(self, model: WorkerModel) -> None:
        self._kill()
        if self._closed:
            raise Problem("not-ready", "the server ends")
        path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
        environment = os.environ | {
            "OPENCV_IO_MAX_IMAGE_PIXELS": str(MOST_PIXELS),
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONPATH": path,
        }
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and program, no shell
            [sys.executable, "-P", "-m", "edge.serve.picture_child", json.dumps(asdict(model))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        self._running = model
        reply = self._ask(None, START_S)
        if reply is None:
            raise Problem("conflict", "the model does not open for pictures that are sent")
        letter, text = reply
        if letter != picture_child.READY:
            self._kill()
            said = json.loads(text)
            raise Problem("conflict", said["message"], said["hint"])

    def _ask(self, content: bytes | None, within_s: float) -> tuple[bytes, bytes] | None:
        """Send a picture, if there is one, and wait for the reply; None where the process ends instead."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        limit = threading.Timer(within_s, process.kill)
        limit.start()
        try:
            if content is not None:
                picture_child.send(process.stdin, b"P", content)  # type: ignore[arg-type]
            reply = picture_child.receive(process.stdout)  # type: ignore[arg-type]
        except OSError:
            reply = None
        finally:
            limit.cancel()
        if reply is None:
            self._kill()
        return reply

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    """What was not sent is not wanted."""
