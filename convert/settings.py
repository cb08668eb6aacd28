"""The options of a conversion, checked before anything slow begins."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from convert.picture_options import PictureOptions
from edge.errors import BadOption
from edge.printable import printable


class PixelRange(StrEnum):
    """The values of a black and a white pixel in the model's input; `auto` measures them."""

    AUTO = "auto"
    BYTE = "255"
    UNIT = "1"
    SIGNED = "-1..1"


class Format(StrEnum):
    """File format of a float model."""

    KERAS = "keras"
    SAVED_MODEL = "saved_model"
    TFLITE = "tflite"

    @property
    def noun(self) -> str:
        """Its name in messages."""
        return {Format.KERAS: "Keras file", Format.SAVED_MODEL: "SavedModel", Format.TFLITE: "float .tflite"}[self]


class Rule(StrEnum):
    """How the range of an activation follows from its values on the calibration pictures."""

    MIN_MAX = "min-max"
    MEAN = "mean"
    MOVING_AVERAGE = "moving-average"
    PERCENTILE_99_99 = "percentile-99.99"
    PERCENTILE_99_9 = "percentile-99.9"
    MSE = "mse"


class Scheme(StrEnum):
    """Number types of a converted model."""

    INT8 = "int8"
    """8 bit everywhere, input and output too: what a Coral needs, and fast on small processors."""
    INT16X8 = "int16x8"
    """Activations 16 bit, weights 8 bit: closer to float, but no kernel is fast (5 to 50 times slower)."""
    FLOAT16 = "float16"
    """Weights stored in 16 bit, arithmetic in float32: half the size."""
    DYNAMIC = "dynamic"
    """Weights 8 bit, activations float, quantised while the model runs."""
    FLOAT32 = "float32"
    """As trained."""


CALIBRATED = (Scheme.INT8, Scheme.INT16X8)
"""The schemes with integer activations, whose ranges come from calibration pictures."""


class Search(StrEnum):
    """When to stop trying rules: at the first within the budget, or after all, for the best."""

    FIRST = "first"
    BEST = "best"


DEFAULT_TARGETS = dict.fromkeys(Scheme, "litert,tflite-runtime") | {Scheme.DYNAMIC: "litert"}
"""tflite-runtime 2.14 loads dynamic-range files of litert-quantizer and gives wrong answers, without an error."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Options of `convert quantize`; `output` and `report` are chosen beside the model where they are None.

    `representative` is a folder of pictures that calibrate in place of held-out ones. `targets` is a comma-separated
    list of what the model must run on, None for DEFAULT_TARGETS; `pythons` are texts TARGET=PATH, where a target's
    runtime is in another environment (convert/targets).
    `picture` says how a picture becomes the input, where the file does not.
    `max_drop` is in percentage points of accuracy on the test images. `calibration_images` None means the default of
    convert.quantize.calibration, and that fewer are tried as well. `calibration` None means all rules.
    Raises BadOption for values that cannot be used.
    """

    source_path: Path
    output: Path | None = None
    max_drop: float = 0.5
    calibration_images: int | None = None
    data: Path | None = None
    name: str | None = None
    report: Path | None = None
    pixels: PixelRange = PixelRange.AUTO
    seed: int = 0
    calibration: Rule | None = None
    search: Search = Search.FIRST
    scheme: Scheme = Scheme.INT8
    targets: str | None = None
    representative: Path | None = None
    pythons: tuple[str, ...] = ()
    picture: PictureOptions = field(default_factory=PictureOptions)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.max_drop) and self.max_drop >= 0):
            raise BadOption(
                f"--max-drop is {self.max_drop:g}, expected percentage points, 0 or more", "for example --max-drop 0.5"
            )
        if self.calibration_images is not None and self.calibration_images < 1:
            raise BadOption(
                f"--calibration-images is {self.calibration_images}, expected at least 1",
                "without images the converter cannot know the activations' ranges; 200 is a good number",
            )
        if self.seed < 0:
            raise BadOption(f"--seed is {self.seed}, expected 0 or more")
        if self.name is not None and not self.name.strip():
            raise BadOption("--name is empty", "leave it out to take the name of the file")
        if self.model_path.suffix != ".tflite":
            raise BadOption(f"--output {self.model_path} does not end in .tflite")
        if self.model_path == self.source_path:
            raise BadOption(f"--output {self.model_path} would overwrite the float model")
        if self.report_path in (self.source_path, self.model_path):
            raise BadOption(f"--report {self.report_path} would overwrite a model")
        if self.scheme is not Scheme.INT8 and (self.calibration is not None or self.search is not Search.FIRST):
            raise BadOption(f"--scheme {self.scheme} has no calibrations to choose from", "they are for --scheme int8")
        if self.scheme not in CALIBRATED and self.representative is not None:
            raise BadOption(f"--scheme {self.scheme} uses no calibration pictures", "leave --representative out")
        if self.report_path.suffix == ".html":
            raise BadOption(f"--report {self.report_path} is the JSON report's name", "the HTML goes beside it")

    @property
    def model_path(self) -> Path:
        """Where the model goes: `<stem>_<scheme>.tflite` beside the float model unless told."""
        return self.output or self._named.with_name(f"{self._stem}_{self.scheme}.tflite")

    @property
    def variant_path(self) -> Path:
        """Where the variant for MediaPipe goes: beside the int8 model."""
        return self.model_path.with_name(f"{self.model_path.stem}_mediapipe.tflite")

    @property
    def report_path(self) -> Path:
        """Where the JSON report goes: beside the int8 model unless told."""
        return self.report or self.model_path.with_name(f"{self.model_path.stem}.report.json")

    @property
    def page_path(self) -> Path:
        """Where the report for people goes: HTML beside the JSON."""
        return self.report_path.with_suffix(".html")

    @property
    def log_path(self) -> Path:
        """Where TensorFlow's output goes if it cannot convert the model."""
        return self.model_path.with_name(f"{self.model_path.stem}.convert.log")

    @property
    def target_list(self) -> str:
        """What the model must run on, comma-separated."""
        return self.targets or DEFAULT_TARGETS[self.scheme]

    @property
    def model_name(self) -> str:
        """The name that the manifest carries: printable, though a file's name need not even be UTF-8."""
        return printable(self.name or self._stem)

    @property
    def source_name(self) -> str:
        """Name of the float model's file or folder, without what lies above it."""
        return self._named.name

    @property
    def _named(self) -> Path:
        """The float model's path, with its name where it was given as a dot."""
        return self.source_path if self.source_path.name not in {"", ".."} else self.source_path.resolve()

    @property
    def _stem(self) -> str:
        """A file's name without its suffix; a folder's name may have a dot in it."""
        return self._named.name if self._named.is_dir() else self._named.stem

    @property
    def command(self) -> str:
        """The command that repeats this conversion, without folders, so that it says nothing of this machine."""
        words = ["convert", "quantize", self.source_name]
        words += ["--max-drop", f"{self.max_drop:g}"]
        if self.calibration_images is not None:
            words += ["--calibration-images", str(self.calibration_images)]
        if self.calibration is not None:
            words += ["--calibration", self.calibration.value]
        if self.representative is not None:
            words += ["--representative", self.representative.resolve().name]
        if self.scheme is not Scheme.INT8:
            words += ["--scheme", self.scheme.value]
        if self.targets is not None:
            words += ["--target", self.targets]
        words += ["--search", self.search.value]
        words += ["--name", self.model_name, "--pixels", self.pixels.value, "--seed", str(self.seed)]
        words += self.picture.words
        return shlex.join(words)
