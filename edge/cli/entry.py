"""Where `fmnist-edge` begins. What needs no parsing starts without Typer, which takes a third of a short run's time."""

from __future__ import annotations

import os
import sys

from edge.cli import console, garbage


def main() -> None:
    """Entry point of the console script."""
    # Before NumPy loads: its products here are too small for threads, which would only wait for each other, busily.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    garbage.put_off()
    console.run_and_leave(lambda: _run(sys.argv[1:]))


def _run(arguments: list[str]) -> None:
    from edge.cli.help_pages import find_page

    page = find_page(arguments, sys.stdout)
    if page is not None:
        sys.stdout.write(page)
    elif arguments == ["--version"]:
        from edge.cli.version import say_version

        say_version()
    elif arguments == ["models"] and _nothing_is_set():
        from edge.cli.models import models

        models()
    elif len(arguments) > 1 and arguments[0] == "classify" and not _has_options(arguments) and _nothing_is_set():
        from edge.cli.classify_options import RunOptions
        from edge.cli.classify_sources import run_classify

        run_classify(arguments[1:], None, RunOptions())
    else:
        from edge.cli.app import app

        app()


def _has_options(arguments: list[str]) -> bool:
    return any(one.startswith("-") for one in arguments)


def _nothing_is_set() -> bool:
    """Whether every option that is not given has its default: there is no configuration file."""
    from edge.service.config_location import find_config

    return find_config() is None
