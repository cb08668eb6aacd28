"""The commands `fmnist-edge evaluate` and `fmnist-edge fetch-data`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge.choices import DEFAULT_MODEL, Format
from edge.cli import console
from edge.cli.option_groups import takes_option_groups
from edge.cli.options import (
    BackendOptions,
    ModelOption,
    PlainOptions,
    ThreadsOption,
    open_model,
    read_checked,
    refuse_csv,
)
from edge.errors import BackendUnavailable


@takes_option_groups
def evaluate(
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", "--data-dir", metavar="DIR", help="Your own test/CLASS/*.png, or Fashion-MNIST, else found."
        ),
    ] = None,
    model: ModelOption = DEFAULT_MODEL,
    threads: ThreadsOption = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many test images.")] = None,
    form: Annotated[Format, typer.Option("--format", "-f", help="table or json.")] = Format.TABLE,
    *,
    plain: PlainOptions,
    on: BackendOptions,
) -> None:
    """Measure a model on the test set, through the classifier that `classify` uses."""
    import json
    import time

    from edge.cli.display import bar, download_bar, print_evaluation
    from edge.datasets import dataset
    from edge.inference import accuracy

    refuse_csv(form)
    classifier = open_model(read_checked(model, on), on, threads, plain, on_backend_change=_refuse_change)
    with download_bar() as downloaded:
        test = dataset.load("test", data, progress=downloaded, reading=downloaded, image=classifier.image)
    renamed = plain.labels is not None and test.is_fashion_mnist and len(classifier.labels) == len(test.label_names)
    if not renamed:  # Fashion-MNIST's files hold numbers: any ten names may stand for them
        test = test.numbered_as(classifier.labels)
    pictures, truth = test.images[:limit], test.labels[:limit]
    began = time.perf_counter()
    with bar(len(pictures), "evaluate") as advance_to:
        evaluation = accuracy.evaluate(classifier, pictures, truth, advance_to)
    spent_s = time.perf_counter() - began
    if form is Format.JSON:
        console.say_json(
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
    console.say(f"{model} on {len(pictures)} test images ({test.origin}), {classifier.interpreter.name}")
    console.say(f"accuracy {evaluation.accuracy:.2%}, {len(pictures) / spent_s:.0f} images/s")
    console.say("")
    print_evaluation(evaluation)


def _refuse_change(before: str, after: str, reason: str) -> None:
    raise BackendUnavailable(
        f"{before} failed in the middle, and an accuracy of two backends is of neither: {reason}",
        f"evaluate again, or measure {after} alone: give the .tflite that the model was compiled from",
    )


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
        console.say(f"{split}: {len(found.images)} images, {found.origin}")
