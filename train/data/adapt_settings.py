"""Settings of `fmnist-train adapt`, and the pictures of one step. Imports neither NumPy nor Keras."""

from __future__ import annotations

from dataclasses import dataclass

from edge.errors import BadOption
from train.settings import SIDES, Settings, check_precision

STEPS_PER_EPOCH = 50
PHOTOS, GARMENTS, OUTLIERS = 96, 128, 32
"""What a step shows of each: photos, images of Fashion-MNIST, pictures of no class."""

GREY = 0.35
"""The share of photos that are shown without colours, every other one of these as a night camera sees it."""

SMOOTHING = 0.05


@dataclass(frozen=True, slots=True)
class AdaptSettings(Settings):
    """Settings of `fmnist-train adapt`, beyond those of every recipe. Raises BadOption.

    `held_out` is the share of each folder that is kept to measure with, `keep` the share of the old weights in the
    result; `photos` names the folder, `model` what the training starts from. The result sees `pixels` a side, None: as
    many as that.
    """

    photos: str = ""
    model: str = "camera"
    held_out: float = 0.2
    keep: float = 0.1
    worn: float = 0.25
    pixels: int | None = None
    weight_decay: float = 0.02
    average: float = 0.98
    precision: str = "float32"

    def __post_init__(self) -> None:
        super(AdaptSettings, self).__post_init__()  # slots make a new class, which super() misses
        check_precision(self.precision)
        if self.pixels not in (None, *SIDES):
            raise BadOption(f"there is no --pixels {self.pixels}", f"one of {', '.join(map(str, SIDES))}")
        for name in ("held_out", "keep", "worn", "average"):
            if not 0 <= getattr(self, name) < 1:
                raise BadOption(f"expected --{name.replace('_', '-')} from 0 to below 1, got {getattr(self, name)}")

    @property
    def command(self) -> str:
        """The command that makes this run again; what a step shows is no option."""
        text = super(AdaptSettings, self).command  # slots make a new class, which super() misses
        return text.replace(f" --batch-size {self.batch_size}", "")
