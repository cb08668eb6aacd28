"""`fmnist-train adapt` for a network in colour: which options it takes, and what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import typer

from edge.cli import console
from edge.errors import BadOption
from train.cli.adapt_report import say_table, show_wrong
from train.cli.shared import run_recipe
from train.recipes import adapt_colour as recipe
from train.recipes.adapt_colour import ColourAdaptSettings, Known

TAKEN = frozenset(
    {
        *("photos", "model", "output", "force", "max_drop", "epochs", "learning_rate", "keep", "validation_images"),
        *("seed", "out", "resume", "tensorboard"),
    }
)
"""Parameters of adapt that mean something for a network in colour."""


def given(context: typer.Context) -> dict[str, Any]:
    """The parameters that were typed, by name."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return {name: context.params[name] for name, source in sources.items() if source and source.name == "COMMANDLINE"}


def check_given(options: Mapping[str, Any]) -> None:
    """Raise BadOption for an option that only garments in grey have."""
    names = {"meaning": "map", "curve": "learning-curve"}
    wrong = [names.get(name, name).replace("_", "-") for name in options if name not in TAKEN]
    if wrong:
        raise BadOption(
            f"--{wrong[0]} is for models of garments in grey, such as camera",
            "leave it away: of the photos, the test split is held out, a fifth where there is none",
        )
    if options.get("epochs") == 0:
        raise BadOption(
            "--epochs 0 is for models of garments in grey, such as camera",
            "fmnist-edge evaluate --model FILE.tflite --data PHOTOS measures any model",
        )


def train_in_colour(options: Mapping[str, Any], start: Path, known: Known, photos: Path, out: Path) -> None:
    """Train by the options that were typed, and write the run folder."""
    usual = recipe.DEFAULTS
    settings = ColourAdaptSettings(
        "adapt",
        options.get("epochs", usual.epochs),
        usual.batch_size,
        options.get("learning_rate", usual.learning_rate),
        options.get("seed", usual.seed),
        options.get("validation_images"),
        photos=photos.name,
        model=start.parent.name if start.name == "model.keras" else start.name,
        keep=options.get("keep", usual.keep),
    )
    train = partial(recipe.train, start=start, known=known)
    command = replace(settings, photos=str(photos), model=str(start)).command
    run_recipe(
        lambda settings, *, data_dir, **others: train(settings, data_dir=photos, **others),
        settings,
        None,
        out,
        options.get("resume", False),
        command,
        tensorboard=options.get("tensorboard"),
    )


def report_in_colour(out: Path, int8: Path, known: Known, photos: Path) -> tuple[float, float]:
    """Print the figures before, after, and in int8, and write which photos are wrong: accuracies 0..1, before and int8.

    They are of the photos' test split.
    """
    from edge.datasets.dataset import load
    from train.cli.adapt_report import read_told
    from train.evaluation.picture_answers import answers_to_pictures

    told = read_told(out)[1]
    console.say("")
    console.say(f"{told['trained_on']} photos taught it, {told['held_out']} were held out:")
    before, after = told["before"]["accuracy"], told["after"]["accuracy"]
    say_table(told["folders"], ("before", "after"), (before, after))
    test = load("test", photos, image=known.image).numbered_as(known.labels)
    answers = answers_to_pictures(int8, test, photos)
    accuracy = float(answers.right.mean())
    console.say(f"in int8, as the device answers: {accuracy:.1%}")
    show_wrong(answers, photos, out, known.image)
    return before, accuracy
