"""The commands `convert publish ...`: parse, publish, print. TUF and cryptography load when the work starts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from edge.choices import Channel
from edge.cli import console

if TYPE_CHECKING:
    from convert.pipe_console import PipeConsole
    from convert.publishing.key_ring import KeyRing
    from convert.publishing.repository import Repository

MODULES = ("tuf", "securesystemslib", "cryptography")


class _AddsByDefault(TyperGroup):
    """`convert publish MODEL ...` is `convert publish add MODEL ...`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As every group of commands; what begins with none of them is of `add`."""
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["add", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_AddsByDefault,
    help="Publish models to a fleet of devices: a TUF repository that any static web server gives out.",
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The repository.")]
RepositoryOption = Annotated[Path, typer.Option("--repository", metavar="DIR", help="The repository.")]
KeysOption = Annotated[
    list[Path],
    typer.Option("--keys", metavar="DIR", help="Folder with private keys; once for each. New ones go to the first."),
]
PassphraseOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The keys' passphrase: one line, mode 0600; or set FMNIST_EDGE_KEY_PASSPHRASE."),
]


@app.command()
def init(
    folder: Folder,
    keys: KeysOption,
    root_keys: Annotated[
        str, typer.Option(metavar="M/N", help="M of N keys say whose keys count; keep them off the network.")
    ] = "2/3",
    targets_keys: Annotated[str, typer.Option(metavar="M/N", help="M of N keys publish.")] = "1/1",
    online_keys: Annotated[str, typer.Option(metavar="M/N", help="M of N keys sign the timestamp.")] = "1/1",
    passphrase_file: PassphraseOption = None,
) -> None:
    """Make keys and an empty repository."""
    console.require_extra("update", MODULES)
    from convert.publishing.key_ring import KeyRing
    from convert.publishing.publishing import begin
    from convert.publishing.roles import Signer, Threshold

    thresholds = {
        Signer.ROOT: Threshold.parse(root_keys),
        Signer.TARGETS: Threshold.parse(targets_keys),
        Signer.ONLINE: Threshold.parse(online_keys),
    }
    keys[0].mkdir(mode=0o700, parents=True, exist_ok=True)
    root = begin(folder, KeyRing(keys, passphrase_file), thresholds)
    screen = _screen()
    screen.say(f"wrote {folder}, and keys into {keys[0]}: keep them secret, and keep copies in several places")
    screen.say(f"devices begin with {root}: fmnist-edge update --root FILE")


@app.command()
def add(
    model: Annotated[Path, typer.Argument(help="A .tflite file with a manifest, as convert quantize writes it.")],
    repository: RepositoryOption,
    keys: KeysOption,
    channel: Annotated[Channel, typer.Option(help="Who is to have it.")] = Channel.STABLE,
    percent: Annotated[int, typer.Option(min=0, max=100, help="So many in a hundred devices of the channel.")] = 100,
    name: Annotated[str | None, typer.Option(help="The version's name; the file's if not given.")] = None,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Publish a version of a model, or change its channel or percentage. The word `add` may be left out."""
    with _opened(repository, keys, passphrase_file) as (opened, ring, screen):
        from convert.publishing.publishing import better_before, publish
        from edge.inference.model_file import read_model

        path = read_model(str(model)).path
        release = publish(path, name or model.stem, opened, ring, channel, percent)
        shares = ", ".join(f"{share} % of {one}" for one, share in sorted(release.shares.items()))
        screen.say(f"published {release.version}: {shares} (accuracy {release.accuracy:.2%})")
        better = better_before(release, opened, channel)
        if better is not None:
            console.note(
                f"warning: {better.version}, which it follows, states {better.accuracy:.2%}; "
                "a device refuses it only where its own pictures show that it is clearly worse"
            )
        if not (read_model(str(path)).manifest or {}).get("held_out"):
            screen.say("its manifest states no held-out figures: devices cannot tell whether its decisions drift")


@app.command()
def withdraw(
    version: Annotated[str, typer.Argument(help="The version's name.")],
    repository: RepositoryOption,
    keys: KeysOption,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Publish a version no more: devices that run it go back to the newest that is left."""
    with _opened(repository, keys, passphrase_file) as (opened, ring, screen):
        from convert.publishing.publishing import withdraw as take_away

        take_away(version, opened, ring)
        screen.say(f"withdrew {version}")


@app.command()
def rotate(
    folder: Folder,
    keys: KeysOption,
    of: Annotated[
        list[str] | None, typer.Option("--of", metavar="WHOSE", help="root, targets or online; all if not given.")
    ] = None,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Make new keys in the place of all old ones, and sign everything anew. Devices follow by themselves."""
    with _opened(folder, keys, passphrase_file) as (opened, ring, screen):
        from convert.publishing import renewal
        from convert.publishing.roles import Signer
        from edge.errors import BadOption

        unknown = sorted(set(of or ()) - set(map(str, Signer)))
        if unknown:
            raise BadOption(f"--of {unknown[0]}: there are root, targets and online keys")
        _tell_made(renewal.rotate(opened, ring, [one for one in Signer if of is None or one in of]), ring, screen)


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Its .pub file, its name, or the first digits of its id.")],
    repository: RepositoryOption,
    keys: KeysOption,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Take away a key that somebody else may have. The online keys are renewed with it."""
    with _opened(repository, keys, passphrase_file) as (opened, ring, screen):
        from convert.publishing import renewal

        found = ring.find(key, opened.root.signed.keys)
        _tell_made(renewal.revoke(opened, ring, found), ring, screen)
        screen.say(f"{ring.name(found.keyid)} counts no more; withdraw what it may have published")


@app.command()
def refresh(folder: Folder, keys: KeysOption, passphrase_file: PassphraseOption = None) -> None:
    """Sign the timestamp anew, and what else has half expired. For a timer, once a day."""
    with _opened(folder, keys, passphrase_file) as (opened, ring, screen):
        from convert.publishing.publishing import refresh as sign_anew
        from convert.publishing.roles import SIGNER_OF

        done, missing = sign_anew(opened, ring)
        for role in done:
            screen.say(f"{role}: good until {opened.metadata(role).signed.expires:%Y-%m-%d %H:%M} UTC")
        for role in missing:
            ends = opened.metadata(role).signed.expires
            console.note(f"warning: {role} ends {ends:%Y-%m-%d}, and the {SIGNER_OF[role]} keys are not here")


@app.command()
def status(folder: Folder) -> None:
    """Say which versions are published for whom, whose keys count, and until when."""
    console.require_extra("update", MODULES)
    from convert.publishing.publishing import releases_of
    from convert.publishing.repository import Repository
    from convert.publishing.roles import SIGNER_OF

    opened, screen = Repository.read(folder), _screen()
    for release in releases_of(opened):
        shares = ", ".join(f"{one} {share} %" for one, share in sorted(release.shares.items())) or "no channel"
        stated = "" if release.accuracy is None else f", accuracy {release.accuracy:.2%}"
        screen.say(f"{release.version}: {shares}{stated}")
    for role in SIGNER_OF:
        signed, by = opened.metadata(role).signed, opened.root.signed.roles[role]
        ids = ", ".join(keyid[:16] for keyid in by.keyids)
        screen.say(
            f"{role} {signed.version}: until {signed.expires:%Y-%m-%d %H:%M} UTC; {by.threshold} of the keys {ids}"
        )


@contextmanager
def _opened(
    folder: Path, keys: list[Path], passphrase_file: Path | None
) -> Iterator[tuple[Repository, KeyRing, PipeConsole]]:
    console.require_extra("update", MODULES)
    from convert.publishing.key_ring import KeyRing
    from convert.publishing.repository import Repository

    ring = KeyRing(keys, passphrase_file)
    with Repository.read(folder).locked():
        yield Repository.read(folder), ring, _screen()  # as it is now that nobody else writes


def _tell_made(made: Any, ring: KeyRing, screen: PipeConsole) -> None:
    for signer, new in made.items():
        screen.say(f"{signer}: {', '.join(ring.name(key.keyid) for key in new)} from now on")


def _screen() -> PipeConsole:
    from convert.pipe_console import PipeConsole

    return PipeConsole(sys.stdout)
