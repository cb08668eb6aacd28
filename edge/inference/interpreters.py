"""TFLite runtimes behind one protocol: LiteRT and tflite-runtime, on the CPU."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from edge.choices import Backend
from edge.errors import BackendUnavailable, Cause, ModelUnsupported
from edge.inference.model_file import Model
from edge.inference.runtimes import Runtime, litert, tflite_runtime
from edge.spec import TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COMPILED_HINT = "give it the Coral that it is compiled for, or the .tflite that it was compiled from"

CPU_RUNTIMES: dict[Backend, Callable[[], Runtime]] = {
    Backend.LITERT: litert,
    Backend.TFLITE_RUNTIME: tflite_runtime,
}
"""What `auto` tries on the CPU, in this order."""


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

    def __init__(self, interpreter: Any, runtime: Runtime) -> None:
        self._runtime = runtime
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
        """Runtime and version."""
        return self._runtime.name

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


def open_interpreter(model: Model, backend: Backend = Backend.AUTO, threads: int = 1) -> TFLiteInterpreter:
    """Load a model into a runtime on the CPU; `auto` takes the first that works and reports every reason if none does.

    Raises BackendUnavailable, or ModelUnsupported where a working runtime refuses the model. With a Coral, and with
    models compiled for one: edge.inference.backends.
    """
    if backend in CPU_RUNTIMES:
        return _open(CPU_RUNTIMES[backend](), model, threads)
    reasons = []
    for candidate in CPU_RUNTIMES:
        try:
            return open_interpreter(model, candidate, threads)
        except BackendUnavailable as error:
            reasons.append(f"{candidate}: {error.message}")
    hint = _COMPILED_HINT if model.compiled_for_edgetpu else "pip install ai-edge-litert"
    raise BackendUnavailable("no runtime can load this model: " + "; ".join(reasons), hint)


def _open(runtime: Runtime, model: Model, threads: int) -> TFLiteInterpreter:
    if model.manifest is None and not model.compiled_for_edgetpu:
        from edge.inference.sandbox import try_unknown

        try_unknown(model, runtime)
    return TFLiteInterpreter(_load(runtime, model, threads), runtime)


def _load(runtime: Runtime, model: Model, threads: int) -> Any:
    with _captured_stderr() as captured:
        try:
            interpreter = runtime.interpreter_class(model_content=model.flatbuffer, num_threads=threads)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            if model.compiled_for_edgetpu:
                raise BackendUnavailable(
                    f"{model.path} is compiled for the Edge TPU, which {runtime.name} does not reach: {reason}",
                    _COMPILED_HINT,
                    Cause.COMPILED,
                ) from error
            raise ModelUnsupported(
                f"{runtime.name} cannot load {model.path}: {reason} {captured()}".rstrip(),
                "a newer runtime may: pip install --upgrade ai-edge-litert",
            ) from error
    return interpreter


def first_runtime() -> Runtime:
    """The first runtime for the CPU that is installed. Raises BackendUnavailable."""
    reasons = []
    for runtime in CPU_RUNTIMES.values():
        try:
            return runtime()
        except BackendUnavailable as error:
            reasons.append(error.message)
    raise BackendUnavailable(f"no runtime is installed: {'; '.join(reasons)}", "pip install ai-edge-litert")


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
