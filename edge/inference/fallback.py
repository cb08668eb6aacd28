"""What goes on where an Edge TPU fails: the CPU twin of a compiled model, and the interpreter that changes over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.errors import BackendUnavailable, Cause, ModelError, ModelUnsupported
from edge.inference.interpreters import Interpreter
from edge.inference.model_file import Model, bundled_models, read_model, sha256

if TYPE_CHECKING:
    from numpy.typing import NDArray

OnChange = Callable[[str, str, str], None]
"""Is told of a change of backends: the names of the one before and the one after, and the reason."""

_TWIN_HINT = "put the .tflite that it was compiled from beside it, or name it with --cpu-model"


class FallbackInterpreter:
    """An interpreter that may fail, and the one that takes over when it does, with the same batch, for good.

    Raises ModelUnsupported unless the two have the same tensors: what feeds them knows only one pair.
    """

    def __init__(self, primary: Interpreter, secondary: Interpreter, on_change: OnChange) -> None:
        for side, one, other in (
            ("input", primary.input, secondary.input),
            ("output", primary.output, secondary.output),
        ):
            if one != other:
                raise ModelUnsupported(f"the {side} of the CPU model is {other}, expected {one} as on the Edge TPU")
        self.input, self.output = primary.input, primary.output
        self.current = primary
        """The one that answers now."""
        self._secondary: Interpreter | None = secondary
        self.on_change = on_change
        """May be set anew: whoever is told of a run is there only after the model is open."""

    @property
    def name(self) -> str:
        """The name of the one that answers now."""
        return self.current.name

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Raw outputs of a batch of raw inputs, all of one interpreter."""
        try:
            return self.current.run(batch)
        except BackendUnavailable as error:
            if self._secondary is None:
                raise
            before, self.current, self._secondary = self.current.name, self._secondary, None
            self.on_change(before, self.current.name, error.message)
            return self.current.run(batch)


def find_cpu_twin(model: Model, named: Path | None = None) -> Model:
    """The model that a compiled one was compiled from: the file named, or one beside it or bundled.

    Where the manifest says which model that was, only that one will do, unless it is named. Raises BackendUnavailable
    where there is none; a ModelError of a named file passes.
    """
    if named is not None:
        return _check_fit(read_model(str(named), model.trust), model)
    reasons = []
    for path in _candidates(model):
        try:
            twin = _check_fit(read_model(str(path), model.trust), model)
        except ModelError as error:
            reasons.append(error.message)
            continue
        if _is_parent(twin, model):
            return twin
        reasons.append(f"{path} is not the model that it was compiled from")
    why = f" ({'; '.join(reasons)})" if reasons else ""
    raise BackendUnavailable(
        f"{model.path} is compiled for the Edge TPU, and its model for the CPU is not there{why}",
        _TWIN_HINT,
        Cause.COMPILED,
    )


def _candidates(model: Model) -> Iterator[Path]:
    """NAME.tflite for NAME_edgetpu.tflite, or for the name in the manifest; a bundled one only with a hash to it."""
    stem = model.path.stem.removesuffix("_edgetpu")
    beside = dict.fromkeys(model.path.with_name(f"{name}.tflite") for name in (stem, Path(model.name).name))
    yield from (path for path in beside if path != model.path and path.is_file())
    if _parent_hash(model) and stem in bundled_models():
        yield bundled_models()[stem]


def _check_fit(twin: Model, model: Model) -> Model:
    if twin.compiled_for_edgetpu:
        raise ModelUnsupported(f"{twin.path} is compiled for the Edge TPU, too", _TWIN_HINT)
    if model.labels and twin.labels and model.labels != twin.labels:
        raise ModelUnsupported(f"{twin.path} has other labels than {model.path}", _TWIN_HINT)
    if model.image and twin.image and (model.image, model.gives_logits) != (twin.image, twin.gives_logits):
        raise ModelUnsupported(f"{twin.path} wants other pixels or gives other scores than {model.path}", _TWIN_HINT)
    return twin


def _is_parent(twin: Model, model: Model) -> bool:
    expected = _parent_hash(model)
    return not expected or sha256(twin.flatbuffer) == expected


def _parent_hash(model: Model) -> str:
    """As `convert edgetpu` writes it; nothing where the manifest does not say."""
    of_edgetpu = (model.manifest or {}).get("edgetpu")
    return str(of_edgetpu.get("compiled_from_sha256", "")) if isinstance(of_edgetpu, dict) else ""
