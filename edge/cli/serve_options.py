"""The options of `fmnist-edge serve` beside those of `classify`."""

from pathlib import Path
from typing import Annotated

from edge.cli.option_groups import Option, OptionGroup

SERVE_NEEDS = ("starlette", "uvicorn")
"""What the extra serve brings."""

PAGE = "The page"
DEFAULT_PORT = 8470


class ServeOptions(OptionGroup):
    """Where the page is served, and who may see it."""

    host: Annotated[
        str,
        Option(
            metavar="ADDRESS",
            help="Serve there: 0.0.0.0 for all addresses of this machine. Other than this machine alone needs a token.",
            rich_help_panel=PAGE,
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Option(min=0, max=65535, help="0 takes a free one, which is said.", rich_help_panel=PAGE)] = (
        DEFAULT_PORT
    )
    token_file: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="Ask for the token in it: one line, mode 0600. It is made, and shown once, if it is not there.",
            rich_help_panel=PAGE,
        ),
    ] = None
    new_token: Annotated[
        bool, Option("--new-token", help="Make another token; all logins end.", rich_help_panel=PAGE)
    ] = False
    no_token: Annotated[
        bool,
        Option(
            "--no-token", help="Ask for none: everybody who reaches the port sees the camera.", rich_help_panel=PAGE
        ),
    ] = False
    host_name: Annotated[
        list[str] | None,
        Option(
            metavar="NAME",
            help="A name that browsers call this machine by, beside its own. Repeatable.",
            rich_help_panel=PAGE,
        ),
    ] = None
    tls_cert: Annotated[
        Path | None,
        Option(metavar="FILE", help="Serve by TLS with this certificate (PEM).", rich_help_panel=PAGE),
    ] = None
    tls_key: Annotated[
        Path | None, Option(metavar="FILE", help="The certificate's key (PEM).", rich_help_panel=PAGE)
    ] = None
