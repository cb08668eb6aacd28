"""The options of `fmnist-edge batch`, in the groups in which `--help` shows them."""

from pathlib import Path
from typing import Annotated

from edge.choices import BatchFormat, Engine
from edge.cli.option_groups import Option, OptionGroup

WRITTEN = "Results"
ADDRESSES = "Sources"
ENGINES = "Engines"


class BatchOutputOptions(OptionGroup):
    """What is written."""

    form: Annotated[BatchFormat, Option("--format", "-f", help="Parquet or JSON Lines.", rich_help_panel=WRITTEN)] = (
        BatchFormat.PARQUET
    )
    top_k: Annotated[int, Option(min=1, max=1000, help="Labels a picture.", rich_help_panel=WRITTEN)] = 3
    part_size: Annotated[
        int, Option(min=1, max=100_000, help="Pictures in a file at most.", rich_help_panel=WRITTEN)
    ] = 5000


class BatchSourceOptions(OptionGroup):
    """Where the pictures are, and how they are reached."""

    column: Annotated[
        str | None,
        Option(
            metavar="NAME",
            help="Column of a CSV or Parquet file with the pictures' bytes or addresses; with a folder, of the Parquet "
            "files in it.",
            rich_help_panel=ADDRESSES,
        ),
    ] = None
    id_column: Annotated[
        str | None,
        Option(
            metavar="NAME",
            help="Column of a Parquet file that names each picture; FILE#ROW if not given.",
            rich_help_panel=ADDRESSES,
        ),
    ] = None
    s3_endpoint: Annotated[
        str | None,
        Option(
            metavar="URL",
            envvar="AWS_ENDPOINT_URL_S3",
            help="An S3-compatible server; Amazon's if not given.",
            rich_help_panel=ADDRESSES,
        ),
    ] = None
    s3_region: Annotated[str | None, Option(metavar="NAME", help="Its region.", rich_help_panel=ADDRESSES)] = None
    s3_anonymous: Annotated[
        bool, Option("--s3-anonymous", help="Ask without keys, for public buckets.", rich_help_panel=ADDRESSES)
    ] = False
    ca_file: Annotated[
        Path | None,
        Option(metavar="FILE", help="Trust the certificates in it, too (PEM), for https.", rich_help_panel=ADDRESSES),
    ] = None
    insecure: Annotated[bool, Option("--insecure", help="Check no certificates.", rich_help_panel=ADDRESSES)] = False


class EngineOptions(OptionGroup):
    """Who answers."""

    engine: Annotated[Engine, Option(help="Processes of this machine, or a Ray cluster.", rich_help_panel=ENGINES)] = (
        Engine.LOCAL
    )
    workers: Annotated[
        int, Option(min=0, max=10_000, help="Pictures at a time; 0 stands for all cores.", rich_help_panel=ENGINES)
    ] = 0
    address: Annotated[
        str | None,
        Option(
            metavar="HOST:PORT",
            help="The Ray cluster; one on this machine is started if not given.",
            rich_help_panel=ENGINES,
        ),
    ] = None
