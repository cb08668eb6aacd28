"""The command `fmnist-edge`: parses, wires and prints. NumPy, OpenCV and the runtime load only when needed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge.choices import DEFAULT_MODEL, DEFAULT_VIEWS, EDGETPU_LIBRARY, Backend, Format
from edge.cli import console
from edge.errors import BadOption, SomeInputsFailed, SourceError

if TYPE_CHECKING:
    from edge.inference.classifier import Classifier
    from edge.inference.model_file import Model
    from edge.stream.review_folder import ReviewFolder

app = typer.Typer(
    help="Classify garments on Raspberry Pi and Coral: camera frames, pictures and videos.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ModelOption = Annotated[str, typer.Option("--model", "-m", help="Name of a bundled model, or a .tflite file.")]
BackendOption = Annotated[Backend, typer.Option(help="Runtime; auto takes the first that works.")]
ThreadsOption = Annotated[int, typer.Option(min=1, max=64, help="CPU threads of the runtime.")]
LabelsOption = Annotated[Path | None, typer.Option(help="Labels for a plain .tflite: a text file, one a line.")]
ViewsOption = Annotated[
    int,
    typer.Option(min=1, max=8, help="Views of a garment that the model sees: by three masks, smaller, mirrored."),
]
DelegateOption = Annotated[str, typer.Option(help="Edge TPU library for --backend coral.")]

VIDEO = "Video and cameras"
KEEP = "Frames to learn from"


def main() -> None:
    """Entry point of the console script."""
    # Before NumPy loads: its products here are too small for threads, which would only wait for each other, busily.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    console.run_and_leave(app)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Options before the command."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"fmnist-edge {installed('fmnist-edge')}")
        raise typer.Exit


@app.command()
def classify(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]...",
            help="Pictures, directories, globs, videos, a camera index, /dev/videoN, http(s) and rtsp URLs, "
            "- for a picture on stdin, samples: for the bundled ones, fake: for a test pattern.",
        ),
    ] = None,
    camera: Annotated[str | None, typer.Option(help="A camera: index or device path.")] = None,
    model: ModelOption = DEFAULT_MODEL,
    backend: BackendOption = Backend.AUTO,
    threads: ThreadsOption = 1,
    labels: LabelsOption = None,
    delegate: DelegateOption = EDGETPU_LIBRARY,
    form: Annotated[Format, typer.Option("--format", "-f", help="A table, JSON Lines or CSV.")] = Format.TABLE,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write there instead of stdout.")] = None,
    views: ViewsOption = DEFAULT_VIEWS,
    min_score: Annotated[
        float | None, typer.Option(min=0, max=1, help="Less is unknown; the model's own threshold if not given.")
    ] = None,
    top_k: Annotated[int, typer.Option(min=1, max=1000, help="Labels per frame.")] = 3,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many frames.")] = None,
    save_view: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save there, for each frame, what the model saw of it.")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Show the frames in a window.")] = False,
    roi: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,W,H", help="Only this part of each frame: pixels, or fractions.", rich_help_panel=VIDEO
        ),
    ] = None,
    interval: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="At most a frame in so many.", rich_help_panel=VIDEO)
    ] = None,
    motion: Annotated[
        bool, typer.Option("--motion", help="Only when something moves, until it is still.", rich_help_panel=VIDEO)
    ] = False,
    motion_threshold: Annotated[
        float, typer.Option(min=0, max=255, help="Grey levels, on average, that are motion.", rich_help_panel=VIDEO)
    ] = 3.0,
    smooth: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="Over frames: average:0.6 (weight of the newest), vote:3/5 or hysteresis:3. "
            "Cameras, too, are not smoothed unless asked.",
            rich_help_panel=VIDEO,
        ),
    ] = "none",
    on_change: Annotated[
        bool, typer.Option("--on-change", help="Write an answer only when it changes.", rich_help_panel=VIDEO)
    ] = False,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Store uncertain frames there, to sort.", rich_help_panel=KEEP)
    ] = None,
    keep_max: Annotated[
        str, typer.Option(metavar="SIZE", help="At most so much; the oldest make room.", rich_help_panel=KEEP)
    ] = "250MB",
    keep_below: Annotated[
        float, typer.Option(min=0, max=1, help="A lower score is uncertain.", rich_help_panel=KEEP)
    ] = 0.6,
) -> None:
    """Classify pictures, videos or camera frames. Predictions go to stdout, everything else to stderr."""
    from itertools import islice

    from edge.cli.display import progress_over
    from edge.output.sinks import open_sink
    from edge.sources.grammar import frames_of, parse_sources
    from edge.stream.pipeline import classify_frames, frame_filters
    from edge.stream.smoothing import parse_smoothing

    wanted = [*(sources or []), *([f"camera:{camera}"] if camera is not None else [])]
    if not wanted:
        raise BadOption("nothing to classify", "fmnist-edge classify shirt.png, or --camera 0")
    inputs = parse_sources(wanted)
    passing = frame_filters(roi, interval, motion_threshold if motion else None)
    classifier = _open(model, backend, threads, labels, delegate, views, min_score)
    steady = parse_smoothing(smooth, classifier.score_calibration.reject_below)
    store = _open_store(keep, keep_max, classifier, model)
    failures: list[SourceError] = []

    def report(error: SourceError) -> None:
        failures.append(error)
        if len(inputs) > 1:
            console.complain(error)

    endless = not all(source.is_one_picture for source in inputs)
    width = max(len(source.where) for source in inputs)
    with (
        open_sink(form, output, top_k, endless=endless, source_width=width) as sink,
        progress_over(inputs, limit) as advance,
    ):
        frames = islice(frames_of(inputs, report, passing), limit)
        predictions = classify_frames(
            frames,
            classifier,
            save_view=save_view,
            store=store,
            keep_below=keep_below,
            smooth=steady,
            show=show,
            only_changes=on_change,
        )
        for prediction in predictions:
            sink.write(prediction)
            advance()
    if failures and len(inputs) == 1:
        raise failures[0]
    if failures:
        raise SomeInputsFailed(f"{len(failures)} of {len(inputs)} inputs could not be classified; see above")


@app.command()
def explain(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="A picture, or - for one on stdin.")],
    model: ModelOption = DEFAULT_MODEL,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PNG", help="The sheet; IMAGE.explained.png if not given.")
    ] = None,
    backend: BackendOption = Backend.AUTO,
    labels: LabelsOption = None,
    delegate: DelegateOption = EDGETPU_LIBRARY,
    views: ViewsOption = DEFAULT_VIEWS,
) -> None:
    """Show why: the garment's outline, what the model saw, its answers, and the parts that they rest on."""
    from edge.output.explanation import explain_picture
    from edge.sources.grammar import frames_of, parse_sources

    inputs = parse_sources([image])
    if len(inputs) != 1 or not inputs[0].is_one_picture:
        raise BadOption(f"{image} is not one picture", "fmnist-edge explain shirt.jpg")
    classifier = _open(model, backend, 1, labels, delegate, views)

    def stop(error: SourceError) -> None:
        raise error

    (frame,) = frames_of(inputs, stop)
    sheet = output or Path("explained.png" if image == "-" else f"{Path(image).stem}.explained.png")
    typer.echo(explain_picture(frame, classifier, sheet))


@app.command()
def models() -> None:
    """List the bundled models."""
    from edge.cli.display import print_models
    from edge.inference.model_file import bundled_models, read_model

    print_models([read_model(name) for name in bundled_models()])


@app.command()
def info(
    model: Annotated[str, typer.Argument(help="Name of a bundled model, or a .tflite file.")] = DEFAULT_MODEL,
    backend: BackendOption = Backend.AUTO,
    delegate: DelegateOption = EDGETPU_LIBRARY,
    form: Annotated[Format, typer.Option("--format", "-f", help="table or json.")] = Format.TABLE,
) -> None:
    """Say what a model file is: tensors, labels, accuracy and where it came from."""
    import json

    from edge.cli.display import print_facts
    from edge.inference.interpreters import open_interpreter

    _refuse_csv(form)
    found = _read(model)
    interpreter = open_interpreter(found, backend, delegate=delegate)
    facts: dict[str, Any] = {
        "file": str(found.path),
        "bytes": found.path.stat().st_size,
        "runtime": interpreter.name,
        **{
            side: {
                "shape": list(tensor.shape),
                "dtype": tensor.dtype.name,
                "scale": tensor.scale,
                "zero_point": tensor.zero_point,
            }
            for side, tensor in (("input", interpreter.input), ("output", interpreter.output))
        },
        "manifest": found.manifest,
    }
    if form is Format.JSON:
        typer.echo(json.dumps(facts, indent=2))
    else:
        print_facts(facts)


@app.command()
def evaluate(
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", "--data-dir", metavar="DIR", help="Your own test/CLASS/*.png, or Fashion-MNIST, else found."
        ),
    ] = None,
    model: ModelOption = DEFAULT_MODEL,
    backend: BackendOption = Backend.AUTO,
    threads: ThreadsOption = 1,
    labels: LabelsOption = None,
    delegate: DelegateOption = EDGETPU_LIBRARY,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many test images.")] = None,
    form: Annotated[Format, typer.Option("--format", "-f", help="table or json.")] = Format.TABLE,
) -> None:
    """Measure a model on the test set, through the classifier that `classify` uses."""
    import json
    import time

    from edge.cli.display import bar, download_bar, print_evaluation
    from edge.datasets import dataset
    from edge.inference import accuracy

    _refuse_csv(form)
    classifier = _open(model, backend, threads, labels, delegate)
    with download_bar() as downloaded:
        test = dataset.load("test", data, progress=downloaded, reading=downloaded)
    renamed = labels is not None and test.is_fashion_mnist and len(classifier.labels) == len(test.label_names)
    if not renamed:  # Fashion-MNIST's files hold numbers: any ten names may stand for them
        test = test.numbered_as(classifier.labels)
    pictures, truth = test.images[:limit], test.labels[:limit]
    began = time.perf_counter()
    with bar(len(pictures), "evaluate") as advance_to:
        evaluation = accuracy.evaluate(classifier, pictures, truth, advance_to)
    spent_s = time.perf_counter() - began
    if form is Format.JSON:
        typer.echo(
            json.dumps(
                {
                    "v": 1,
                    "model": model,
                    "runtime": classifier.interpreter.name,
                    "data": test.origin,
                    "images": len(pictures),
                    "accuracy": evaluation.accuracy,
                    "per_class": evaluation.per_class,
                    "labels": list(evaluation.labels),
                    "confusion": evaluation.confusion.tolist(),
                    "images_per_s": round(len(pictures) / spent_s, 1),
                }
            )
        )
        return
    typer.echo(f"{model} on {len(pictures)} test images ({test.origin}), {classifier.interpreter.name}")
    typer.echo(f"accuracy {evaluation.accuracy:.2%}, {len(pictures) / spent_s:.0f} images/s\n")
    print_evaluation(evaluation)


@app.command("fetch-data")
def fetch_data(
    data: Annotated[
        Path | None, typer.Option("--data", "--data-dir", metavar="DIR", help="Where to look instead.")
    ] = None,
) -> None:
    """Find Fashion-MNIST, or download and verify it."""
    from edge.cli.display import download_bar
    from edge.datasets import dataset

    for split in ("train", "test"):
        with download_bar() as downloaded:
            found = dataset.load(split, data, progress=downloaded, reading=downloaded)
        typer.echo(f"{split}: {len(found.images)} images, {found.origin}")


def _open(
    model: str,
    backend: Backend,
    threads: int,
    labels: Path | None,
    delegate: str,
    views: int = 1,
    min_score: float | None = None,
) -> Classifier:
    from edge.inference.classifier import open_classifier
    from edge.inference.interpreters import open_interpreter
    from edge.inference.model_file import read_labels

    found = _read(model)
    interpreter = open_interpreter(found, backend, threads, delegate)
    names = read_labels(labels) if labels else ()
    return open_classifier(found, interpreter, names, views=views, min_score=min_score)


def _read(model: str) -> Model:
    from edge.inference.model_file import read_model

    found = read_model(model)
    if found.manifest is None:
        from edge.inference.sandbox import continue_in_child

        continue_in_child(found)
    return found


def _open_store(folder: Path | None, cap: str, classifier: Classifier, model: str) -> ReviewFolder | None:
    if folder is None:
        return None
    from edge.stream.review_folder import ReviewFolder, parse_size

    return ReviewFolder(folder, parse_size(cap), classifier.labels, model)


def _refuse_csv(form: Format) -> None:
    if form is Format.CSV:
        raise BadOption("--format csv is for predictions", "--format json")
