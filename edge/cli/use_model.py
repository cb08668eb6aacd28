"""The command `fmnist-edge use-model`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge.cli import console
from edge.cli.option_groups import takes_option_groups
from edge.cli.options import TrustedKeysOption, trust_of
from edge.errors import BadOption


@takes_option_groups
def use_model(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder of versions, as --model takes it.")],
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="Its name there, or a file, which is put there.")
    ] = None,
    previous: Annotated[bool, typer.Option("--previous", help="Go back to what ran before.")] = False,
    trusted_keys: TrustedKeysOption = None,
) -> None:
    """Say which version of a folder runs; a service follows within seconds. Without VERSION: list them."""
    from edge.deployment.rollback import add_version, find_version, use_version, version_before
    from edge.inference.model_file import read_model

    trust = trust_of(trusted_keys, trust_bundled=False)
    if not folder.is_dir():
        raise BadOption(f"{folder} is no folder of versions", f"mkdir {folder}, and put models there")
    if version is not None and previous:
        raise BadOption("--previous with a version", "leave one of them out")
    if version is None and not previous:
        _list(folder)
        return
    if version is None:
        chosen = version_before(folder)
    elif Path(version).is_file() and Path(version).resolve().parent != folder.resolve():
        read_model(version, trust)
        chosen = add_version(folder, Path(version).read_bytes(), Path(version).name)
    else:
        chosen = find_version(folder, Path(version).name)
    model = read_model(str(chosen), trust)
    use_version(folder, chosen)
    console.say(f"{chosen.name} runs from now on ({model.name}, {model.sha256[:12]})")


def _list(folder: Path) -> None:
    from edge.inference.model_versions import version_in_use, versions

    running = version_in_use(folder)
    for path in versions(folder):
        console.say(f"{'*' if path == running else ' '} {path.stem}")
