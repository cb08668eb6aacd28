"""The options of `fmnist-edge classify`, in the groups in which `--help` shows them."""

from pathlib import Path
from typing import Annotated

from edge.choices import DEFAULT_MODEL, DEFAULT_VIEWS, Flip, Format, Rotation
from edge.cli import option_values
from edge.cli.listener_options import ListenerOptions
from edge.cli.option_groups import Option, OptionGroup
from edge.cli.options import BackendOptions, ModelOption, PlainOptions, ThreadsOption, ViewsOption

CAMERAS = "Cameras"
LIVE = "Cameras that run for long"
VIDEO = "Video and cameras"
KEEP = "Frames to learn from"
NETWORK = "Network cameras"

CameraOption = Annotated[
    str | None,
    Option(help="A camera: number, device path or part of its name; fmnist-edge cameras lists them."),
]


class ModelOptions(OptionGroup):
    """Which model answers, and how sure it must be."""

    model: ModelOption = DEFAULT_MODEL
    threads: ThreadsOption = 1
    plain: PlainOptions
    views: ViewsOption = DEFAULT_VIEWS
    min_score: Annotated[
        float | None, Option(min=0, max=1, help="Less is unknown; the model's own threshold if not given.")
    ] = None


class OutputOptions(OptionGroup):
    """What is written, and where."""

    form: Annotated[Format, Option("--format", "-f", help="A table, JSON Lines or CSV.")] = Format.TABLE
    output: Annotated[Path | None, Option("--output", "-o", help="Write there instead of stdout.")] = None
    top_k: Annotated[int, Option(min=1, max=1000, help="Labels per frame.")] = 3
    limit: Annotated[int | None, Option(min=1, help="Stop after so many frames.")] = None
    save_view: Annotated[
        Path | None, Option(metavar="DIR", help="Save there, for each frame, what the model saw of it.")
    ] = None
    show: Annotated[bool, Option("--show", help="Show the frames in a window.")] = False


class CameraOptions(OptionGroup):
    """What a camera is asked for, and which way up its frames are."""

    resolution: Annotated[
        str | None,
        Option(
            metavar="WxH",
            callback=option_values.resolution,
            help="What the camera is asked for.",
            rich_help_panel=CAMERAS,
        ),
    ] = None
    fps: Annotated[
        float | None,
        Option(
            metavar="RATE",
            callback=option_values.rate,
            help="Frames a second that the camera is asked for (fake: obeys, too). Fewer of anything: --interval.",
            rich_help_panel=CAMERAS,
        ),
    ] = None
    rotate: Annotated[Rotation, Option(help="Turn the frames of any source clockwise.", rich_help_panel=CAMERAS)] = (
        Rotation.NONE
    )
    flip: Annotated[
        Flip | None, Option(help="Mirror the frames of any source, once turned.", rich_help_panel=CAMERAS)
    ] = None


class VideoOptions(OptionGroup):
    """What is done to a video's or a camera's frames before and after they are classified."""

    roi: Annotated[
        str | None,
        Option(
            metavar="X,Y,W,H",
            callback=option_values.roi,
            help="Only this part of each frame: pixels, or fractions.",
            rich_help_panel=VIDEO,
        ),
    ] = None
    interval: Annotated[
        float | None, Option(min=0, metavar="SECONDS", help="At most a frame in so many.", rich_help_panel=VIDEO)
    ] = None
    motion: Annotated[
        bool, Option("--motion", help="Only when something moves, until it is still.", rich_help_panel=VIDEO)
    ] = False
    motion_threshold: Annotated[
        float, Option(min=0, max=255, help="Grey levels, on average, that are motion.", rich_help_panel=VIDEO)
    ] = 3.0
    smooth: Annotated[
        str,
        Option(
            metavar="HOW",
            callback=option_values.smoothing,
            help="Over frames: average:0.6 (weight of the newest), vote:3/5 or hysteresis:3. "
            "Cameras, too, are not smoothed unless asked.",
            rich_help_panel=VIDEO,
        ),
    ] = "none"
    on_change: Annotated[
        bool, Option("--on-change", help="Write an answer only when it changes.", rich_help_panel=VIDEO)
    ] = False


class LiveOptions(OptionGroup):
    """What happens when a camera is lost, and how often the run gives a sign of life."""

    retry: Annotated[
        str | None,
        Option(
            metavar="N|forever",
            callback=option_values.retry,
            help="Open a lost camera or stream so many times again; 0 makes a loss an error. Without this option: "
            "for ever, but a camera that is not there at the start is an error.",
            rich_help_panel=LIVE,
        ),
    ] = None
    heartbeat: Annotated[
        float, Option(min=0.1, metavar="SECONDS", help="A heartbeat event so often.", rich_help_panel=LIVE)
    ] = 60.0


class NetworkOptions(OptionGroup):
    """Whose certificates are trusted."""

    ca_file: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="Trust the certificates in it, too: a camera's own, or its authority's (PEM).",
            rich_help_panel=NETWORK,
        ),
    ] = None
    insecure: Annotated[bool, Option("--insecure", help="Check no camera's certificate.", rich_help_panel=NETWORK)] = (
        False
    )


class KeepOptions(OptionGroup):
    """Which frames are stored, to be sorted by hand and learnt from."""

    keep: Annotated[
        Path | None, Option(metavar="DIR", help="Store uncertain frames there, to sort.", rich_help_panel=KEEP)
    ] = None
    keep_max: Annotated[
        str,
        Option(
            metavar="SIZE",
            callback=option_values.size,
            help="At most so much; the oldest make room.",
            rich_help_panel=KEEP,
        ),
    ] = option_values.DEFAULT_SIZE
    keep_below: Annotated[float, Option(min=0, max=1, help="A lower score is uncertain.", rich_help_panel=KEEP)] = 0.6


class RunOptions(OptionGroup):
    """All that `classify` and `serve` have in common."""

    model: ModelOptions
    backend: BackendOptions
    output: OutputOptions
    video: VideoOptions
    camera: CameraOptions
    live: LiveOptions
    network: NetworkOptions
    keep: KeepOptions
    listeners: ListenerOptions
