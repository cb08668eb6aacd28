"""The compact network for photographs: trained on pictures like those that camera frames turn into.

Command    fmnist-train edge --recipe camera --start RUN [--size small|base]
Hardware   a 64-bit PC, or any GPU that a Keras backend drives
Time       see docs/models.md
Expect     see docs/camera.md: its accuracy on photographs unlike its training pictures

Fashion-MNIST shows one garment, front side, sleeves down, one shoe from its side; a shop's photographs show spread
sleeves, shoes in pairs, and people. So an epoch shows a third of its images as they are, and the others in such poses
(train/augment/camera.py), all as edge/isolation would draw them. Some images are none of the classes: their target is
to know nothing (outlier exposure, Hendrycks et al. 2019, arxiv.org/abs/1812.04606). The softmax is left to the device,
where it is calibrated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import BadOption
from train.recipes.edge_cnn import EdgeSettings, train

if TYPE_CHECKING:
    import numpy as np

    from train.augment.basic import Images, Targets, Varying
    from train.augment.camera import CameraAugmentation

__all__ = ["DEFAULTS", "CameraSettings", "train"]


@dataclass(frozen=True, slots=True)
class CameraSettings(EdgeSettings):
    """Settings of `fmnist-train edge --recipe camera`: shares of an epoch's images. Raises BadOption.

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
        from train.augment.basic import Augmentation
        from train.augment.camera import CameraAugmentation

        light = 1 - self.worn - self.heavy - self.outliers
        gently = Augmentation(self.flip, self.shift, self.erase, cutmix=self.cutmix)
        return WithOutliers(CameraAugmentation(light, self.heavy, self.worn, gently), self.outliers)


@dataclass(frozen=True, slots=True)
class WithOutliers:
    """Puts pictures of no class in the place of a `share` of the images, with the same target for every class."""

    camera: CameraAugmentation
    share: float

    @property
    def only_mirrors(self) -> bool:
        """Whether an image has two variants at most."""
        return self.camera.only_mirrors

    def __call__(self, images: Images, targets: Targets, generator: np.random.Generator) -> tuple[Images, Targets]:
        """Vary images uint8 (N, 28, 28) with targets float32 (N, classes); the inputs stay as they are."""
        import numpy as np

        varied, varied_targets = self.camera(images, targets, generator)
        chosen = np.flatnonzero(generator.random(len(images)) < self.share)
        labels = targets.argmax(axis=1).astype(np.uint8)
        varied[chosen] = self.camera.outliers(images, labels, len(chosen), generator)
        varied_targets[chosen] = 1 / targets.shape[1]
        return varied, varied_targets


DEFAULTS = CameraSettings(
    recipe="camera", epochs=8, batch_size=128, learning_rate=0.01, seed=0, validation_images=None, easy=0.5
)
