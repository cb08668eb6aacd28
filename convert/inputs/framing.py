"""How a frame becomes a float model's input: as its file says, else as the options say."""

from __future__ import annotations

from convert.inputs import shapes
from convert.inputs.source import Source
from convert.picture_options import PictureOptions
from edge.spec import FASHION_MNIST_LABELS, Colour, Framing, ImageSpec, Resampling, ground_text

_IN_WORDS = {
    Framing.GARMENT_GREY: "the garment alone, in grey, bright on black",
    Framing.GARMENT_COLOUR: "the garment alone",
    Framing.STRETCH: "the whole picture, stretched",
    Framing.LETTERBOX: "the whole picture with borders",
    Framing.CROP: "the middle of the picture",
}
_ORDERS = {Colour.GREY: "in grey", Colour.RGB: "red, green, blue", Colour.BGR: "blue, green, red"}


def frame(options: PictureOptions, source: Source, labels: tuple[str, ...]) -> tuple[ImageSpec, tuple[str, ...]]:
    """The pictures that a model wants, and a note on what its file does not say. Of the range, only the recorded one.

    Raises BadOption for options that contradict the file, FloatModelUnreadable for a file that contradicts itself.
    """
    size = shapes.picture_shape(source.input_shape)
    assert size is not None, "checked by the reader"
    if source.image is not None:
        options.check_recorded(source.path, size, source.image)
        return source.image, ()
    image = options.image(source.path, size)
    guessed = [
        f"--{name}"
        for name, told, asked in (
            ("framing", options.framing, image.colour is not Colour.GREY or labels != FASHION_MNIST_LABELS),
            ("colour", options.colour, image.colour is not Colour.GREY),
            ("resampling", options.resampling, not image.framing.isolates),
        )
        if told is None and asked
    ]
    if not guessed:
        return image, ()
    return image, (
        f"the file does not say how it sees a picture: taken to see {in_words(image)}; {' and '.join(guessed)} "
        "say otherwise",
    )


def in_words(image: ImageSpec) -> str:
    """What a model sees of a picture, for people."""
    if image.framing is Framing.GARMENT_GREY:
        return _IN_WORDS[image.framing]
    words = f"{_IN_WORDS[image.framing]}, {_ORDERS[image.colour]}"
    if image.framing in (Framing.GARMENT_COLOUR, Framing.LETTERBOX):
        words += f", on {ground_text(image.ground)}"
    if not image.framing.isolates:
        words += ", resized bilinearly" if image.resampling is Resampling.BILINEAR else ", resized by area"
    return words
