"""The options that say how a model sees a picture, of all commands that show pictures to a model."""

from __future__ import annotations

from typing import Annotated

import typer

from convert.picture_options import ChannelOrder
from edge.spec import Framing, Resampling

FramingOption = Annotated[
    Framing | None,
    typer.Option(
        help="What the model sees of a picture, if its file does not say: the garment alone, or the frame. "
        "Default: garment-grey for one channel, frame-stretch for three.",
        show_default=False,
    ),
]
ColourOption = Annotated[
    ChannelOrder | None,
    typer.Option(help="Order of its three channels, if its file does not say. Default: rgb.", show_default=False),
]
ResamplingOption = Annotated[
    Resampling | None,
    typer.Option(
        help="How a whole frame gets its size, if its file does not say. Default: bilinear, as Keras does.",
        show_default=False,
    ),
]
GroundOption = Annotated[
    str | None,
    typer.Option(
        metavar="'#RRGGBB'",
        help="Colour around the garment, or of a letterbox's borders, if its file does not say. Default: black.",
        show_default=False,
    ),
]
