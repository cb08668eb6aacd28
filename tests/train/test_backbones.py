"""Backbones: each gets its pixels as keras.applications would prepare them, and says what int8 makes of it."""

import numpy as np
import pytest

pytest.importorskip("keras")

from edge.errors import BadOption
from train import backbones
from train.backbones import BACKBONES, Pixels
from train.quiet import load_keras

load_keras()

import keras  # noqa: E402 - quietly loaded above


def prepared(wanted, pixels):
    """What a backbone gets to see of uint8 (N, H, W, 3)."""
    inputs = keras.layers.Input(pixels.shape[1:])
    model = keras.Model(inputs, backbones.pixels_as_wanted(inputs, wanted))
    return np.asarray(model.predict_on_batch(pixels))


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("module", "wanted"),
    [
        ("mobilenet", Pixels.SIGNED),
        ("mobilenet_v2", Pixels.SIGNED),
        ("mobilenet_v3", Pixels.BYTES),
        ("resnet50", Pixels.CAFFE),
        ("resnet_v2", Pixels.SIGNED),
        ("densenet", Pixels.TORCH),
        ("xception", Pixels.SIGNED),
        ("inception_v3", Pixels.SIGNED),
        ("efficientnet_v2", Pixels.BYTES),
        ("convnext", Pixels.BYTES),
    ],
)
def test_pixels_are_prepared_as_keras_does(module, wanted, pixels):
    expected = getattr(keras.applications, module).preprocess_input(pixels.astype(np.float32))
    np.testing.assert_allclose(prepared(wanted, pixels), np.asarray(expected), rtol=1e-5, atol=2e-4)
    described = {one.pixels for one in BACKBONES.values() if one.constructor.casefold() == module.replace("_", "")}
    assert described <= {wanted}


def test_efficientnet_sees_mean_and_deviation_as_with_fetched_weights(pixels):
    """Its weights' Normalization takes the mean out and divides by the deviation's root; Keras' own build mends it."""
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    seen = (prepared(Pixels.EFFICIENTNET, pixels) / 255 - mean) / np.sqrt(deviation)
    np.testing.assert_allclose(seen, (pixels / 255 - mean) / deviation, rtol=1e-4, atol=1e-5)


def test_what_does_not_exist_or_fit_is_refused():
    with pytest.raises(BadOption, match="no --backbone mobilenet_v9") as caught:
        backbones.find_backbone("mobilenet_v9")
    assert "mobilenet_v2" in caught.value.hint
    with pytest.raises(BadOption, match="xception does not take pictures of 64x64"):
        backbones.check_size("xception", 64, 64)
    with pytest.raises(BadOption, match="513"):
        backbones.check_size("resnet50", 224, 513)
    backbones.check_size("resnet50", 32, 512)


def test_most_backbones_do_well_in_int8_and_come_first():
    doubts = [bool(backbone.doubt) for backbone in BACKBONES.values()]
    assert doubts == sorted(doubts)
    assert {"resnet50", "mobilenet", "mobilenet_v2", "small_cnn"} <= {n for n, b in BACKBONES.items() if not b.doubt}
    assert {"efficientnet_b0", "efficientnet_v2_b0", "mobilenet_v3_small", "convnext_tiny"} <= {
        n for n, b in BACKBONES.items() if b.doubt
    }


def test_small_cnn_sees_any_size():
    network = backbones.build_backbone("small_cnn", 40, 64)
    assert network.input_shape == (None, 40, 64, 3)
    assert network.output_shape == (None, 2, 2, 256)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_is_built_at_its_smallest_size(name):
    least = BACKBONES[name].smallest
    network = backbones.build_backbone(name, least, least)
    assert network.name == name
    assert network.input_shape == (None, least, least, 3)
    assert len(network.output_shape) == 4
    assert network.count_params() > 300_000
