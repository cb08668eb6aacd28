"""One device and a repository that somebody else has in hand: nothing of theirs is installed, and what runs goes on."""

from __future__ import annotations

import json
import shutil
import time
from datetime import timedelta
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata, Root, Targets

import edge.fleet.repository as device_side
from convert.publishing import publishing, renewal
from convert.publishing.repository import Repository as Published
from convert.publishing.roles import Periods, Signer
from edge.choices import Channel
from edge.errors import RepositoryUnreachable, RepositoryUntrusted, UpdateFailed
from edge.inference.model_file import bundled_models
from tests.edge.fleet.shop import Device, Handler, Server, Shop, drip, serving

EVIL = bundled_models()["mlp"].read_bytes()


def check_refused(device: Device, *errors: type[UpdateFailed]) -> str:
    """Nothing is installed, nothing is left behind, and what runs goes on; what was said."""
    files = {path.name for path in device.models.iterdir()}
    with pytest.raises(errors or (RepositoryUntrusted,)) as refused:
        device.update()
    assert device.runs == "v1"
    assert {path.name for path in device.models.iterdir()} == files
    assert list(device.fleet.staged.iterdir()) == []
    status = device.fleet.status()
    assert status is not None
    assert (status.state, status.version) == ("failed", "v1")
    return str(refused.value)


def check_recovers(shop: Shop, server: Server, device: Device, version: str = "v2") -> None:
    """Once the truth is told again, the device takes it."""
    server.lie = None
    server.folder = shop.repository
    assert device.update().version == version
    assert device.runs == version


def test_arbitrary_software_in_the_place_of_a_version(shop: Shop, server: Server, device: Device) -> None:
    shop.publish("small", "v2")
    server.lie = lambda handler, content: EVIL if handler.path.startswith("/targets/") else content
    check_refused(device)
    same_length = len(bundled_models()["small"].read_bytes())
    server.lie = lambda handler, content: (
        EVIL.ljust(same_length, b"\0")[:same_length] if handler.path.startswith("/targets/") else content
    )
    assert "Observed hash" in check_refused(device)
    check_recovers(shop, server, device)


def test_a_repository_of_somebody_else(tmp_path: Path, shop: Shop, server: Server, device: Device) -> None:
    other = Shop(tmp_path / "other")
    other.publish("mlp", "v2")
    server.folder = other.repository
    check_refused(device)
    shop.publish("small", "v2")
    check_recovers(shop, server, device)


def test_a_root_of_somebody_else_that_says_it_follows(
    tmp_path: Path, shop: Shop, server: Server, device: Device
) -> None:
    other = Shop(tmp_path / "other")
    other.publish("mlp", "v2")
    other.rotate()
    server.folder = other.repository
    check_refused(device)


def test_rollback_to_an_older_repository(shop: Shop, server: Server, device: Device) -> None:
    older = shop.copy("older")
    shop.publish("small", "v2")
    assert device.update().version == "v2"
    server.folder = older
    with pytest.raises(RepositoryUntrusted, match="version"):
        device.update()
    assert device.runs == "v2"


def test_freeze(shop: Shop, server: Server, device: Device) -> None:
    """Nothing newer is shown; the timestamp expires, and then the device knows."""
    short = Periods(timestamp=timedelta(seconds=2))
    publishing.refresh(shop.opened, shop.ring, short)
    frozen = shop.copy("frozen")
    server.folder = frozen
    device.update()
    time.sleep(3)
    shop.publish("small", "v2")
    assert "expired" in check_refused(device)
    check_recovers(shop, server, device)


def test_mix_and_match(shop: Shop, server: Server, device: Device) -> None:
    """Metadata of different moments do not go together, though each was signed by us."""
    shop.publish("mlp", "v2")
    shop.publish("small", "v3")
    newest = shop.opened
    targets, snapshot = newest.targets.signed.version, newest.snapshot.signed.version
    mixed = shop.copy("mixed")
    metadata = mixed / "metadata"
    server.folder = mixed
    shutil.copy(metadata / f"{snapshot - 1}.snapshot.json", metadata / f"{snapshot}.snapshot.json")
    check_refused(device)
    shutil.copytree(shop.repository, mixed, dirs_exist_ok=True)
    shutil.copy(metadata / f"{targets - 1}.targets.json", metadata / f"{targets}.targets.json")
    check_refused(device)
    check_recovers(shop, server, device, "v3")


@pytest.mark.parametrize("where", ["timestamp", "snapshot", "targets.json", "root", "/targets/"])
def test_endless_data(shop: Shop, server: Server, device: Device, where: str) -> None:
    """More is not read than was to come, or than could be: two megabytes at most."""
    shop.publish("small", "v2")
    taken = 0

    def endless(handler: Handler, content: bytes) -> bytes | None:
        nonlocal taken
        if where not in handler.path:
            return content
        handler.send_response_only(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        try:
            while taken < 50_000_000:
                handler.wfile.write(b"x" * 10_000)
                taken += 10_000
        except OSError:
            pass
        return None

    server.lie = endless
    check_refused(device)
    assert taken < 8_000_000  # the rest lay in the sockets' buffers
    if where != "root":
        check_recovers(shop, server, device)


def test_too_few_signatures(tmp_path: Path) -> None:
    """Two of three have to sign: one key that was stolen is not enough."""
    shop = Shop(tmp_path / "shop", targets="2/3")
    shop.publish("tiny", "v1")
    with serving(shop.repository) as server:
        device = Device(tmp_path / "device", shop.root, server.url)
        device.update()
        shop.publish("small", "v2")
        lying = shop.copy("lying")
        path = lying / "metadata" / f"{shop.opened.targets.signed.version}.targets.json"
        told = json.loads(path.read_text())
        told["signatures"] = told["signatures"][:1]
        path.write_text(json.dumps(told))
        server.folder = lying
        assert "signed by" in check_refused(device)
        check_recovers(shop, server, device)


def thief(shop: Shop, version: str) -> Path:
    """What somebody publishes who has the targets' and the online key, with numbers that nothing can follow."""
    stolen = shop.copy("stolen")
    repository = Published.read(stolen)
    for role in ("targets", "snapshot", "timestamp"):
        repository.metadata(role).signed.version = 1_000_000
    publishing.publish(bundled_models()["small"], version, repository, shop.ring, Channel.STABLE, 100)
    return stolen


def test_stolen_keys_count_no_more_once_they_are_revoked(shop: Shop, server: Server, device: Device) -> None:
    """Even a device that believed the thief, with versions of a million, comes back."""
    stolen = thief(shop, "evil")
    server.folder = stolen
    assert device.update().version == "evil"
    opened = shop.opened
    lost = opened.root.signed.keys[opened.root.signed.roles["targets"].keyids[0]]
    renewal.revoke(opened, shop.ring, lost)
    shop.publish("tiny", "v2")
    server.folder = shop.repository
    assert device.update().version == "v2"  # what the thief published is not published any more
    shop.publish("small", "v3")
    assert device.update().version == "v3"
    later = shop.copy("later")  # the thief's files, with our newest roots
    for name in ("timestamp.json", *(path.name for path in (stolen / "metadata").glob("100*"))):
        shutil.copy(stolen / "metadata" / name, later / "metadata" / name)
    server.folder = later
    with pytest.raises(RepositoryUntrusted):
        device.update()
    assert device.runs == "v3"


def test_a_device_that_was_away_follows_through_all_roots(shop: Shop, server: Server, device: Device) -> None:
    for _ in range(5):
        shop.rotate()
    shop.rotate(Signer.ROOT)
    shop.publish("small", "v2")
    check_recovers(shop, server, device)
    assert shop.opened.root.signed.version == 7
    newcomer = Device(device.folder / "new", shop.root, device.url, "newcomer")
    assert newcomer.update().version == "v2"


def test_a_root_that_skips_one_is_refused(shop: Shop, server: Server, device: Device) -> None:
    """Each root is signed by the one before: who withholds one keeps the next ones away, too."""
    for _ in range(2):
        shop.rotate()
    shop.publish("small", "v2")
    lying = shop.copy("lying")
    (lying / "metadata" / "3.root.json").replace(lying / "metadata" / "2.root.json")
    server.folder = lying
    check_refused(device)
    check_recovers(shop, server, device)


def test_roles_do_not_stand_in_for_each_other(shop: Shop, server: Server, device: Device) -> None:
    """The online key signs no targets, and the targets' key no root."""
    lying = shop.copy("lying")
    online, own = shop.opened, shop.ring
    targets = Metadata[Targets].from_bytes((lying / "metadata" / "2.targets.json").read_bytes())
    targets.signed.version = online.targets.signed.version
    targets.signatures.clear()
    for signer in own.signers(online.root.signed.roles["timestamp"].keyids):
        targets.sign(signer, append=True)
    shop.publish("small", "v2")
    shutil.copytree(shop.repository, lying, dirs_exist_ok=True)
    version = shop.opened.targets.signed.version
    targets.signed.version = version
    (lying / "metadata" / f"{version}.targets.json").write_bytes(targets.to_bytes())
    server.folder = lying
    check_refused(device)
    root = Metadata[Root].from_bytes((lying / "metadata" / "1.root.json").read_bytes())
    root.signed.version = 2
    root.signatures.clear()
    for signer in own.signers(online.root.signed.roles["targets"].keyids):
        root.sign(signer, append=True)
    (lying / "metadata" / "2.root.json").write_bytes(root.to_bytes())
    check_refused(device)
    check_recovers(shop, server, device)


@pytest.mark.parametrize("where", ["timestamp", "/targets/"])
def test_a_server_that_drips(
    shop: Shop, server: Server, device: Device, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """A byte now and then is not waited for, though each of them comes in time."""
    monkeypatch.setattr(device_side, "METADATA_S", 1.0)
    monkeypatch.setattr(device_side, "SLOWEST_RATE", 1e6)
    shop.publish("small", "v2")
    server.lie = lambda handler, content: drip(handler, content) if where in handler.path else content
    began = time.monotonic()
    assert "too slow" in check_refused(device, RepositoryUnreachable)
    assert time.monotonic() - began < 10
    monkeypatch.undo()
    check_recovers(shop, server, device)
