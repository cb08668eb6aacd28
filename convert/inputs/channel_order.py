"""Whether a model in colour takes red for blue: it then knows the pictures better with their channels turned round."""

from __future__ import annotations

import math

from convert.inputs import probing
from edge.datasets.dataset import Dataset
from edge.inference.interpreters import Interpreter
from edge.spec import Colour, ImageSpec

_STANDARD_ERRORS = 3
"""The pictures that only one order has right decide; of so many errors of their number chance is no explanation."""


def check_order(interpreter: Interpreter, image: ImageSpec, training: Dataset) -> tuple[str, ...]:
    """A warning where the other order of the channels scores clearly better on held-out training pictures."""
    if image.colour is Colour.GREY:
        return ()
    probe = probing.probe_of(training)
    right = probing.predicted(interpreter, image, probe.images) == probe.labels
    turned = probing.predicted(interpreter, image, probe.images[..., ::-1]) == probe.labels
    gained, lost = int((turned & ~right).sum()), int((right & ~turned).sum())
    if gained - lost <= _STANDARD_ERRORS * math.sqrt(gained + lost):
        return ()
    other = Colour.BGR if image.colour is Colour.RGB else Colour.RGB
    return (
        f"WARNING: with the channels in the other order it knows {turned.mean():.1%} of {len(probe):,} training "
        f"pictures, as {image.colour} {right.mean():.1%}: try --colour {other}",
    )
