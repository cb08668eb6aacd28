"""Write a Keras model as the SavedModel that is converted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from convert.converter_log import note_layers
from convert.inputs.source import INPUT_NAME, Export
from convert.inputs.unrolling import unrolled


def _kinds(model: Any) -> list[str]:
    """The classes of all layers, those inside others too, in their order."""
    kinds = [type(layer).__name__ for layer in model._flatten_layers(include_self=False)]
    return [kind for kind in kinds if kind != "InputLayer"]


def exporter(model: Any) -> Export:
    """A function that writes a SavedModel whose only signature takes exactly one picture.

    A Keras 3 model given to the converter directly keeps its batch dimension open, and from_concrete_functions
    loses its weights without a word.
    """

    def write(folder: Path) -> None:
        import keras

        note_layers(_kinds(model))
        shape = (1, *model.inputs[0].shape[1:])
        archive = keras.export.ExportArchive()
        archive.track(model)
        archive.add_endpoint(
            name="serve",
            fn=lambda pixels: model(pixels, training=False),
            input_signature=[keras.InputSpec(shape=shape, dtype="float32", name=INPUT_NAME)],
        )
        with unrolled(model, keras):  # it is traced here
            archive.write_out(str(folder), verbose=False)

    return write
