"""Rebuild a loaded Keras model for inference: one tensor in, one tensor out, float32, any batch size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from convert.inputs.inference_config import NoInferenceForm, for_inference, is_plain
from edge.errors import KerasModelUnreadable


def for_one_picture(path: Path, model: Any, library: Any) -> tuple[Any, tuple[str, ...]]:
    """A model with the same answers that takes one tensor and gives one, and notes of what is different.

    `library` is what loaded it: keras or tf_keras. The one input and the one output may be in whatever containers
    (dictionaries, lists, tuples). The model comes back itself where nothing has to change.
    Raises KerasModelUnreadable.
    """
    inputs, outputs = len(model.inputs), len(model.outputs)
    if (inputs, outputs) != (1, 1):
        raise KerasModelUnreadable(
            f"{path}: expected one input and one output, the model has {inputs} and {outputs}",
            "save the part that classifies as a model of its own: keras.Model(input, output).save(...)",
        )
    given = model.get_config()
    try:
        config, changes = for_inference(given)
    except NoInferenceForm as error:
        raise KerasModelUnreadable(f"{path}: {error}", "save the network as it is at inference") from error
    if not changes and is_plain(given):
        return model, ()
    try:
        rebuilt = model
        if changes:
            rebuilt = type(model).from_config(config)
            rebuilt.set_weights([np.asarray(weight, np.float32) for weight in model.get_weights()])
        return library.Model(rebuilt.inputs[0], rebuilt.outputs[0]), changes.notes
    # Whatever a layer raises that cannot be built for another batch size or type.
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise KerasModelUnreadable(
            f"{path}: it cannot be rebuilt for inference: {type(error).__name__}: {reason}",
            "save it in float32, with the batch size left open and without layers that only training needs",
        ) from error
