"""What a model wants and gives: image size, pixel range, tensor types and scales. Loads no NumPy until it computes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FASHION_MNIST_LABELS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
"""The ten classes, in the order of their numbers (github.com/zalandoresearch/fashion-mnist#labels)."""

FASHION_MNIST_SIDE = 28
"""Height and width of its pictures, pixels."""


class Colour(StrEnum):
    """Channels of a picture, and their order."""

    GREY = "grey"
    RGB = "rgb"
    BGR = "bgr"


class Framing(StrEnum):
    """How a frame becomes the picture that a model takes."""

    GARMENT_GREY = "garment-grey"
    """The garment alone, in grey, bright on black: as Fashion-MNIST shows it."""
    GARMENT_COLOUR = "garment-colour"
    """The garment alone, in colour, on a ground of one colour."""
    STRETCH = "frame-stretch"
    """The whole frame, whatever becomes of its aspect: what Keras' image_dataset_from_directory does."""
    LETTERBOX = "frame-letterbox"
    """The whole frame, with borders of one colour: its pad_to_aspect_ratio."""
    CROP = "frame-crop"
    """The middle of the frame, as large as fits: its crop_to_aspect_ratio."""

    @property
    def isolates(self) -> bool:
        """Whether the garment is sought in the frame."""
        return self in (Framing.GARMENT_GREY, Framing.GARMENT_COLOUR)


class Resampling(StrEnum):
    """How a whole frame gets another size."""

    AREA = "area"
    """The mean of what lies under a pixel; a smaller frame is enlarged bilinearly."""
    BILINEAR = "bilinear"
    """Between the four nearest pixels, as Keras does by default, however much smaller the picture gets."""


def parse_ground(text: str) -> tuple[int, int, int]:
    """Red, green and blue of #rrggbb. Raises ValueError."""
    if len(text) != 7 or text[0] != "#" or not set(text[1:]) <= set("0123456789abcdefABCDEF"):
        raise ValueError(f"expected #rrggbb, six hexadecimal digits, got {text}")
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue


def ground_text(ground: tuple[int, int, int]) -> str:
    """#rrggbb of red, green and blue."""
    return "#" + "".join(f"{level:02x}" for level in ground)


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """The picture that a model takes: `height` x `width` pixels, bytes mapped linearly to `low`..`high`.

    It has one channel or three, as `colour` says. `framing` is how a frame becomes it, `resampling` how a whole frame
    gets its size, `ground` (red, green, blue) what is around it. The runtime, the calibration and the training all call
    `normalise`, so they cannot disagree.
    """

    height: int = FASHION_MNIST_SIDE
    width: int = FASHION_MNIST_SIDE
    low: float = 0.0
    high: float = 255.0
    colour: Colour = Colour.GREY
    framing: Framing = Framing.GARMENT_GREY
    resampling: Resampling = Resampling.BILINEAR
    ground: tuple[int, int, int] = (0, 0, 0)

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise ValueError(f"expected a positive image size, got {self.height}x{self.width}")
        if not -math.inf < self.low < self.high < math.inf:
            raise ValueError(f"expected low < high, got {self.low} and {self.high}")
        if self.framing.isolates and (self.framing is Framing.GARMENT_GREY) != (self.colour is Colour.GREY):
            raise ValueError(f"expected {self.framing} of another colour than {self.colour}")
        if len(self.ground) != 3 or not all(0 <= level <= 255 for level in self.ground):
            raise ValueError(f"expected a ground of red, green and blue, 0 to 255 each, got {self.ground}")

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one picture: (height, width), or (height, width, 3)."""
        size = (self.height, self.width)
        return size if self.colour is Colour.GREY else (*size, 3)

    def as_json(self) -> dict[str, Any]:
        """The fields of a manifest or a training record that hold it; what is as in the first version is left out."""
        fields: dict[str, Any] = {"height": self.height, "width": self.width, "low": self.low, "high": self.high}
        if self.framing is Framing.GARMENT_GREY:
            return fields
        fields |= {"colour": self.colour.value, "framing": self.framing.value, "resampling": self.resampling.value}
        return fields | {"ground": list(self.ground)}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> ImageSpec:
        """From a manifest or a training record. Raises KeyError, TypeError or ValueError for what makes no sense."""
        known = dict(fields)
        if "framing" in known:
            known["colour"], known["framing"] = Colour(known["colour"]), Framing(known["framing"])
            known["resampling"], known["ground"] = Resampling(known["resampling"]), tuple(known["ground"])
        return cls(**known)

    def normalise(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Map bytes 0..255 to `low`..`high`, elementwise: uint8 (...) -> float32 (...)."""
        import numpy as np

        scale = np.float32((self.high - self.low) / 255)
        return pixels.astype(np.float32) * scale + np.float32(self.low)

    def repeats(self, height: int, width: int) -> int:
        """How many times each pixel of a picture is repeated, both ways, so that it has the model's size; 0: it cannot.

        So a model of isolated garments in grey, 56 x 56 pixels, takes Fashion-MNIST's pictures. No data set has smaller
        ones: a frame that is smaller is a photo, unless it has the model's own size.
        """
        if self.framing is not Framing.GARMENT_GREY:
            return 0
        times = self.height // height
        if (times * height, times * width) != (self.height, self.width):
            return 0
        return times if times == 1 or min(height, width) >= FASHION_MNIST_SIDE else 0


@dataclass(frozen=True, slots=True)
class ScoreCalibration:
    """How sure a model must be: fitted on data held out of its training, and written into its file.

    `temperature` divides the logits, so that of answers given with 80 % four in five are right (Guo et al. 2017,
    arxiv.org/abs/1706.04599); an answer with a score below `reject_below` is none. From a mean score of `early_exit`
    on, views of a garment that agree suffice, and the rest are not looked at; None: all views always are.
    """

    temperature: float = 1.0
    reject_below: float = 0.0
    early_exit: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"expected a positive temperature, got {self.temperature}")
        if not 0 <= self.reject_below <= 1:
            raise ValueError(f"expected reject_below from 0 to 1, got {self.reject_below}")
        if self.early_exit is not None and not 0 <= self.early_exit <= 1:
            raise ValueError(f"expected early_exit from 0 to 1, got {self.early_exit}")

    def as_json(self) -> dict[str, Any]:
        """The fields of a manifest or a training record that hold it, under the names of their first version.

        Nothing where a model says nothing of its doubts. `early_exit` stands beside "doubt", not in it: version 0.1.0
        refuses fields there that it does not know.
        """
        doubt = {"temperature": self.temperature, "unknown_below": self.reject_below}
        early = {} if self.early_exit is None else {"early_exit": self.early_exit}
        return {} if self == SURE else {"doubt": doubt, **early}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> ScoreCalibration:
        """From a manifest or a training record. Raises TypeError or ValueError for what makes no sense."""
        doubt = {"temperature": 1.0, "unknown_below": 0.0} | fields.get("doubt", {})
        if unexpected := doubt.keys() - {"temperature", "unknown_below"}:
            raise ValueError(f"unexpected: {', '.join(sorted(unexpected))}")
        return cls(doubt["temperature"], doubt["unknown_below"], fields.get("early_exit"))

    def scale(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Calibrated probabilities: float32 (N, classes) -> float32 (N, classes)."""
        if self.temperature == 1:
            return probabilities
        import numpy as np

        powers = np.maximum(probabilities, np.float32(1e-12)) ** np.float32(1 / self.temperature)
        scaled: NDArray[np.float32] = powers / powers.sum(axis=-1, keepdims=True)
        return scaled


SURE = ScoreCalibration()
"""Of a model that says nothing of its doubts: its probabilities are taken as they are, and every answer is one."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Shape, type and quantisation of one tensor; `scale` is 0 for float tensors.

    A quantised value q stands for the real value (q - zero_point) * scale (the TFLite 8-bit
    quantization specification, ai.google.dev/edge/litert/models/quantization_spec).
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    zero_point: int

    @property
    def quantised(self) -> bool:
        """Whether values are integers with a scale and zero point."""
        return self.scale != 0.0

    def encode(self, real: NDArray[np.float32]) -> NDArray[Any]:
        """Quantise real values: float32 (...) -> this tensor's dtype (...), rounded half to even, saturated."""
        import numpy as np

        if not self.quantised:
            return real.astype(self.dtype)
        limits = np.iinfo(self.dtype)
        steps = np.rint(real / np.float32(self.scale)) + self.zero_point
        encoded: NDArray[Any] = np.clip(steps, limits.min, limits.max).astype(self.dtype)
        return encoded

    def decode(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Real values of raw ones: this tensor's dtype (...) -> float32 (...)."""
        import numpy as np

        if not self.quantised:
            return raw.astype(np.float32)
        return (raw.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)
