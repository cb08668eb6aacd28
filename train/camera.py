"""The compact network for photographs: the same network, taught by pictures as a camera's frames turn into them.

Command    fmnist-train edge --recipe camera --start RUN [--size small|base]
Hardware   a 64-bit PC, or any GPU that a Keras backend drives
Time       see docs/training.md
Expect     see docs/camera.md: what it makes of photographs that it has never seen the like of

Fashion-MNIST shows one garment, front side, sleeves down, one shoe from its side; a shop's photographs show spread
sleeves, shoes in pairs, and people. So an epoch shows a third of its images as they are, and the others in such poses
(train/scenery.py), all as edge/isolation would draw them. Some images are none of the classes: their target is to
know nothing (outlier exposure, Hendrycks et al. 2019, arxiv.org/abs/1812.04606). The softmax is left to the device,
where it is calibrated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import BadOption
from train.edge_cnn import EdgeSettings, train

if TYPE_CHECKING:
    from train.augment import Varying

__all__ = ["DEFAULTS", "CameraSettings", "train"]


@dataclass(frozen=True, slots=True)
class CameraSettings(EdgeSettings):
    """What `fmnist-train edge --recipe camera` is made with: shares of an epoch's images. Raises BadOption.

    `worn` are shown on a person, `heavy` in other poses, `outliers` are none of the classes; the rest is varied
    lightly.
    """

    worn: float = 0.25
    heavy: float = 0.35
    outliers: float = 0.08

    def __post_init__(self) -> None:
        super(CameraSettings, self).__post_init__()  # slots make a new class, which super() misses
        shares = (self.worn, self.heavy, self.outliers)
        if min(shares) < 0 or sum(shares) > 1:
            raise BadOption("expected --worn, --heavy and --outliers of 0 or more, together 1 at most")

    @property
    def command_name(self) -> str:
        """As it is typed."""
        return "edge --recipe camera"

    @property
    def gives_logits(self) -> bool:
        """The device calibrates them."""
        return True

    def augmentation(self) -> Varying:
        """Poses, people, outliers."""
        from train.scenery import CameraAugmentation

        return CameraAugmentation(worn=self.worn, heavy=self.heavy, outliers=self.outliers)


DEFAULTS = CameraSettings(
    recipe="camera", epochs=8, batch_size=128, learning_rate=0.01, seed=0, validation_images=None, easy=0.5
)
