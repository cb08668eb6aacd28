"""The command `fmnist-train transfer`: a classifier of one's own pictures, in colour and at their own size."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from edge.spec import Framing, Resampling
from train.backbones import BACKBONES, find_backbone
from train.cli.shared import LimitOption, ResumeOption, SeedOption, TensorBoardOption, ValidationOption, run_recipe
from train.recipes import transfer as recipe
from train.recipes.transfer_settings import TransferSettings, read_size

GOOD = ", ".join(name for name, backbone in BACKBONES.items() if not backbone.doubt)
DOUBTFUL = ", ".join(name for name, backbone in BACKBONES.items() if backbone.doubt)


def transfer(
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            "--data-dir",
            metavar="DIR",
            help="Your own pictures: train/CLASS/* and test/CLASS/*, or CLASS/* alone, of which a fifth tests.",
        ),
    ],
    backbone: Annotated[
        str,
        typer.Option(metavar="NAME", help=f"int8 takes well: {GOOD}. It takes badly: {DOUBTFUL}."),
    ] = recipe.DEFAULTS.backbone,
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="imagenet|none|FILE",
            help="What the backbone starts from: ImageNet's weights, fetched once; nothing, so that the whole network "
            "learns; a .weights.h5, .keras or .h5 file.",
            show_default="imagenet; none for small_cnn",
        ),
    ] = None,
    weights_sha256: Annotated[
        str | None, typer.Option(metavar="HEX", help="Refuse a --weights FILE with another SHA-256.")
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="HEIGHTxWIDTH", help="Pixels that the network sees.", show_default="what the backbone was made for"
        ),
    ] = None,
    framing: Annotated[
        Framing,
        typer.Option(help="How a frame becomes the picture: the whole of it, in three ways, or a garment."),
    ] = Framing.STRETCH,
    resampling: Annotated[
        Resampling, typer.Option(help="How it gets its size: area is steadier, bilinear is what Keras does.")
    ] = Resampling.AREA,
    ground: Annotated[
        str, typer.Option(metavar="#RRGGBB", help="Colour around a letterboxed frame, or around the garment.")
    ] = recipe.DEFAULTS.ground,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Epochs of the head, or, with --weights none, of the whole network.",
            show_default=f"{recipe.HEAD.epochs}; {recipe.FROM_NOTHING.epochs} with --weights none",
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures in one step.")] = recipe.DEFAULTS.batch_size,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="Step size of Adam, or, with --weights none, the largest of Muon.",
            show_default=f"{recipe.HEAD.learning_rate}; {recipe.FROM_NOTHING.learning_rate} with --weights none",
        ),
    ] = None,
    variants: Annotated[
        int, typer.Option(min=1, help="Variations of each picture that the head learns from; 1 is the picture alone.")
    ] = recipe.DEFAULTS.variants,
    augment: Annotated[
        float, typer.Option(min=0, max=2, help="How strongly pictures vary, in place and light; 0 not at all.")
    ] = recipe.DEFAULTS.augment,
    dropout: Annotated[float, typer.Option(help="Share of features left out of a step.")] = recipe.DEFAULTS.dropout,
    fine_tune: Annotated[
        int, typer.Option(min=0, help="Then train the backbone's top, too, for this many epochs.")
    ] = recipe.DEFAULTS.fine_tune,
    fine_tune_share: Annotated[
        float, typer.Option(help="Share of the backbone's layers that learn then.")
    ] = recipe.DEFAULTS.fine_tune_share,
    fine_tune_learning_rate: Annotated[
        float, typer.Option(help="Step size of Adam then.")
    ] = recipe.DEFAULTS.fine_tune_learning_rate,
    seed: SeedOption = recipe.DEFAULTS.seed,
    out: Annotated[Path, typer.Option(help="Folder to write the run to.")] = Path("runs/transfer"),
    resume: ResumeOption = False,
    validation_images: ValidationOption = recipe.DEFAULTS.validation_images,
    limit: LimitOption = None,
    tensorboard: TensorBoardOption = None,
) -> None:
    """Train a head on a frozen backbone, on your own pictures, in colour and at their own size."""
    chosen = find_backbone(backbone)
    weights = weights or ("imagenet" if chosen.has_imagenet else "none")
    file = None if weights in {"imagenet", "none"} else Path(weights)
    usual = recipe.FROM_NOTHING if weights == "none" else recipe.HEAD
    height, width = read_size(size or str(chosen.side))
    settings = TransferSettings(
        "transfer",
        epochs or usual.epochs,
        batch_size,
        learning_rate or usual.learning_rate,
        seed,
        validation_images,
        limit,
        backbone=backbone,
        weights=file.name if file else weights,
        weights_sha256=weights_sha256,
        size=f"{height}x{width}",
        framing=framing.value,
        resampling=resampling.value,
        ground=ground,
        variants=variants,
        augment=augment,
        dropout=dropout,
        fine_tune=fine_tune,
        fine_tune_share=fine_tune_share,
        fine_tune_learning_rate=fine_tune_learning_rate,
    )
    train = partial(recipe.train, weights_file=file)
    run_recipe(train, settings, data, out, resume, command=settings.command_with(file), tensorboard=tensorboard)
