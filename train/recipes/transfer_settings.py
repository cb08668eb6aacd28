"""Settings of `fmnist-train transfer`. Imports neither NumPy nor Keras."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from edge.errors import BadOption
from edge.spec import Colour, Framing, ImageSpec, Resampling, parse_ground
from train.backbones import check_size, find_backbone
from train.settings import Settings


@dataclass(frozen=True, slots=True)
class TransferSettings(Settings):
    """Settings of `fmnist-train transfer`, beyond those of every recipe. Raises BadOption.

    `weights` is imagenet, none or the name of a file without its folder; `weights_sha256` is that file's content.
    `size` is HEIGHTxWIDTH; `framing`, `resampling` and `ground` ("#rrggbb") as edge.spec has them. `variants` is how
    many variations of each picture the head learns from, the first being the picture itself; `augment` how strongly
    they vary. `fine_tune` counts epochs, in which `fine_tune_share` of the backbone's layers learn.
    """

    backbone: str = "mobilenet_v2"
    weights: str = "imagenet"
    weights_sha256: str | None = None
    size: str = "224x224"
    framing: str = Framing.STRETCH.value
    resampling: str = Resampling.AREA.value
    ground: str = "#000000"
    variants: int = 4
    augment: float = 1.0
    dropout: float = 0.3
    fine_tune: int = 0
    fine_tune_share: float = 0.3
    fine_tune_learning_rate: float = 1e-4

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        check_size(self.backbone, self.image.height, self.image.width)
        if self.weights == "imagenet" and not find_backbone(self.backbone).has_imagenet:
            raise BadOption(f"there are no ImageNet weights for {self.backbone}", "--weights none, or a file of a run")
        if self.weights == "none" and self.fine_tune:
            raise BadOption(
                "--fine-tune has nothing to tune with --weights none",
                "leave --fine-tune away: from random weights the whole network learns in all --epochs",
            )
        for name, value, least in (("variants", self.variants, 1), ("fine-tune", self.fine_tune, 0)):
            if value < least:
                raise BadOption(f"expected a --{name} of {least} or more, got {value}")
        if not 0 < self.fine_tune_learning_rate < 1:
            raise BadOption(f"expected a --fine-tune-learning-rate from 0 to 1, got {self.fine_tune_learning_rate}")
        if not 0 < self.fine_tune_share <= 1:
            raise BadOption(f"expected a --fine-tune-share above 0, to 1, got {self.fine_tune_share}")
        if not 0 <= self.augment <= 2:
            raise BadOption(f"expected an --augment from 0 to 2, got {self.augment}")
        if not 0 <= self.dropout < 1:
            raise BadOption(f"expected a --dropout from 0 to below 1, got {self.dropout}")

    @property
    def image(self) -> ImageSpec:
        """What the network sees of a frame. Raises BadOption."""
        height, width = read_size(self.size)
        try:
            framing, resampling = Framing(self.framing), Resampling(self.resampling)
            return ImageSpec(
                height,
                width,
                colour=Colour.RGB,
                framing=framing,
                resampling=resampling,
                ground=parse_ground(self.ground),
            )
        except ValueError as error:
            hint = "--framing frame-stretch, frame-letterbox, frame-crop or garment-colour; --ground '#ffffff'"
            raise BadOption(str(error), hint) from error

    def command_with(self, weights_file: Path | None) -> str:
        """The command with the path of the weights file, which `command` leaves out: for this machine only."""
        return replace(self, weights=str(weights_file or self.weights)).command


def read_size(text: str) -> tuple[int, int]:
    """Height and width of HEIGHTxWIDTH, or of one number for both. Raises BadOption."""
    found = re.fullmatch(r"(\d{1,4})(?:x(\d{1,4}))?", text)
    if not found:
        raise BadOption(f"--size {text}: expected HEIGHTxWIDTH or one number", "for example --size 180x120")
    return int(found[1]), int(found[2] or found[1])
