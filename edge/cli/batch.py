"""The command `fmnist-edge batch`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.choices import DEFAULT_MODEL, DEFAULT_VIEWS, BatchFormat, Engine
from edge.cli import console
from edge.cli.batch_options import BatchOutputOptions, BatchSourceOptions, EngineOptions
from edge.cli.option_groups import takes_option_groups
from edge.cli.options import BackendOptions, ModelOption, PlainOptions, ViewsOption, cores_for, read_checked
from edge.errors import BadOption, SomeInputsFailed

if TYPE_CHECKING:
    from edge.batch.run import Engine as Answering
    from edge.batch.run import Outcome
    from edge.batch.settings import BatchSettings


@takes_option_groups
def batch(
    where: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A folder or s3://BUCKET/PREFIX with pictures, a list of addresses (text or CSV), or Parquet.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="The folder of the results; one begun goes on.")
    ],
    model: ModelOption = DEFAULT_MODEL,
    views: ViewsOption = DEFAULT_VIEWS,
    min_score: Annotated[
        float | None, typer.Option(min=0, max=1, help="Less is unknown; the model's own threshold if not given.")
    ] = None,
    *,
    plain: PlainOptions,
    written: BatchOutputOptions,
    source: BatchSourceOptions,
    engines: EngineOptions,
    on: BackendOptions,
) -> None:
    """Answer a whole catalogue, in tables: every picture once, over several runs if need be."""
    from edge.batch.run import BatchSource, run_batch
    from edge.batch.settings import BatchSettings, S3Settings, checked, need_pyarrow
    from edge.cli.display import bar, counter
    from edge.inference.model_file import read_labels
    from edge.sources.settings import SourceSettings

    if written.form is BatchFormat.PARQUET:
        need_pyarrow("--format parquet")
    network = SourceSettings(ca_file=source.ca_file, insecure=source.insecure)
    if source.ca_file is not None:
        from edge.sources.network.tls import check_options

        check_options(network)
    settings = BatchSettings(
        model=checked(read_checked(model, on)),
        backend=on.backend,
        delegate=on.delegate,
        cpu_model=on.cpu_model,
        require_coral=on.require_coral,
        labels=read_labels(plain.labels) if plain.labels else (),
        framing=plain.framing,
        pixels=plain.pixels,
        views=views,
        min_score=min_score,
        top_k=written.top_k,
        form=written.form,
        network=network,
        s3=S3Settings(source.s3_endpoint, source.s3_region, source.s3_anonymous),
    )
    outcome = run_batch(
        BatchSource(where, source.column, source.id_column, written.part_size),
        output,
        settings,
        _engine(engines, settings),
        partial(counter, "list"),
        partial(bar, title="classify"),
    )
    _tell(outcome, output)


def _engine(options: EngineOptions, settings: BatchSettings) -> Answering:
    """Who answers. A model that does not open is told before anything is listed. Raises BadOption, too."""
    if options.engine is Engine.RAY:
        from edge.batch.engines.ray_cluster import RayEngine

        return RayEngine(options.address, options.workers or None)
    if options.address is not None:
        raise BadOption("--address without --engine ray", "leave one of them out")
    from edge.batch.engines.local import LocalEngine
    from edge.inference.backends import holds_coral, release

    interpreter = settings.open_classifier().interpreter
    workers = 1 if holds_coral(interpreter) else cores_for(options.workers)  # there is one Coral
    release(interpreter)
    return LocalEngine(workers, lambda text: console.note(f"warning: {text}"))


def _tell(outcome: Outcome, output: Path) -> None:
    """Say what it came to. Raises SomeInputsFailed where there are failures."""
    listed = outcome.listed
    console.say(f"{output}: {outcome.answered} answers" + " (finished before)" * outcome.was_finished)
    for number, one, more in ((listed.repeated, "repeats an", "repeat an"), (listed.blank, "has no", "have no")):
        if number:
            console.say(f"{number} row {one} address" if number == 1 else f"{number} rows {more} address")
    if outcome.failed:
        raise SomeInputsFailed(
            f"{outcome.failed} of {listed.pictures} pictures could not be answered", f"{output}/failures says why"
        )
