"""Options of `fmnist-edge bench`."""

from pathlib import Path
from typing import Annotated

from edge.choices import DEFAULT_VIEWS, EDGETPU_LIBRARY, Backend, BenchFormat
from edge.cli.completion import model_names
from edge.cli.option_groups import Option, OptionGroup
from edge.cli.options import DelegateOption, PlainOptions, TrustBundledOption, TrustedKeysOption, ViewsOption


class MeasureOptions(OptionGroup):
    """What is measured, and for how long."""

    model: Annotated[
        list[str] | None,
        Option("--model", "-m", autocompletion=model_names, help="camera if not given; again for another."),
    ] = None
    backend: Annotated[list[Backend] | None, Option(help="All that are installed if not given; again for another.")] = (
        None
    )
    threads: Annotated[
        list[int] | None,
        Option(min=1, max=64, help="1, 2, 4 ... up to the cores if not given; again for another number."),
    ] = None
    duration: Annotated[
        float | None, Option(min=0.1, max=3600, help="Seconds for each line of the tables; 3 if not given.")
    ] = None
    frames: Annotated[int | None, Option(min=1, help="So many frames for each instead.")] = None
    views: ViewsOption = DEFAULT_VIEWS
    plain: PlainOptions
    delegate: DelegateOption = EDGETPU_LIBRARY
    trusted_keys: TrustedKeysOption = None
    trust_bundled: TrustBundledOption = False


class ReportOptions(OptionGroup):
    """Where the result goes."""

    form: Annotated[BenchFormat, Option("--format", "-f", help="table, json or markdown.")] = BenchFormat.TABLE
    output: Annotated[Path | None, Option("--output", "-o", metavar="FILE", help="Save the result as JSON, too.")] = (
        None
    )
    compare: Annotated[
        list[Path] | None,
        Option(metavar="FILE", help="Compare with a saved result; given twice, compare the two and measure none."),
    ] = None
