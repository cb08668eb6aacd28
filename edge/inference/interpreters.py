"""TFLite runtimes behind one protocol: LiteRT, tflite-runtime, and either with an Edge TPU delegate."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from edge.choices import EDGETPU_LIBRARY, Backend
from edge.errors import BackendUnavailable, ModelUnsupported
from edge.inference.model_file import Model
from edge.inference.runtimes import Runtime, litert, tflite_runtime
from edge.spec import TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

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

    def __init__(self, interpreter: Any, runtime: Runtime, extra: str = "") -> None:
        self._runtime = runtime
        self._extra = extra
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

    @property
    def name(self) -> str:
        """Runtime, version and delegate."""
        return f"{self._runtime.name}{self._extra}"

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
        Backend.LITERT: lambda: _open(litert(), model, threads),
        Backend.TFLITE_RUNTIME: lambda: _open(tflite_runtime(), model, threads),
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


def _open(runtime: Runtime, model: Model, threads: int) -> TFLiteInterpreter:
    if model.manifest is None and not model.compiled_for_edgetpu:
        from edge.inference.sandbox import try_unknown

        try_unknown(model, runtime)
    return TFLiteInterpreter(_load(runtime, model, {"num_threads": threads}), runtime)


def _open_coral(model: Model, library: str) -> TFLiteInterpreter:
    """The first runtime that is installed, with the Edge TPU delegate."""
    from edge.inference.delegates import load_checked

    try:
        runtime = litert()
    except BackendUnavailable:
        runtime = tflite_runtime()
    delegate = load_checked(library, runtime.load_delegate, _EDGETPU_HINT)
    if not model.compiled_for_edgetpu:
        warnings.warn(f"{model.path} is not compiled for the Edge TPU: the CPU will do the work", stacklevel=2)
    return TFLiteInterpreter(_load(runtime, model, {"experimental_delegates": [delegate]}), runtime, f" + {library}")


def _load(runtime: Runtime, model: Model, options: dict[str, Any]) -> Any:
    with _captured_stderr() as captured:
        try:
            interpreter = runtime.interpreter_class(model_content=model.flatbuffer, **options)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            if model.compiled_for_edgetpu:
                raise BackendUnavailable(
                    f"{model.path} is compiled for the Edge TPU, which {runtime.name} does not reach: {reason}",
                    _EDGETPU_HINT,
                ) from error
            raise ModelUnsupported(
                f"{runtime.name} cannot load {model.path}: {reason} {captured()}".rstrip(),
                "a newer runtime may: pip install --upgrade ai-edge-litert",
            ) from error
    return interpreter


@contextmanager
def _captured_stderr() -> Iterator[Callable[[], str]]:
    """Keep the runtimes' chatter (written by C++ to file descriptor 2) off the screen; gives what was said."""
    sys.stderr.flush()
    said, kept = os.memfd_create("stderr"), os.dup(2)
    os.dup2(said, 2)
    try:
        yield lambda: " ".join(os.pread(said, 1 << 16, 0).decode("utf-8", "replace").split())
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(said)


def _tensor_spec(details: dict[str, Any]) -> TensorSpec:
    scale, zero_point = details["quantization"]
    shape = tuple(int(size) for size in details["shape"])
    return TensorSpec(shape, np.dtype(details["dtype"]), float(scale), int(zero_point))
