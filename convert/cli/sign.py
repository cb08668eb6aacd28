"""The commands `convert keygen` and `convert sign`: parse, sign, print. Cryptography loads when the work starts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from edge.cli import console

MODULES = ("securesystemslib", "cryptography")

PassphraseOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The key's passphrase: one line, mode 0600; or set FMNIST_EDGE_KEY_PASSPHRASE."),
]


def keygen(
    key: Annotated[Path, typer.Argument(metavar="FILE", help="Where the private key goes; the .pub lies beside it.")],
    passphrase_file: PassphraseOption = None,
) -> None:
    """Make a pair of keys: the private one signs models, the public one (.pub) goes to the devices."""
    console.require_extra("sign", MODULES)
    from convert.pipe_console import PipeConsole
    from convert.signing.key_files import make_key_pair

    public, key_id = make_key_pair(key, passphrase_file)
    screen = PipeConsole(sys.stdout)
    screen.say(f"wrote {key}: keep it secret, and keep a copy")
    screen.say(f"wrote {public} ({key_id[:16]}): for --trusted-keys")


def sign(
    model: Annotated[str, typer.Argument(help="A .tflite file, or a bundled model's name.")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="The private key.")],
    expires: Annotated[
        str | None, typer.Option(metavar="DATE", help="The last day on which it is good, such as 2027-06-30.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write; default: in place (a bundled one: here).")
    ] = None,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Sign a model file: flatbuffer, manifest and labels together. It stays one file that every runtime reads."""
    console.require_extra("sign", MODULES)
    from convert.output_files import write_all
    from convert.pipe_console import PipeConsole
    from convert.signing import signing
    from convert.signing.key_files import read_private_key
    from edge.inference.model_file import bundled_models, read_model

    until = None if expires is None else signing.parse_expiry(expires)
    path = read_model(model).path
    target = output or (Path(path.name) if model in bundled_models() else path)
    content, signature = signing.sign(path.read_bytes(), path, read_private_key(key, passphrase_file), until)
    write_all({target: content})
    ends = f"until {signature.expires}" if signature.expires else "for good"
    PipeConsole(sys.stdout).say(f"wrote {target}, signed by {signature.key_id[:16]} {ends}")
