"""What a Keras file's configuration names: layers that bring code, that need code, or that call TensorFlow by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.errors import KerasModelUnreadable

_LAMBDAS = frozenset({"Lambda", "__lambda__"})
_CALLS = frozenset({"TFOpLambda", "SlicingOpLambda"})
_UNCHECKED_CALLS = frozenset({"ClassMethod", "InstanceMethod", "InstanceProperty", "TensorFlowOpLayer"})
_PURE_MODULES = frozenset({"__operators__", "image", "linalg", "math", "nn"})
_PURE = frozenset(
    [
        "broadcast_to",
        "cast",
        "clip_by_value",
        "concat",
        "convert_to_tensor",
        "einsum",
        "expand_dims",
        "gather",
        "identity",
        "ones_like",
        "pad",
        "repeat",
        "reshape",
        "reverse",
        "shape",
        "slice",
        "split",
        "squeeze",
        "stack",
        "stop_gradient",
        "strided_slice",
        "tile",
        "transpose",
        "unstack",
        "where",
        "zeros_like",
    ]
)
"""TensorFlow's functions that only compute. Others delete files, and a Keras 2 file calls any of them by its name."""


def check_classes(config: Any, path: Path) -> None:
    """Refuse a network with classes that bring code, that need code that is not there, or that may call anything.

    Raises KerasModelUnreadable.
    """
    for layer in _named(config):
        name = layer["class_name"]
        if name in _LAMBDAS:
            raise KerasModelUnreadable(
                f"{path} has a {name} layer, whose Python code would run on loading",
                "build the model without it: a Rescaling, Reshape or other Keras layer can do most of what it does",
            )
        if _is_foreign(layer):
            raise KerasModelUnreadable(
                f"{path} uses the custom class {name}, whose code is not in the file",
                "build the model from Keras' own layers only",
            )
        called = _unsafe_call(layer)
        if called is not None:
            raise KerasModelUnreadable(
                f"{path} calls TensorFlow's {called}, which may do more than compute",
                "build the model from Keras' own layers only",
            )


def _named(config: Any) -> Iterator[dict[str, Any]]:
    """What a config names by its class, in the order of the file.

    Only to say which layer it is: what keeps code from running is Keras' safe mode.
    """
    if isinstance(config, dict):
        if isinstance(config.get("class_name"), str):
            yield config
        # A custom loss or metric is not needed to run the model, and is not loaded.
        config = [value for key, value in config.items() if key != "compile_config"]
    if isinstance(config, list):
        for item in config:
            yield from _named(item)


def _is_foreign(layer: dict[str, Any]) -> bool:
    """Whether a class or function is not Keras' own.

    Keras writes its own as module "keras.layers" and custom ones as null or their author's module. A dot in a name
    leads from a module of Keras into one that it imports, which may be Python's own.
    """
    names = [part for part in (layer["class_name"], layer.get("config")) if isinstance(part, str)]
    package = str(layer["module"]).split(".")[0] if "module" in layer else "keras"
    return package not in {"keras", "tf_keras", "builtins"} or any("." in name for name in names)


def _unsafe_call(layer: dict[str, Any]) -> str | None:
    """The function of TensorFlow that a layer calls by its name, unless it is known to do nothing but compute."""
    kind = layer["class_name"]
    if kind in _UNCHECKED_CALLS:
        return str(kind)
    if kind not in _CALLS:
        return None
    settings = layer.get("config")
    function = settings.get("function") if isinstance(settings, dict) else None
    if not isinstance(function, str):
        return str(kind)
    module, _, rest = function.removeprefix("compat.v1.").partition(".")
    return None if (module in _PURE_MODULES if rest else module in _PURE) else function
