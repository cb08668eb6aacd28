"""`convert publish`: a repository that a reader never meets half of, keys with thresholds, and what needs which key."""

from __future__ import annotations

import json
import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("tuf", reason="no tuf: pip install 'fmnist-edge[update]'")

from click.testing import Result
from tuf.api.metadata import Metadata, Root
from tuf.ngclient.config import EnvelopeType
from typer.testing import CliRunner

from convert.cli.app import app
from convert.publishing import publishing
from convert.publishing.key_ring import KeyRing
from convert.publishing.repository import Repository
from edge.errors import BadOption, ModelError, ModelNotFound, ModelUnsupported
from edge.fleet.release import Channel
from edge.inference.model_file import bundled_models, read_model
from tests.conftest import plain
from tests.edge.events.full_disk import files_up_to

TINY, SMALL = (str(bundled_models()[name]) for name in ("tiny", "small"))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["publish", *map(str, arguments)])


def good(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exception is None, result.exception
    return result.stdout


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def shop(tmp_path: Path, keys: Path) -> Path:
    """A repository in which nothing is published."""
    good("init", tmp_path / "shop", "--keys", keys)
    return tmp_path / "shop"


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def check_whole(repository: Path) -> None:
    """A reader who begins now finds everything, signed by enough keys: TUF's own rules, root after root."""
    from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet

    metadata = repository / "metadata"
    trusted = TrustedMetadataSet((metadata / "1.root.json").read_bytes(), EnvelopeType.METADATA)
    for version in range(2, 100):
        if not (metadata / f"{version}.root.json").exists():
            break
        trusted.update_root((metadata / f"{version}.root.json").read_bytes())
    timestamp = trusted.update_timestamp((metadata / "timestamp.json").read_bytes())
    snapshot = trusted.update_snapshot((metadata / f"{timestamp.snapshot_meta.version}.snapshot.json").read_bytes())
    version = snapshot.meta["targets.json"].version
    targets = trusted.update_targets((metadata / f"{version}.targets.json").read_bytes())
    for name, target in targets.targets.items():
        content = (repository / "targets" / f"{target.hashes['sha256']}.{name}").read_bytes()
        target.verify_length_and_hashes(content)


def test_begun_published_promoted_withdrawn(shop: Path, keys: Path) -> None:
    check_whole(shop)
    assert sorted(path.name for path in keys.iterdir()) == sorted(
        f"{name}{suffix}"
        for name in ("root-1", "root-2", "root-3", "targets-1", "online-1")
        for suffix in (".key", ".pub")
    )
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys.glob("*.key")} == {0o600}
    at = ("--repository", shop, "--keys", keys)
    assert "10 % of canary (accuracy 93.62%)" in good(TINY, *at, "--channel", "canary", "--percent", 10, "--name", "v1")
    assert "10 % of canary, 50 % of stable" in good("add", TINY, *at, "--percent", 50, "--name", "v1")
    good(*at, SMALL)  # options first: the word add may be missing there, too
    check_whole(shop)
    assert [(one.version, one.order, dict(one.shares)) for one in publishing.releases_of(Repository.read(shop))] == [
        ("v1", 1, {Channel.CANARY: 10, Channel.STABLE: 50}),
        ("small", 2, {Channel.STABLE: 100}),
    ]
    told = good("status", shop)
    assert "v1: canary 10 %, stable 50 %, accuracy 93.62%" in told
    good("withdraw", "v1", *at)
    check_whole(shop)
    assert [one.version for one in publishing.releases_of(Repository.read(shop))] == ["small"]
    assert isinstance(run("withdraw", "v1", *at).exception, BadOption)
    assert isinstance(run("init", shop, "--keys", keys).exception, BadOption)


def test_nothing_of_unknown_accuracy_and_nothing_else_under_a_name_that_is_taken(
    tmp_path: Path, shop: Path, keys: Path
) -> None:
    at = ("--repository", shop, "--keys", keys)
    good(TINY, *at, "--name", "v1")
    before = files(shop)
    (tmp_path / "letter.txt").write_text("Dear")
    (tmp_path / "plain.tflite").write_bytes(plain(read_model("tiny")))
    for arguments, error, said in (
        ((tmp_path / "plain.tflite",), ModelUnsupported, "no manifest"),
        ((SMALL, "--name", "v1"), BadOption, "another content"),
        ((SMALL, "--name", "../v2"), BadOption, "cannot be a version's name"),
        ((SMALL, "--name", "current"), BadOption, "cannot be a version's name"),
        ((tmp_path / "none.tflite",), ModelNotFound, "none.tflite"),
        ((tmp_path / "letter.txt",), ModelError, "is not a TFLite model"),
    ):
        refused = run("add", *arguments, *at)
        assert isinstance(refused.exception, error)
        assert said in str(refused.exception)
    assert files(shop) == before


def test_a_version_that_states_less_than_the_one_before_is_told(shop: Path, keys: Path) -> None:
    """By the channel's devices, to which it is newer; one that is published again follows what it followed."""
    at = ("--repository", shop, "--keys", keys)
    good(SMALL, *at, "--name", "v1")
    worse = run(TINY, *at, "--name", "v2", "--channel", "canary")
    assert worse.exception is None
    assert "warning: v1, which it follows, states 94.82%" in worse.stderr
    assert run(SMALL, *at, "--name", "v1").stderr == ""
    assert run(SMALL, *at, "--name", "v3").stderr == ""  # stable has not had v2


def test_one_publishes_at_a_time(shop: Path, keys: Path) -> None:
    with Repository.read(shop).locked():
        other = run(TINY, "--repository", shop, "--keys", keys)
    assert isinstance(other.exception, BadOption)
    assert "somebody else publishes there just now" in str(other.exception)


def test_without_enough_keys_nothing_is_written(tmp_path: Path, shop: Path, keys: Path) -> None:
    """Each kind of key lies somewhere else: publishing needs no root key, the timer only the online key."""
    places = {name: tmp_path / name for name in ("root", "targets", "online")}
    for name, place in places.items():
        place.mkdir()
        for path in keys.glob(f"{name}-*"):
            shutil.move(path, place)
    before = files(shop)
    refused = run(TINY, "--repository", shop, "--keys", places["online"])
    assert isinstance(refused.exception, BadOption)
    assert "targets has to be signed by 1 of 1 targets keys; here: none" in str(refused.exception)
    assert "root has to be signed" in str(run("rotate", shop, "--keys", places["online"], "--of", "root").exception)
    kept = files(shop)
    assert {name: kept[name] for name in before} == before
    assert not set(kept) - set(before) - {name for name in kept if name.startswith("targets/")}
    good(TINY, "--repository", shop, "--keys", places["targets"], "--keys", places["online"])
    good("refresh", shop, "--keys", places["online"])
    (places["root"] / "root-2.key").unlink()
    good("rotate", shop, "--keys", places["root"], "--keys", places["online"], "--of", "online")
    (places["root"] / "root-3.key").unlink()
    refused = run("rotate", shop, "--keys", places["root"], "--keys", places["online"], "--of", "online")
    assert "root has to be signed by 2 of 3 root keys; here: root-1" in str(refused.exception)
    check_whole(shop)


def test_keys_change_and_each_root_is_signed_by_the_one_before(shop: Path, keys: Path) -> None:
    good(TINY, "--repository", shop, "--keys", keys)
    good("rotate", shop, "--keys", keys)
    good("rotate", shop, "--keys", keys, "--of", "root", "--of", "targets")
    told = good("revoke", "targets-3", "--repository", shop, "--keys", keys)
    assert "targets: targets-4 from now on" in told
    assert "online: online-3 from now on" in told
    good(SMALL, "--repository", shop, "--keys", keys)
    check_whole(shop)
    root = Metadata[Root].from_bytes((shop / "metadata" / "4.root.json").read_bytes()).signed
    ring = KeyRing([keys])
    assert {ring.name(keyid) for keyid in root.keys} == {"root-7", "root-8", "root-9", "targets-4", "online-3"}
    assert isinstance(run("revoke", "targets-1", "--repository", shop, "--keys", keys).exception, BadOption)
    assert isinstance(run("rotate", shop, "--keys", keys, "--of", "mine").exception, BadOption)


def test_while_keys_change_old_readers_and_new_ones_are_both_served(shop: Path, keys: Path) -> None:
    """Between the new timestamp and the new root, the timestamp is signed by the old keys and the new ones."""
    good(TINY, "--repository", shop, "--keys", keys)
    good("rotate", shop, "--keys", keys)
    (shop / "metadata" / "2.root.json").unlink()  # as a reader sees it who comes a moment before
    check_whole(shop)


@pytest.mark.parametrize("limit", [0, 500, 1000, 30_000])
def test_a_full_disk_leaves_a_whole_repository(shop: Path, keys: Path, limit: int) -> None:
    good(TINY, "--repository", shop, "--keys", keys, "--name", "v1")
    with files_up_to(limit):
        failed = run(SMALL, "--repository", shop, "--keys", keys)
    assert failed.exception is not None
    check_whole(shop)
    good(SMALL, "--repository", shop, "--keys", keys)
    check_whole(shop)
    assert [one.version for one in publishing.releases_of(Repository.read(shop))] == ["v1", "small"]


def test_an_interrupted_write_is_passed_over(shop: Path, keys: Path) -> None:
    """Metadata that no timestamp names stay as they are: a number is never given twice."""
    left = shop / "metadata" / "2.targets.json"
    left.write_bytes(b"half")
    good(TINY, "--repository", shop, "--keys", keys)
    assert left.read_bytes() == b"half"
    check_whole(shop)


def test_what_is_half_over_is_signed_anew_as_far_as_the_keys_are_here(tmp_path: Path, shop: Path, keys: Path) -> None:
    opened, ring = Repository.read(shop), KeyRing([keys])
    assert publishing.refresh(opened, ring) == (["timestamp"], [])
    later = datetime.now(UTC) + timedelta(days=200)
    assert publishing.refresh(Repository.read(shop), ring, now=later) == (
        ["root", "snapshot", "targets", "timestamp"], [],
    )  # fmt: skip
    online = tmp_path / "online"
    online.mkdir()
    for path in keys.glob("online*"):
        shutil.copy(path, online)
    done, missing = publishing.refresh(Repository.read(shop), KeyRing([online]), now=later)
    assert (done, missing) == (["snapshot", "timestamp"], ["root", "targets"])
    check_whole(shop)


def test_signed_json_is_small_and_says_no_secret(shop: Path, keys: Path) -> None:
    good(TINY, "--repository", shop, "--keys", keys)
    assert (shop / "metadata" / "timestamp.json").stat().st_size < 500
    told = json.loads((shop / "metadata" / "2.targets.json").read_text())["signed"]["targets"]["tiny.tflite"]["custom"]
    assert told == {"fmnist-edge": {"v": 1, "order": 1, "channels": {"stable": 100}, "accuracy": "0.9362"}}
    secrets = [path.read_bytes().splitlines()[1] for path in keys.glob("*.key")]
    assert not [name for name, content in files(shop).items() for secret in secrets if secret in content]


def test_keys_with_a_passphrase(tmp_path: Path) -> None:
    word = tmp_path / "word"
    word.write_text("a long passphrase\n")
    word.chmod(0o600)
    keys, shop = tmp_path / "keys", tmp_path / "shop"
    good("init", shop, "--keys", keys, "--passphrase-file", word)
    refused = run(TINY, "--repository", shop, "--keys", keys)
    assert "has a passphrase" in str(refused.exception)
    good(TINY, "--repository", shop, "--keys", keys, "--passphrase-file", word)
    check_whole(shop)
