"""Fifty devices, a server that fails and lies, power cuts, full disks, stolen keys and new ones.

Nothing wrong is ever installed, no device is bricked, and all are up to date in the end.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from convert.publishing import publishing, renewal
from convert.publishing.repository import Repository as Published
from edge.choices import Channel
from edge.fleet.release import bucket
from edge.inference.model_file import bundled_models
from tests.edge.fleet.chaos import Chaos, DeviceProcess, Fleet, fleet_of
from tests.edge.fleet.shop import Shop, serving
from tests.edge.fleet.test_measuring import changed

DEVICES = 50
CANARIES = 5
SHARE = 30
SEED = 18


class Story:
    """The shop, its fleet, and how long each part took."""

    def __init__(self, shop: Shop, fleet: Fleet, chaos: Chaos) -> None:
        self.shop, self.fleet, self.chaos = shop, fleet, chaos
        self.fleet.published["v1"] = hashlib.sha256(bundled_models()["tiny"].read_bytes()).hexdigest()

    def publish(self, version: str, channel: Channel = Channel.STABLE, percent: int = 100, **manifest: object) -> Path:
        """Publish tiny with another manifest: another file, just as good unless its labels are others."""
        path = self.shop.folder / f"{version}.tflite"
        if not path.exists():
            changed(path, "tiny", edition=version, **manifest)
        self.fleet.published[version] = hashlib.sha256(path.read_bytes()).hexdigest()
        self.chaos.older.append(self.shop.copy(f"before-{version}-{channel}-{percent}-{len(self.chaos.older)}"))
        self.shop.publish(path, version, channel, percent)
        return path

    def tell(self, what: str, seconds: float) -> None:
        """Show a figure (pytest -s, or -rP)."""
        sys.stdout.write(f"{what}: {seconds:.1f} s\n")


@pytest.mark.slow
@pytest.mark.subprocess
@pytest.mark.timeout(900)
def test_fifty_devices_through_faults_and_attacks(tmp_path: Path, prepared: Path, shop: Shop) -> None:
    chaos = Chaos(SEED, 0.25)
    began = time.monotonic()
    with serving(shop.repository) as server:
        port = server.server_address[1]
        fleet = fleet_of(DEVICES, CANARIES, prepared, tmp_path, server, shop.root)
        story = Story(shop, fleet, chaos)
        server.lie = chaos
        with fleet.running(SEED, 1.0) as be_calm:
            some_first(story)
            server.shutdown()
            server.server_close()
            time.sleep(2)  # the server is gone
            with serving(shop.repository, port) as again:
                again.lie = chaos
                keys_are_stolen(story)
                disks_are_full_and_devices_away(story)
                be_calm()
                chaos.share = 0
                took_s = fleet.wait_until(is_at("v4"), "the last version")
                story.tell("all up to date after the faults", took_s)
                fleet.wait_until(lambda one: (one.status or Lost).state == "current", "all say so")
        fleet.look()
    kills = sum(one.kills for one in fleet.devices)
    story.tell(f"all of it, with {kills} kills and {dict(chaos.done)}", time.monotonic() - began)
    assert fleet.wrong == []
    assert fleet.looks > 20 * DEVICES
    assert len(chaos.done) == 8  # every fault came
    for device in fleet.devices:
        said = device.log.read_text(errors="replace")
        assert "Traceback" not in said, f"{device.name}: {said[-2000:]}"
        assert list((device.models / ".fleet" / "staged").iterdir()) == []
        assert device.status is not None
        assert device.status.accuracy == pytest.approx(0.95)
        refused = FleetRefusals(device)
        assert refused.versions == ({"bad"} if device.channel == "canary" else set())


class Lost:
    """What a device without a status says."""

    state = "lost"


class FleetRefusals:
    """The versions that a device sent away."""

    def __init__(self, device: DeviceProcess) -> None:
        folder = device.models / ".fleet" / "refused"
        self.versions = {path.read_text().split('"version": "')[1].split('"')[0] for path in folder.glob("*.json")}


def is_at(version: str) -> Callable[[DeviceProcess], bool]:
    """Whether a device runs it."""
    return lambda device: device.runs == version


def some_first(story: Story) -> None:
    """A version for the canaries and a third of the others; a bad one for the canaries, who send it away; then all."""
    story.publish("v2", percent=SHARE)
    story.publish("v2", Channel.CANARY)
    first = [one for one in story.fleet.devices if one.channel == "canary" or bucket(one.name, "v2") < SHARE]
    assert CANARIES < len(first) < DEVICES / 2
    took_s = story.fleet.wait_until(lambda one: one not in first or one.runs == "v2", "the first to have v2")
    story.tell(f"{len(first)} devices have v2", took_s)
    labels = ["Trouser", "Pullover", "T-shirt/top", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
    story.publish("bad", Channel.CANARY, labels=labels)
    del story.fleet.published["bad"]
    canaries = [one for one in story.fleet.devices if one.channel == "canary"]
    took_s = story.fleet.wait_until(
        lambda one: one not in canaries or "bad" in FleetRefusals(one).versions, "the canaries send it away"
    )
    story.tell("the canaries sent the bad one away", took_s)
    assert [one.name for one in story.fleet.devices if one.runs == "v2"] == [one.name for one in first]
    story.publish("v2", percent=100)


def keys_are_stolen(story: Story) -> None:
    """A thief's metadata with huge numbers are among what the server says, once the keys are revoked."""
    shop = story.shop
    stolen = shop.copy("stolen")
    repository = Published.read(stolen)
    for role in ("targets", "snapshot", "timestamp"):
        repository.metadata(role).signed.version = 1_000_000
    publishing.publish(bundled_models()["mlp"], "evil", repository, shop.ring, Channel.STABLE, 100)
    opened = shop.opened
    lost = opened.root.signed.keys[opened.root.signed.roles["targets"].keyids[0]]
    renewal.revoke(opened, shop.ring, lost)
    story.publish("v3", percent=50)
    knows = [one for one in story.fleet.devices if bucket(one.name, "v3") < 50]
    took_s = story.fleet.wait_until(lambda one: one not in knows or one.runs == "v3", "half of them have v3")
    story.tell(f"{len(knows)} devices have v3", took_s)
    story.fleet.wait_until(
        lambda one: (one.models / ".fleet" / "metadata" / "root_history" / "2.root.json").exists(), "the new root"
    )
    story.chaos.older.append(stolen)
    for name in ("timestamp.json", "1000001.snapshot.json", "1000001.targets.json"):
        assert (stolen / "metadata" / name).exists()


def disks_are_full_and_devices_away(story: Story) -> None:
    """Five devices have a full disk, five are away while the keys change three times; then a version for all."""
    full, away = story.fleet.devices[10:15], story.fleet.devices[20:25]
    for device in [*full, *away]:
        device.is_away = True  # nobody else starts or kills it
    time.sleep(0.5)
    for device in away:
        device.kill()
    for device in full:
        device.limit_files(20_000)
    for _ in range(3):
        story.shop.rotate()
    story.publish("v4")
    took_s = story.fleet.wait_until(is_at("v4"), "v4 everywhere else")
    story.tell(f"{DEVICES - 10} devices have v4, through the faults", took_s)
    assert not {one.runs for one in [*full, *away]} & {"v4"}
    for device in full:
        device.limit_files(-1)
    for device in away:
        device.start()
    for device in [*full, *away]:
        device.is_away = False
