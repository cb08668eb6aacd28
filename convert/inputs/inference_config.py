"""Rewrite a Keras model's configuration for inference: float32, any batch size, nothing that only training needs.

Works on what `model.get_config()` of Keras 3 and of tf_keras gives, nested models included. No Keras is needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

TRAINING_ONLY = frozenset(
    [
        "Dropout",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "SpatialDropout3D",
        "GaussianDropout",
        "GaussianNoise",
        "AlphaDropout",
        "RandomFlip",
        "RandomRotation",
        "RandomZoom",
        "RandomTranslation",
        "RandomContrast",
        "RandomBrightness",
        "RandomHeight",
        "RandomWidth",
        "RandomShear",
        "RandomPerspective",
        "RandomHue",
        "RandomSaturation",
        "RandomColorJitter",
        "RandomColorDegeneration",
        "RandomGrayscale",
        "RandomInvert",
        "RandomPosterization",
        "RandomSharpness",
        "RandomGaussianBlur",
        "RandomErasing",
        "RandomElasticTransform",
        "RandAugment",
        "AugMix",
        "MixUp",
        "CutMix",
    ]
)
"""Layers that give what they get outside of training. RandomCrop is none: it crops the middle then."""

_FLOATS = frozenset({"float16", "bfloat16", "float64", "half", "mixed_float16", "mixed_bfloat16"})
_POLICIES = frozenset({"Policy", "PolicyV1", "DTypePolicy", "FloatDTypePolicy", "DTypePolicyMap"})
_SHAPES = frozenset({"batch_shape", "batch_input_shape", "build_input_shape"})


class NoInferenceForm(ValueError):
    """A part of the network whose answers at inference cannot be told; the message names it."""


@dataclass(slots=True)
class Changes:
    """What was changed, for the report: type names, batch sizes, and layers that were switched on by the file."""

    types: set[str] = field(default_factory=set)
    batches: set[int] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)
    switched_off: list[str] = field(default_factory=list)
    stateful: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any((self.types, self.batches, self.left_out, self.switched_off, self.stateful))

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the report, none for layers that inference leaves out in any case."""
        notes = []
        if self.types:
            notes.append(f"computed in {', '.join(sorted(self.types))}: cast to float32, which is what is converted")
        if self.batches:
            sizes = ", ".join(map(str, sorted(self.batches)))
            notes.append(f"its batch size was fixed at {sizes}: rebuilt for one picture")
        if self.switched_off:
            notes.append(f"always as in training in the file, here as in inference: {', '.join(self.switched_off)}")
        if self.stateful:
            notes.append(f"no state is kept from picture to picture: {', '.join(self.stateful)}")
        return tuple(notes)


def for_inference(config: Any) -> tuple[Any, Changes]:
    """The rewritten configuration, and what was changed; the one given stays as it is.

    Raises NoInferenceForm.
    """
    changes = Changes()
    return _rewritten(config, changes), changes


def _rewritten(config: Any, changes: Changes) -> Any:
    if isinstance(config, list):
        return [_rewritten(item, changes) for item in config]
    if isinstance(config, tuple):
        return tuple(_rewritten(item, changes) for item in config)
    if not isinstance(config, dict):
        return config
    if _is_layer(config):
        config = _layer(config, changes)
    return {key: _entry(key, value, changes) for key, value in config.items()}


def _is_layer(config: dict[Any, Any]) -> bool:
    return isinstance(config.get("class_name"), str) and isinstance(config.get("config"), dict)


def _layer(layer: dict[str, Any], changes: Changes) -> dict[str, Any]:
    """A layer with training switched off in its calls, or a linear activation in its place."""
    kind, settings = layer["class_name"], layer["config"]
    name = str(settings.get("name") or layer.get("name") or kind)
    if kind.startswith("Quantized") and "mode" in settings:
        raise NoInferenceForm(f"its layers are quantised already, by Keras' own quantize(): {settings['mode']}")
    nodes = layer.get("inbound_nodes") or []
    if _is_switched_on(nodes):
        normalising = next(_normalising(layer), None)
        if normalising is not None:
            raise NoInferenceForm(
                f"{normalising} is called with training=True: its answers depend on the other pictures of the batch"
            )
        changes.switched_off.append(name)
    if kind in TRAINING_ONLY:
        changes.left_out.append(name)
        return {
            **{key: value for key, value in layer.items() if key not in {"build_config", "registered_name"}},
            "module": "keras.layers",
            "class_name": "Activation",
            "registered_name": None,
            "config": {"name": name, "activation": "linear"},
            "inbound_nodes": _without_training(nodes),
        }
    if kind == "Reshape" and _opens(settings.get("newshape")):
        # keras.ops.reshape with the batch written out, which came from x.shape[0].
        layer = {**layer, "config": {**settings, "newshape": _opened(settings["newshape"], nodes)}}
    if settings.get("stateful") is True:
        changes.stateful.append(name)
        layer = {**layer, "config": {**settings, "stateful": False}}
    return layer


def _entry(key: Any, value: Any, changes: Changes) -> Any:
    """One entry of a configuration, rewritten by its name."""
    match key:
        case "dtype":
            return _dtype(value, changes)
        case "inbound_nodes":
            return _rewritten(_untrained(value), changes)
        case "build_config":  # shapes with their batch, which calling the layer finds anew
            return {key: _shape(part, changes) for key, part in value.items()} if isinstance(value, dict) else value
        case _ if key in _SHAPES:
            return _shape(value, changes)
        case _:
            return _rewritten(value, changes)


def _dtype(value: Any, changes: Changes) -> Any:
    """`float32` for any other kind of floats; integers and strings as they are."""
    if isinstance(value, str):
        if value in _FLOATS:
            changes.types.add(value)
            return "float32"
        if "_from_" in value:
            raise NoInferenceForm(f"its layers are quantised already, by Keras' own quantize(): {value}")
        return value
    if not isinstance(value, dict):
        return value
    kind, settings = value.get("class_name"), value.get("config") or {}
    if kind not in _POLICIES:
        mode = settings.get("mode", kind)
        raise NoInferenceForm(f"its layers are quantised already, by Keras' own quantize(): {mode}")
    if kind == "DTypePolicyMap":
        parts = [settings.get("default_policy"), *(settings.get("policy_map") or {}).values()]
        for part in parts:
            _dtype(part, changes)
        return "float32"
    found = _dtype(settings.get("name"), changes)
    return value if found == settings.get("name") else {**value, "config": {**settings, "name": found}}


def _shape(value: Any, changes: Changes) -> Any:
    """A shape with its batch left open."""
    if isinstance(value, dict):
        return {key: _shape(part, changes) for key, part in value.items()}
    if not isinstance(value, list | tuple) or not value:
        return value
    if isinstance(value[0], list | tuple):
        return [_shape(part, changes) for part in value]
    if isinstance(value[0], int):
        changes.batches.add(value[0])
        return type(value)((None, *value[1:]))
    return value


def _opens(shape: Any) -> bool:
    return isinstance(shape, list | tuple) and bool(shape) and isinstance(shape[0], int) and shape[0] > 0


def _opened(shape: list[int] | tuple[int, ...], nodes: Any) -> tuple[int, ...]:
    """A new shape for any batch: its first size left open, one left open before worked out from the call's input."""
    given = nodes[0]["args"][0]["config"]["shape"]
    if shape[0] != given[0] or None in given:
        return tuple(shape)
    rest = [size for size in shape[1:] if size != -1]
    inferred = math.prod(given[1:]) // max(1, math.prod(rest))
    return (-1, *(inferred if size == -1 else size for size in shape[1:]))


def _is_switched_on(nodes: Any) -> bool:
    """Whether a call says `training=True`, whatever the model is called with."""
    if isinstance(nodes, dict):
        return nodes.get("training") is True or any(_is_switched_on(value) for value in nodes.values())
    return isinstance(nodes, list | tuple) and any(_is_switched_on(item) for item in nodes)


def _untrained(nodes: Any) -> Any:
    """Calls with `training=False` where they said True."""
    if isinstance(nodes, dict):
        return {key: False if (key, value) == ("training", True) else _untrained(value) for key, value in nodes.items()}
    if isinstance(nodes, list | tuple):
        return type(nodes)(_untrained(item) for item in nodes)
    return nodes


def _without_training(nodes: Any) -> Any:
    """Calls of a layer that does not know the word."""
    if isinstance(nodes, dict):
        return {key: _without_training(value) for key, value in nodes.items() if key != "training"}
    if isinstance(nodes, list | tuple):
        return type(nodes)(_without_training(item) for item in nodes)
    return nodes


def _normalising(config: Any) -> Iterator[str]:
    """Names of layers that use the statistics of the batch while they train."""
    if isinstance(config, dict):
        if config.get("class_name") in {"BatchNormalization", "SyncBatchNormalization"}:
            yield str((config.get("config") or {}).get("name", config["class_name"]))
        config = list(config.values())
    if isinstance(config, list | tuple):
        for item in config:
            yield from _normalising(item)


def is_plain(config: dict[str, Any]) -> bool:
    """Whether a model takes a tensor and gives a tensor, in no container: ["name", 0, 0] for its ends."""
    layers = config.get("layers") or []
    if "output_layers" in config:
        ends = [config.get("input_layers"), config["output_layers"]]
        return all(isinstance(end, list | tuple) and bool(end) and isinstance(end[0], str) for end in ends)
    parts = [part["config"] for part in layers if isinstance(part, dict) and isinstance(part.get("config"), dict)]
    return all(is_plain(part) for part in parts if "layers" in part)
