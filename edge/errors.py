"""Every error that a user can cause or meet, each with a hint and an exit code.

    FmnistEdgeError                                   exit 1
    ├── SomeInputsFailed                                   1   the run went on; some inputs gave no prediction
    ├── BadOption            (ValueError)                  2   as Typer's own usage errors
    │   ├── ConfigInvalid                                  2   the configuration file, with all its mistakes
    │   └── SecretRefused                                  2   a secret in a file that others may read
    ├── SourceError                                        3
    │   ├── SourceNotFound   (FileNotFoundError)
    │   ├── SourceDenied     (PermissionError)
    │   ├── ImageUnreadable  (ValueError)
    │   │   └── ImageNeedsExtra                            8   HEIC without the extra that reads it
    │   ├── CameraNotFound   (ConnectionError)
    │   │   ├── CameraBusy                                 3   another program has it
    │   │   └── CameraNeedsPicamera2                       3   the Pi's own camera, and picamera2 does not load
    │   └── CameraLost       (ConnectionError)
    ├── ModelError                                         4
    │   ├── ModelNotFound    (FileNotFoundError)
    │   ├── ModelDamaged     (ValueError)
    │   ├── ModelUnsupported (ValueError)
    │   └── ModelUntrusted   (PermissionError)             4   unsigned, altered, expired, or signed by a stranger
    ├── BackendUnavailable   (RuntimeError)                5
    ├── OutputFailed         (OSError)                     6   disk full, no permission
    ├── OutputClosed                                       0   the reader of a pipe went away: not a failure
    ├── DatasetError                                       7
    │   ├── DatasetNotFound  (FileNotFoundError)
    │   ├── DatasetDamaged   (ValueError)
    │   └── DownloadFailed   (ConnectionError)
    ├── MissingExtra         (ImportError)                 8   fmnist-train or convert without their packages
    ├── TrainingFailed       (RuntimeError)                9
    ├── InstallationFailed   (RuntimeError)               13   the service could not be installed or removed
    ├── UpdateFailed         (RuntimeError)               14   a new version of the model was not installed
    │   ├── RepositoryUnreachable (ConnectionError)       14   nothing came from there, or not all of it
    │   ├── RepositoryUntrusted   (PermissionError)       14   what came is not signed, older than before, or expired
    │   └── UpdateRefused         (ValueError)            14   the version does not run here, or is clearly worse
    └── ConversionError                                   10
        ├── FloatModelUnreadable (ValueError)              10  a SavedModel or float .tflite that cannot be used
        │   └── KerasModelUnreadable
        ├── ConversionRefused    (ValueError)              10  the converter's result fails a guard
        ├── AccuracyBudgetExceeded (ArithmeticError)       11
        ├── CompilationFailed    (RuntimeError)            10  edgetpu_compiler failed, hung or crashed
        └── TargetUnmet          (ValueError)              12  a target cannot run all that it should

Ctrl-C exits 130. Whatever else escapes is our bug and shows its traceback.
"""

from __future__ import annotations

from enum import StrEnum


class FmnistEdgeError(Exception):
    """An error with a message for people, a hint (what to do next) and a process exit code."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class SomeInputsFailed(FmnistEdgeError):
    """Some inputs of a longer run could not be read; the others were classified."""


class BadOption(FmnistEdgeError, ValueError):
    """An option or argument has a value that cannot be used."""

    exit_code = 2


class ConfigInvalid(BadOption):
    """A configuration file that cannot be read, or has keys or values that there are not."""


class SecretRefused(BadOption):
    """A file with a password or key that is missing, open to others, or not one line."""


class SourceError(FmnistEdgeError):
    """A picture, video or camera that cannot be used."""

    exit_code = 3


class SourceNotFound(SourceError, FileNotFoundError):
    """No such file, directory, glob match or device."""


class SourceDenied(SourceError, PermissionError):
    """The file or device is there, but this user may not read it."""


class ImageUnreadable(SourceError, ValueError):
    """Not an image, or a truncated, oversized or otherwise damaged one."""


class ImageNeedsExtra(ImageUnreadable):
    """An image of a format for which the installation lacks a package."""

    exit_code = 8


class CameraNotFound(SourceError, ConnectionError):
    """A camera, stream or video file could not be opened."""


class CameraBusy(CameraNotFound):
    """The camera is there, and another program uses it."""


class CameraNeedsPicamera2(CameraNotFound):
    """A Raspberry Pi's own camera, where the library that reads it is missing, hidden or broken."""


class CameraLost(SourceError, ConnectionError):
    """A camera or stream that was open stopped delivering frames."""


class ModelError(FmnistEdgeError):
    """A model file that cannot be used."""

    exit_code = 4


class ModelNotFound(ModelError, FileNotFoundError):
    """Neither a bundled model's name nor a file."""


class ModelDamaged(ModelError, ValueError):
    """The file's content is not what its manifest says, or not a TFLite model at all."""


class ModelUnsupported(ModelError, ValueError):
    """A valid model that is no garment classifier: shape, type or labels do not fit."""


class ModelUntrusted(ModelError, PermissionError):
    """Only signed models are trusted here, and this one is not signed, altered, expired, or signed by a stranger."""


class Cause(StrEnum):
    """Why a runtime or an Edge TPU is not used, for programs."""

    NOT_INSTALLED = "runtime not installed"
    LIBRARY_MISSING = "library missing"
    NO_DEVICE = "no device"
    PERMISSION = "permission"
    DEVICE = "device not initialised"
    CRASH = "crash"
    HANG = "hang"
    NOT_COMPILED = "model not compiled for it"
    COMPILED = "model compiled for the Edge TPU"
    MODEL_REFUSED = "model refused"


class BackendUnavailable(FmnistEdgeError, RuntimeError):
    """A TFLite runtime, Edge TPU delegate or Edge TPU compiler is not installed or does not work; `cause` says why."""

    exit_code = 5

    def __init__(self, message: str, hint: str = "", cause: Cause = Cause.NOT_INSTALLED) -> None:
        super().__init__(message, hint)
        self.cause = cause


class OutputFailed(FmnistEdgeError, OSError):
    """The output could not be written; what was written before stays."""

    exit_code = 6


class OutputClosed(FmnistEdgeError):
    """The reader of the output closed its pipe (`| head`): stop quietly."""

    exit_code = 0


class DatasetError(FmnistEdgeError):
    """Fashion-MNIST could not be had."""

    exit_code = 7


class DatasetNotFound(DatasetError, FileNotFoundError):
    """No folder with the data set, and no download allowed."""


class DatasetDamaged(DatasetError, ValueError):
    """A file of the data set is truncated, inconsistent or has the wrong checksum."""


class DownloadFailed(DatasetError, ConnectionError):
    """No mirror delivered a file with the right checksum."""


class MissingExtra(FmnistEdgeError, ImportError):
    """A command needs packages that the device's installation leaves out."""

    exit_code = 8


class TrainingFailed(FmnistEdgeError, RuntimeError):
    """Training cannot start or go on: NaN loss, a run folder that does not fit, no disk."""

    exit_code = 9


class InstallationFailed(FmnistEdgeError, RuntimeError):
    """The service could not be installed, started or removed; the message names the command that failed."""

    exit_code = 13


class UpdateFailed(FmnistEdgeError, RuntimeError):
    """A new version of the model was not installed; what runs goes on."""

    exit_code = 14


class RepositoryUnreachable(UpdateFailed, ConnectionError):
    """Nothing came from the repository, or less than it should have been, or too slowly."""


class RepositoryUntrusted(UpdateFailed, PermissionError):
    """What came from the repository is not signed by enough of its keys, older than what was there, or expired."""


class UpdateRefused(UpdateFailed, ValueError):
    """The version does not run on this device, has other labels, or is clearly worse than the one that runs."""


class ConversionError(FmnistEdgeError):
    """A Keras model could not become a trustworthy int8 model."""

    exit_code = 10


class FloatModelUnreadable(ConversionError, ValueError):
    """A SavedModel or .tflite that is damaged, quantised already, or has unsuitable shapes."""


class KerasModelUnreadable(FloatModelUnreadable):
    """Not a Keras model, a corrupt or unsafe one, or one with unsuitable shapes."""


class ConversionRefused(ConversionError, ValueError):
    """The converter reported success, but its result fails a guard (lost weights, float operations)."""


class AccuracyBudgetExceeded(ConversionError, ArithmeticError):
    """The int8 model loses more accuracy than the budget allows; no model was written."""

    exit_code = 11


class CompilationFailed(ConversionError, RuntimeError):
    """The Edge TPU compiler refused a model, crashed, or gave no answer in time; no model was written."""


class TargetUnmet(ConversionError, ValueError):
    """A runtime or the Edge TPU cannot run the whole model, or less of it than was asked for."""

    exit_code = 12
