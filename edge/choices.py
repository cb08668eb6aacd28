"""What the command line offers to choose from. Loads nothing: `--help` reads it."""

from __future__ import annotations

from enum import StrEnum

DEFAULT_MODEL = "camera"
"""Name of the bundled model that runs when none is asked for: the one that knows photos."""

BEST_ON_FASHION_MNIST = "small"
"""Name of the most accurate one on the data set's own pictures, under 400 KB."""

DEFAULT_VIEWS = 6
"""By three masks, each mirrored too: two points more right on photos than one view, and no fewer than eight."""

EDGETPU_LIBRARY = "libedgetpu.so.1"

MQTT_PASSWORD = "FMNIST_EDGE_MQTT_PASSWORD"  # noqa: S105 - the name of a variable
WEBHOOK_SECRET = "FMNIST_EDGE_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable


class Backend(StrEnum):
    """What runs the model; `auto` takes the first that works."""

    AUTO = "auto"
    LITERT = "litert"
    TFLITE_RUNTIME = "tflite-runtime"
    CORAL = "coral"


class Rotation(StrEnum):
    """By how many degrees frames are turned, clockwise."""

    NONE = "0"
    RIGHT = "90"
    HALF = "180"
    LEFT = "270"


class Flip(StrEnum):
    """How frames are mirrored: left and right change places, top and bottom, or both."""

    HORIZONTAL = "horizontal"
    VERTICAL = "vertical"
    BOTH = "both"


class PixelRange(StrEnum):
    """What a black and a white pixel are in a network's input: 0 and so much, or -1 and 1."""

    BYTE = "255"
    UNIT = "1"
    SIGNED = "-1..1"


class Format(StrEnum):
    """How predictions are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class BenchFormat(StrEnum):
    """How measurements are written."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


class Channel(StrEnum):
    """Which versions of a repository a device follows; a canary is the first to have them."""

    STABLE = "stable"
    CANARY = "canary"


class BatchFormat(StrEnum):
    """How the answers of a batch are written: the name of a format is that of its files' ending."""

    PARQUET = "parquet"
    JSONL = "jsonl"


class Engine(StrEnum):
    """Who answers a batch: processes of this machine, or a Ray cluster."""

    LOCAL = "local"
    RAY = "ray"
