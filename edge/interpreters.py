"""TFLite runtimes behind one protocol: LiteRT, tflite-runtime, and either with an Edge TPU delegate."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.choices import EDGETPU_LIBRARY, Backend
from edge.errors import BackendUnavailable, ModelUnsupported
from edge.model_file import Model
from edge.spec import TensorSpec

_EDGETPU_HINT = (
    "plug the Coral in and install libedgetpu (github.com/feranick/libedgetpu has builds for today's runtimes), "
    "or use --backend litert"
)


class Interpreter(Protocol):
    """A loaded model. `run` maps (N, *input.shape[1:]) to (N, *output.shape[1:]), both in the tensors' dtypes."""

    @property
    def name(self) -> str:
        """Runtime and version, for people."""
        ...

    @property
    def input(self) -> TensorSpec:
        """The model's only input."""
        ...

    @property
    def output(self) -> TensorSpec:
        """The model's only output."""
        ...

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Raw outputs of a batch of raw inputs."""
        ...


class TFLiteInterpreter:
    """A model in LiteRT or tflite-runtime, whose Interpreter classes have the same face."""

    def __init__(self, name: str, interpreter: Any) -> None:
        self.name = name
        self._interpreter = interpreter
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelUnsupported(
                f"expected one input and one output, got {len(inputs)} and {len(outputs)}",
                "fmnist-edge runs image classifiers; detectors and multi-head models have more outputs",
            )
        self._input_index, self._output_index = inputs[0]["index"], outputs[0]["index"]
        self.input, self.output = _tensor_spec(inputs[0]), _tensor_spec(outputs[0])
        if self.input.shape[0] != 1:
            raise ModelUnsupported(f"expected batch size 1, got an input of shape {self.input.shape}")

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Raw outputs of a batch of raw inputs, one at a time: the batch size of the file is pinned to one."""
        expected = self.input.shape[1:]
        if batch.shape[1:] != expected or batch.dtype != self.input.dtype:
            raise ValueError(f"expected {self.input.dtype} (N, {expected}), got {batch.dtype} {batch.shape}")
        outputs = np.empty((len(batch), *self.output.shape[1:]), self.output.dtype)
        for number in range(len(batch)):
            self._interpreter.set_tensor(self._input_index, batch[number : number + 1])
            self._interpreter.invoke()
            outputs[number] = self._interpreter.get_tensor(self._output_index)[0]
        return outputs


def open_interpreter(
    model: Model, backend: Backend = Backend.AUTO, threads: int = 1, delegate: str = EDGETPU_LIBRARY
) -> TFLiteInterpreter:
    """Load a model into the chosen runtime; `auto` walks a table and reports every reason if all fail.

    Raises BackendUnavailable, or ModelUnsupported where a working runtime refuses the model.
    """
    openers: dict[Backend, Callable[[], TFLiteInterpreter]] = {
        Backend.CORAL: lambda: _open_coral(model, delegate),
        Backend.LITERT: lambda: _open(litert, model, threads),
        Backend.TFLITE_RUNTIME: lambda: _open(tflite_runtime, model, threads),
    }
    if backend is not Backend.AUTO:
        return openers[backend]()
    # Only a compiled model gains by a Coral, and only a Coral can run it.
    order = [Backend.CORAL] if model.compiled_for_edgetpu else [Backend.LITERT, Backend.TFLITE_RUNTIME]
    reasons = []
    for candidate in order:
        try:
            return openers[candidate]()
        except BackendUnavailable as error:
            reasons.append(f"{candidate}: {error.message}")
    hint = _EDGETPU_HINT if model.compiled_for_edgetpu else "pip install ai-edge-litert"
    raise BackendUnavailable("no runtime can load this model: " + "; ".join(reasons), hint)


def litert() -> tuple[str, Any, Any]:
    """Name and version, Interpreter class and load_delegate of LiteRT. Raises BackendUnavailable."""
    try:
        from ai_edge_litert import interpreter
    except ImportError as error:
        raise BackendUnavailable(f"LiteRT does not import: {error}", "pip install ai-edge-litert") from error
    return f"litert {_version('ai-edge-litert')}", interpreter.Interpreter, interpreter.load_delegate


def tflite_runtime() -> tuple[str, Any, Any]:
    """Name and version, Interpreter class and load_delegate of tflite-runtime. Raises BackendUnavailable."""
    hint = "pip install 'fmnist-edge[tflite-runtime]' (Python 3.11, numpy below 2)"
    if int(np.__version__.split(".")[0]) >= 2:
        # Its extension is built against numpy 1 and aborts deep inside the import otherwise.
        raise BackendUnavailable(f"tflite-runtime needs numpy below 2, here is {np.__version__}", hint)
    try:
        from tflite_runtime import interpreter
    except ImportError as error:
        raise BackendUnavailable(f"tflite-runtime does not import: {error}", hint) from error
    return f"tflite-runtime {_version('tflite-runtime')}", interpreter.Interpreter, interpreter.load_delegate


Runtime = Callable[[], tuple[str, Any, Any]]


def _open(runtime: Runtime, model: Model, threads: int) -> TFLiteInterpreter:
    name, interpreter_class, _ = runtime()
    return _load(name, interpreter_class, model, {"num_threads": threads})


def _open_coral(model: Model, library: str) -> TFLiteInterpreter:
    """The first runtime that is installed, with the Edge TPU delegate."""
    from edge.delegates import load_checked

    try:
        name, interpreter_class, load_delegate = litert()
    except BackendUnavailable:
        name, interpreter_class, load_delegate = tflite_runtime()
    delegate = load_checked(library, load_delegate, _EDGETPU_HINT)
    return _load(f"{name} + {library}", interpreter_class, model, {"experimental_delegates": [delegate]})


def _load(name: str, interpreter_class: Any, model: Model, options: dict[str, Any]) -> TFLiteInterpreter:
    with _captured_stderr() as captured:
        try:
            interpreter = interpreter_class(model_content=model.flatbuffer, **options)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            if model.compiled_for_edgetpu:
                raise BackendUnavailable(
                    f"{model.path} is compiled for the Edge TPU, which {name} does not reach: {reason}",
                    _EDGETPU_HINT,
                ) from error
            raise ModelUnsupported(
                f"{name} cannot load {model.path}: {reason} {captured()}".rstrip(),
                "a newer runtime may: pip install --upgrade ai-edge-litert",
            ) from error
    return TFLiteInterpreter(name, interpreter)


@contextmanager
def _captured_stderr() -> Iterator[Callable[[], str]]:
    """Keep the runtimes' chatter (written by C++ to file descriptor 2) off the screen; gives what was said."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as said:
        kept = os.dup(2)
        os.dup2(said.fileno(), 2)

        def text() -> str:
            said.seek(0)
            return " ".join(said.read().decode("utf-8", "replace").split())

        try:
            yield text
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _tensor_spec(details: dict[str, Any]) -> TensorSpec:
    scale, zero_point = details["quantization"]
    shape = tuple(int(size) for size in details["shape"])
    return TensorSpec(shape, np.dtype(details["dtype"]), float(scale), int(zero_point))


def _version(distribution: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "of unknown version"
