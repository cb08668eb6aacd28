"""The options that say how a picture becomes a model's input, where the model's file does not say it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from edge.errors import BadOption, FloatModelUnreadable
from edge.spec import Colour, Framing, ImageSpec, Resampling, ground_text, parse_ground


class ChannelOrder(StrEnum):
    """Order of the three channels of a model in colour."""

    RGB = "rgb"
    BGR = "bgr"


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """Options as they were given, None where they were not; `ground` is #rrggbb. Raises BadOption."""

    framing: Framing | None = None
    colour: ChannelOrder | None = None
    resampling: Resampling | None = None
    ground: str | None = None

    def __post_init__(self) -> None:
        if self.ground is not None:
            try:
                parse_ground(self.ground)
            except ValueError as error:
                raise BadOption(f"--ground {self.ground}: {error}", "white is --ground '#ffffff'") from error

    @property
    def words(self) -> list[str]:
        """The words of the command line."""
        told = {"framing": self.framing, "colour": self.colour, "resampling": self.resampling, "ground": self.ground}
        return [word for name, value in told.items() if value is not None for word in (f"--{name}", str(value))]

    def image(self, path: Path, size: tuple[int, int, int]) -> ImageSpec:
        """How a model sees pictures that takes `size`: height, width, channels. Its pixel range is yet to be found.

        Without options a model of one channel sees the garment alone, one of three the whole picture, stretched, in
        red, green, blue. Raises BadOption for what such a model cannot see.
        """
        height, width, channels = size
        framing = self.framing or (Framing.GARMENT_GREY if channels == 1 else Framing.STRETCH)
        if channels == 1 and (self.colour is not None or framing is Framing.GARMENT_COLOUR):
            given = f"--colour {self.colour}" if self.colour is not None else f"--framing {framing}"
            raise BadOption(f"{given}: {path} takes grey pictures, of one channel", "leave it away")
        if channels == 3 and framing is Framing.GARMENT_GREY:
            raise BadOption(
                f"--framing {framing}: {path} takes three channels", f"--framing {Framing.GARMENT_COLOUR}, or a frame"
            )
        if self.resampling is not None and framing.isolates:
            raise BadOption(f"--resampling is for whole frames, not for {framing}", "leave it away")
        if self.ground is not None and framing not in (Framing.GARMENT_COLOUR, Framing.LETTERBOX):
            raise BadOption(f"--ground is what is around a picture, {framing} leaves nothing around", "leave it away")
        return ImageSpec(
            height,
            width,
            colour=Colour.GREY if channels == 1 else Colour(self.colour or ChannelOrder.RGB),
            framing=framing,
            resampling=self.resampling or Resampling.BILINEAR,
            ground=parse_ground(self.ground or "#000000"),
        )

    def check_recorded(self, path: Path, size: tuple[int, int, int], recorded: ImageSpec) -> None:
        """Check what a file says of its pictures against its input, and these options against that.

        Raises FloatModelUnreadable or BadOption.
        """
        taken = size[:2] if size[2] == 1 else size
        if recorded.shape != taken:
            raise FloatModelUnreadable(
                f"{path} takes pictures of {_sides(taken)}, its record says that it was trained on "
                f"{_sides(recorded.shape)}",
                "train it again, or remove the record from the file",
            )
        ground = None if self.ground is None else parse_ground(self.ground)
        told = (self.framing, self.colour, self.resampling, ground)
        known = (recorded.framing, recorded.colour, recorded.resampling, recorded.ground)
        for name, one, other in zip(("framing", "colour", "resampling", "ground"), told, known, strict=True):
            if one is not None and one != other:
                said = self.ground if name == "ground" else one
                right = ground_text(recorded.ground) if name == "ground" else other
                raise BadOption(f"--{name} {said}: {path} says that it was trained with {right}", "leave it away")


def _sides(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
