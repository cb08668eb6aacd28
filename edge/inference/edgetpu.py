"""A model on an Edge TPU. The library runs in a child process, which may crash, hang or lose its device.

Google's own libedgetpu crashes with runtimes from 2.12 on (google-coral/edgetpu #812), and every libedgetpu aborts its
process when the Coral is unplugged during a transfer (blakeblackshear/frigate #5559). No thread survives that.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Callable
from statistics import median
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from edge.errors import BackendUnavailable, Cause, ModelUnsupported
from edge.inference import edgetpu_child
from edge.inference.edgetpu_devices import EdgeTpu, find_edgetpus
from edge.spec import TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.inference.model_file import Model
    from edge.inference.runtimes import Runtime

HINT = "plug the Coral in and install libedgetpu (github.com/feranick/libedgetpu has builds for today's runtimes)"
_LOST_HINT = (
    "plug the Coral in again and start again; without --backend coral and --require-coral, the .tflite that the "
    "model was compiled from goes on on the CPU, if it lies beside it"
)

LOADING_S = 30.0
"""A Coral takes about 3 s on a Pi 4 to load its firmware (google-coral/edgetpu #522)."""

_PATIENCE = 4
"""A wait is so many waits: a process that was stopped (Ctrl-Z) wakes up with one of them over, and waits on."""

_LEAVING_S = 2.0


class CallLimit:
    """How long a call may take: so many times the median of the first calls, but never less than a floor."""

    FIRST_S = 10.0
    FLOOR_S = 2.0
    """A busy Pi may make any call wait for a second."""
    FACTOR = 20.0
    LEARNT_FROM = 3

    def __init__(self) -> None:
        self._times_s: list[float] = []
        self.seconds = self.FIRST_S

    def learn(self, took_s: float) -> None:
        """Take note of a call that was answered."""
        if len(self._times_s) == self.LEARNT_FROM:
            return
        self._times_s.append(took_s)
        if len(self._times_s) == self.LEARNT_FROM:
            self.seconds = max(self.FLOOR_S, self.FACTOR * median(self._times_s))


class EdgeTpuInterpreter:
    """A model on an Edge TPU, as edge.inference.interpreters.Interpreter has it.

    `run` raises BackendUnavailable when the library fails, crashes, or takes much longer than it did at first.
    """

    def __init__(self, model: Model, runtime: Runtime, library: str) -> None:
        self._runtime, self._library = runtime, library
        self._limit = CallLimit()
        self._child = _Child(runtime.interpreter_class.__module__, library)
        letter, content = self._child.ask(model.flatbuffer, LOADING_S)
        if letter == edgetpu_child.NO_LIBRARY:
            self._child.end()
            raise explain(library, content.decode("utf-8", "replace"), find_edgetpus())
        if letter != edgetpu_child.TENSORS:
            self._child.end()
            reason = " ".join(content.decode("utf-8", "replace").split())
            raise BackendUnavailable(f"{library} does not run {model.path}: {reason}", HINT, Cause.MODEL_REFUSED)
        inputs, outputs = json.loads(content)
        if len(inputs) != 1 or len(outputs) != 1 or inputs[0]["shape"][0] != 1:
            raise ModelUnsupported(
                f"expected one input of batch size 1 and one output, {model.path} has {len(inputs)} and {len(outputs)}"
            )
        self.input, self.output = _tensor_spec(inputs[0]), _tensor_spec(outputs[0])
        self._child.hint = _LOST_HINT

    def close(self) -> None:
        """Release the Edge TPU; it is released with the object, too."""
        self._child.end()

    @property
    def name(self) -> str:
        """Runtime, version and library."""
        return f"{self._runtime.name} + {self._library}"

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Raw outputs of a batch of raw inputs, one at a time: the batch size of the file is pinned to one."""
        expected = self.input.shape[1:]
        if batch.shape[1:] != expected or batch.dtype != self.input.dtype:
            raise ValueError(f"expected {self.input.dtype} (N, {expected}), got {batch.dtype} {batch.shape}")
        outputs = np.empty((len(batch), *self.output.shape[1:]), self.output.dtype)
        for number, picture in enumerate(batch):
            began = monotonic()
            letter, content = self._child.ask(picture.tobytes(), self._limit.seconds)
            if letter != edgetpu_child.DATA:
                self._child.end()
                reason = " ".join(content.decode("utf-8", "replace").split())
                raise BackendUnavailable(f"{self._library} failed: {reason}", _LOST_HINT, Cause.DEVICE)
            self._limit.learn(monotonic() - began)
            outputs[number] = np.frombuffer(content, self.output.dtype).reshape(self.output.shape[1:])
        return outputs


def explain(library: str, said: str, devices: list[EdgeTpu]) -> BackendUnavailable:
    """Why a library did not load: an error with its cause. libedgetpu itself often gives no reason at all."""
    said = " ".join(said.split()).removeprefix(f"Failed to load delegate from {library}").strip()
    if said.startswith(f"{library}: cannot open shared object file"):
        missing = f"{library}: no such file" if "/" in library else f"{library} is not installed"
        return BackendUnavailable(missing, HINT, Cause.LIBRARY_MISSING)
    words = f"{library} does not load: {said or 'it gives no reason'}"
    if not devices:
        return BackendUnavailable(f"{words}; no Edge TPU is on USB or PCIe", HINT, Cause.NO_DEVICE)
    closed = [device for device in devices if not device.allowed]
    if closed:
        hint = "sudo usermod -aG plugdev $USER, then log in again; the udev rules come with libedgetpu"
        return BackendUnavailable(f"{words}; this user may not open {closed[0].node}", hint, Cause.PERMISSION)
    hint = "unplug the Coral and plug it in again, into a USB 3 port; does another process use it?"
    return BackendUnavailable(f"{words}; the Edge TPU at {devices[0].node} did not start", hint, Cause.DEVICE)


class _Child:
    """The process and the socket to it. It ends when this object does, and releases its device first."""

    def __init__(self, module: str, library: str) -> None:
        self.hint = HINT
        self._library = library
        self._channel, theirs = socket.socketpair()
        self._log = os.memfd_create("stderr")
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and program, no shell
                [sys.executable, "-P", edgetpu_child.__file__, str(theirs.fileno()), module, library],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # a library that prints does not print among the predictions
                stderr=self._log,
                pass_fds=(theirs.fileno(),),
            )
        self.end = weakref.finalize(self, _end, self._process, self._channel, self._log)

    def ask(self, content: bytes, limit_s: float) -> tuple[bytes, bytes]:
        """Send a message; the letter and the content of the answer. Raises BackendUnavailable."""
        if not self.end.alive:
            raise BackendUnavailable(f"{self._library} has failed before", self.hint, Cause.DEVICE)
        self._channel.settimeout(limit_s / _PATIENCE)
        try:
            rest = memoryview(edgetpu_child.HEADER.pack(edgetpu_child.DATA, len(content)) + content)
            while rest:
                rest = rest[self._patiently(self._channel.send, rest) :]
            letter, size = edgetpu_child.HEADER.unpack(self._exactly(edgetpu_child.HEADER.size))
            return letter, self._exactly(size)
        except TimeoutError as error:
            self._kill()
            raise BackendUnavailable(
                f"{self._library} hangs: no answer within {limit_s:.1f} s", self.hint, Cause.HANG
            ) from error
        except ConnectionError:
            self._say_how_it_ended()
        except BaseException:  # Ctrl-C during a call, which may be one that hangs
            self._kill(0.5)
            raise

    @staticmethod
    def _patiently(call: Callable[[Any], Any], argument: object) -> Any:
        for _ in range(_PATIENCE - 1):
            with contextlib.suppress(TimeoutError):
                return call(argument)
        return call(argument)

    def _exactly(self, size: int) -> bytes:
        content = bytearray()
        while len(content) < size:
            piece = self._patiently(self._channel.recv, size - len(content))
            if not piece:
                raise ConnectionError
            content += piece
        return bytes(content)

    def _say_how_it_ended(self) -> NoReturn:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LEAVING_S)
        code = self._process.returncode
        lines = os.pread(self._log, 1 << 16, 0).decode("utf-8", "replace").strip().splitlines()
        self.end()
        how = f"crash ({signal.Signals(-code).name})" if code is not None and code < 0 else f"it left with {code}"
        said = f": {lines[-1]}" if lines else ""
        raise BackendUnavailable(f"{self._library} ended its process: {how}{said}", self.hint, Cause.CRASH) from None

    def _kill(self, grace_s: float = 0.0) -> None:
        self._channel.close()
        if grace_s:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_s)
        self._process.kill()
        self.end()


def _end(process: subprocess.Popen[bytes], channel: socket.socket, log: int) -> None:
    """Close the socket, which ends the process; it must have released its device when the next command wants it."""
    channel.close()
    try:
        process.wait(_LEAVING_S)
    except subprocess.TimeoutExpired:
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LEAVING_S)  # no longer: it may sit in a driver, where no signal reaches it
    os.close(log)


def _tensor_spec(facts: dict[str, Any]) -> TensorSpec:
    return TensorSpec(tuple(facts["shape"]), np.dtype(facts["dtype"]), facts["scale"], facts["zero_point"])
