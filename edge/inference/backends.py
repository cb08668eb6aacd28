"""Which backend runs a model, and why not the others: Coral, LiteRT, tflite-runtime."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.choices import EDGETPU_LIBRARY, Backend
from edge.errors import BackendUnavailable, BadOption, Cause, ModelError
from edge.inference.interpreters import CPU_RUNTIMES, Interpreter, open_interpreter

if TYPE_CHECKING:
    from pathlib import Path

    from edge.inference.edgetpu import EdgeTpuInterpreter
    from edge.inference.fallback import OnChange
    from edge.inference.model_file import Model

ORDER = (Backend.CORAL, *CPU_RUNTIMES)
"""What `auto` walks."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a backend does not run the model."""

    backend: Backend
    cause: Cause
    text: str


@dataclass(frozen=True, slots=True)
class Opened:
    """An interpreter, the model in it (the CPU twin, where a compiled one cannot run), and why it is this backend."""

    model: Model
    interpreter: Interpreter
    backend: Backend
    reasons: tuple[Reason, ...]


def open_backend(
    model: Model,
    on_change: OnChange,
    backend: Backend = Backend.AUTO,
    *,
    threads: int = 1,
    delegate: str = EDGETPU_LIBRARY,
    cpu_model: Path | None = None,
    require_coral: bool = False,
) -> Opened:
    """Load a model into the backend asked for; `auto` takes the first of ORDER that works.

    `auto` with a model compiled for the Edge TPU goes on on the CPU, with `cpu_model` or the twin that is found, when
    the Coral does not work, which is a warning, or fails later, which `on_change` is told. A backend that is named, or
    a Coral that is required, is never replaced. Raises BackendUnavailable, BadOption, or a ModelError.
    """
    if require_coral and backend not in {Backend.AUTO, Backend.CORAL}:
        raise BadOption(f"--require-coral with --backend {backend}", "leave one of them out")
    if cpu_model is not None and (require_coral or backend is Backend.CORAL):
        raise BadOption("--cpu-model is for the CPU, which is not to be used", "leave --cpu-model out")
    if require_coral and not model.compiled_for_edgetpu:
        raise _not_compiled(model)
    if require_coral or backend is not Backend.AUTO:
        return _open_named(model, Backend.CORAL if require_coral else backend, threads, delegate, cpu_model)
    failed: dict[Backend, BackendUnavailable] = {}
    for candidate in ORDER:
        try:
            if candidate is Backend.CORAL:
                opened = _open_coral(model, delegate)
                return _with_fallback(opened, model, threads, cpu_model, on_change)
            running = _for_cpu(model, cpu_model)
            interpreter: Interpreter = open_interpreter(running, candidate, threads)
        except BackendUnavailable as error:
            failed[candidate] = error
            continue
        if running is not model:
            why = failed[Backend.CORAL].message
            warnings.warn(f"{why}: {running.path} runs on the CPU instead", stacklevel=2)
        return Opened(running, interpreter, candidate, _reasons(failed))
    raise _nothing_works(model, failed)


def _open_named(model: Model, backend: Backend, threads: int, delegate: str, cpu_model: Path | None) -> Opened:
    if backend is Backend.CORAL:
        opened = Opened(model, _on_edgetpu(model, delegate), backend, ())
        if not model.compiled_for_edgetpu:
            warnings.warn(f"{_not_compiled(model).message}: the CPU will do the work", stacklevel=3)
        return opened
    running = model if cpu_model is None else _for_cpu(model, cpu_model)
    return Opened(running, open_interpreter(running, backend, threads), backend, ())


def _open_coral(model: Model, delegate: str) -> Interpreter:
    """Only a compiled model gains by a Coral: for another `auto` does not even look for the library."""
    if not model.compiled_for_edgetpu:
        raise _not_compiled(model)
    return _on_edgetpu(model, delegate)


def _on_edgetpu(model: Model, library: str) -> Interpreter:
    """The Edge TPU library in the first runtime that is installed."""
    from edge.inference.edgetpu import EdgeTpuInterpreter  # processes and sockets, which no other start pays for

    missing: BackendUnavailable | None = None
    for runtime in CPU_RUNTIMES.values():
        try:
            return EdgeTpuInterpreter(model, runtime(), library)
        except BackendUnavailable as error:
            if error.cause is not Cause.NOT_INSTALLED:
                raise
            missing = missing or error
    assert missing is not None
    raise missing


def _for_cpu(model: Model, cpu_model: Path | None) -> Model:
    """The model itself, or what stands in for a compiled one. Raises BackendUnavailable or a ModelError."""
    if not model.compiled_for_edgetpu:
        return model
    from edge.inference.fallback import find_cpu_twin

    return find_cpu_twin(model, cpu_model)


def _with_fallback(
    coral: Interpreter, model: Model, threads: int, cpu_model: Path | None, on_change: OnChange
) -> Opened:
    """The Coral with its CPU twin at the ready, opened and compared now: at three at night it is too late.

    Without a twin the Coral alone, and the reason. Raises what is wrong with a twin that was named.
    """
    from edge.inference.fallback import FallbackInterpreter

    try:
        secondary = open_interpreter(_for_cpu(model, cpu_model), Backend.AUTO, threads)
        return Opened(model, FallbackInterpreter(coral, secondary, on_change), Backend.CORAL, ())
    except (BackendUnavailable, ModelError) as error:
        if cpu_model is not None:
            raise
        cause = error.cause if isinstance(error, BackendUnavailable) else Cause.MODEL_REFUSED
        return Opened(model, coral, Backend.CORAL, (Reason(Backend.LITERT, cause, error.message),))


def release(interpreter: Interpreter) -> None:
    """Give a Coral back, before another interpreter wants it. One on the CPU keeps nothing."""
    found = _edgetpu_of(interpreter)
    if found is not None:
        found.close()


def holds_coral(interpreter: Interpreter) -> bool:
    """Whether a Coral answers, which no other interpreter can open meanwhile."""
    return _edgetpu_of(interpreter) is not None


def _edgetpu_of(interpreter: Interpreter) -> EdgeTpuInterpreter | None:
    from edge.inference.edgetpu import EdgeTpuInterpreter
    from edge.inference.fallback import FallbackInterpreter

    if isinstance(interpreter, FallbackInterpreter):
        interpreter = interpreter.current
    return interpreter if isinstance(interpreter, EdgeTpuInterpreter) else None


def _not_compiled(model: Model) -> BackendUnavailable:
    return BackendUnavailable(
        f"{model.path} is not compiled for the Edge TPU", f"convert edgetpu {model.path}", Cause.NOT_COMPILED
    )


def _reasons(failed: dict[Backend, BackendUnavailable]) -> tuple[Reason, ...]:
    return tuple(Reason(backend, error.cause, error.message) for backend, error in failed.items())


def _nothing_works(model: Model, failed: dict[Backend, BackendUnavailable]) -> BackendUnavailable:
    """One error that tells every reason, each once."""
    telling = {backend: error for backend, error in failed.items() if error.cause is not Cause.NOT_COMPILED}
    first: dict[str, Backend] = {}
    for backend, error in telling.items():
        first.setdefault(error.message, backend)
    listed = "; ".join(f"{backend}: {text}" for text, backend in first.items())
    hints = dict.fromkeys(error.hint for error in telling.values())
    hint = "; or ".join(hints) if model.compiled_for_edgetpu else next(iter(hints))
    return BackendUnavailable(f"no runtime can load this model: {listed}", hint, next(iter(telling.values())).cause)
