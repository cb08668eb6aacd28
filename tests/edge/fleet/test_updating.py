"""One device through faults of server, network and disk: what runs goes on, and the next update that can be is made."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.choices import Channel
from edge.errors import BadOption, OutputFailed, RepositoryUnreachable, RepositoryUntrusted, UpdateFailed, UpdateRefused
from edge.fleet.fleet_folder import RunReport, Status
from edge.fleet.watching import Pace, watch
from edge.inference.model_file import bundled_models, read_model
from tests.conftest import ROOT
from tests.edge.events.full_disk import files_up_to
from tests.edge.fleet.shop import Device, Handler, Server, Shop, serving

pytestmark = pytest.mark.subprocess


def dropped(handler: Handler, _content: bytes) -> None:
    """Hang up without a word."""
    handler.connection.close()


def half(handler: Handler, content: bytes) -> None:
    """Hang up in the middle."""
    handler.send(200, content[: len(content) // 2], len(content))


def shorter(_handler: Handler, content: bytes) -> bytes:
    """Half a file that says it is whole: a server whose disk was full."""
    return content[: len(content) // 2]


def corrupted(_handler: Handler, content: bytes) -> bytes:
    """One bit in the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :] if content else content


def busy(handler: Handler, _content: bytes) -> None:
    """A server that has no time."""
    handler.send(503, b"later")


@pytest.mark.parametrize("fault", [dropped, half, shorter, corrupted, busy], ids=lambda one: one.__name__)
@pytest.mark.parametrize("where", ["timestamp", "snapshot", "targets.json", "/targets/"])
def test_a_server_that_fails_at_any_file(shop: Shop, server: Server, device: Device, fault: object, where: str) -> None:
    shop.publish("small", "v2")
    server.lie = lambda handler, content: fault(handler, content) if where in handler.path else content  # type: ignore[operator]
    with pytest.raises(UpdateFailed) as failed:
        device.update()
    expected = RepositoryUntrusted if fault in {shorter, corrupted} else RepositoryUnreachable
    assert isinstance(failed.value, expected)
    assert device.runs == "v1"
    assert list(device.fleet.staged.iterdir()) == []
    server.lie = None
    assert device.update().version == "v2"


def test_a_server_that_is_gone_and_comes_back(tmp_path: Path, shop: Shop, device: Device) -> None:
    with serving(shop.repository) as other:
        port = other.server_address[1]
        away = Device(device.folder, shop.root, other.url)
        away.update()
    with pytest.raises(RepositoryUnreachable, match=r"does not answer: Connection refused$"):
        away.update()
    status = away.fleet.status()
    assert status is not None
    assert (status.state, status.version, status.accuracy) == ("failed", "v1", pytest.approx(0.95))
    shop.publish("small", "v2")
    with serving(shop.repository, port):
        assert away.update().state == "updated"


@pytest.mark.parametrize("limit", [0, 600, 20_000, 100_000])
def test_a_full_disk(shop: Shop, device: Device, limit: int) -> None:
    """Wherever it becomes full: at the metadata, at the version, at its copy."""
    shop.publish("small", "v2")
    with files_up_to(limit), pytest.raises((UpdateFailed, OutputFailed), match=r"cannot write|too large") as failed:
        device.update()
    assert not isinstance(failed.value, UpdateRefused)
    assert device.runs == "v1"
    assert read_model(str(device.models)).sha256 == read_model("tiny").sha256
    assert device.update().version == "v2"


def test_a_device_without_a_version_gets_its_first(tmp_path: Path, shop: Shop, server: Server) -> None:
    device = Device(tmp_path / "new", shop.root, server.url)
    looked = device.update(only_look=True)
    assert (looked.state, looked.available, looked.version) == ("available", "v1", None)
    assert list(device.models.glob("*.tflite")) == []
    installed = device.update()
    assert (installed.state, installed.version, installed.canaries) == ("updated", "v1", 300)
    assert installed.accuracy == pytest.approx(0.95)
    assert device.runs == "v1"
    assert device.update().state == "current"


def test_an_older_version_is_kept_and_those_before_it_are_removed(shop: Shop, device: Device) -> None:
    shutil.copy(bundled_models()["mlp"], device.models / "mine.tflite")
    for number, name in enumerate(("small", "camera-zero", "small"), 2):
        shop.publish(name, f"v{number}")
        try:
            device.update()
        except UpdateRefused:
            continue
    here = sorted(path.name for path in device.models.glob("*.tflite"))
    assert "mine.tflite" in here
    assert len(here) <= 3
    assert (device.models / "previous").is_symlink()


def test_somebody_elses_file_of_the_same_name_stays(shop: Shop, device: Device) -> None:
    theirs = shutil.copy(bundled_models()["mlp"], device.models / "v2.tflite")
    before = Path(theirs).read_bytes()
    shop.publish("small", "v2")
    status = device.update()
    assert Path(theirs).read_bytes() == before
    assert status.version is not None
    assert status.version.startswith("v2-")
    assert device.runs == status.version
    assert device.update().state == "current"


def test_a_version_that_is_refused_stays_refused_and_is_in_sight(shop: Shop, server: Server, device: Device) -> None:
    from tests.edge.fleet.test_measuring import changed

    labels = list((read_model("tiny").manifest or {})["labels"])
    worse = changed(device.folder / "worse.tflite", "tiny", labels=[*labels[1:3], labels[0], *labels[3:]])
    shop.publish(worse, "v2")
    with pytest.raises(UpdateRefused, match="v2 is clearly worse here"):
        device.update()
    asked = len(server.asked)
    status = device.update()
    assert (status.state, status.version, status.available) == ("refused", "v1", "v2")
    assert status.problem is not None
    assert not [path for path in server.asked[asked:] if path.startswith("/targets/")]
    shop.publish("small", "v3")
    assert device.update().version == "v3"
    held = Device(device.folder, shop.root, server.url, pin="v2")
    pinned = held.update()
    assert (pinned.version, pinned.trial) == ("v2", None)
    assert held.update().state == "current"
    assert device.fleet.refused() == {}


def test_a_percentage_of_the_fleet(tmp_path: Path, prepared: Path, shop: Shop, server: Server) -> None:
    """Twenty devices look at a version that is for a third of them; then for all."""
    shop.publish("small", "v2", percent=33)
    shop.publish("small", "v2", Channel.CANARY)
    names = [f"till-{number}" for number in range(20)]
    found = []
    for name in names:
        shutil.copytree(prepared / "device", tmp_path / name, symlinks=True)
        found.append(Device(tmp_path / name, shop.root, server.url, name).update(only_look=True).available)
    assert 2 <= found.count("v2") <= 13
    canary = Device(tmp_path / names[found.index(None)], shop.root, server.url, "any", Channel.CANARY)
    assert canary.update(only_look=True).available == "v2"


def test_a_withdrawn_version_is_left(shop: Shop, device: Device) -> None:
    from convert.publishing.publishing import withdraw

    shop.publish("small", "v2")
    device.update()
    withdraw("v2", shop.opened, shop.ring)
    assert device.update().version == "v1"


def test_one_update_at_a_time(device: Device) -> None:
    with (device.fleet.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UpdateFailed, match="another update"):
            device.update()


def test_what_it_is_given_is_checked(tmp_path: Path, shop: Shop, server: Server, device: Device) -> None:
    wrong = tmp_path / "wrong.json"
    for content in (b"", b"{}", (shop.repository / "metadata" / "timestamp.json").read_bytes()):
        wrong.write_bytes(content)
        with pytest.raises(BadOption, match="--root"):
            from edge.fleet.repository import read_root

            read_root(wrong)
    with pytest.raises(BadOption, match="--repository"):
        Device(device.folder, shop.root, "file:///etc").update()


def test_a_trial_remembers_whether_something_drifted_before(shop: Shop, device: Device) -> None:
    device.fleet.write_run_report(RunReport(read_model("tiny").sha256, ("score",)))
    shop.publish("small", "v2")
    trial = device.update().trial
    assert trial is not None
    assert (trial.version, trial.model, trial.drifted_before) == ("v2", read_model("small").sha256, True)


def test_a_damaged_memory_is_no_trouble(shop: Shop, device: Device) -> None:
    for path in device.fleet.folder.rglob("*.json"):
        path.write_bytes(b"\0" * 100)
    (device.fleet.metadata / "tmpabc").write_bytes(b"left")
    shop.publish("small", "v2")
    assert device.update().version == "v2"
    assert not (device.fleet.metadata / "tmpabc").exists()


def test_killed_at_any_moment_it_is_as_it_was_or_as_it_should_be(shop: Shop, server: Server, device: Device) -> None:
    """kill -9 after 20 delays over a whole update, which is then made in the end."""
    shop.publish("small", "v2")
    command = [sys.executable, "-m", "edge.cli", "update", "--repository", server.url, "--device-id", "a"]
    command += ["--models", str(device.models), "--root", str(shop.root)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    hashes = {read_model(name).sha256 for name in ("tiny", "small")}
    began = time.monotonic()
    for step in range(20):
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            time.sleep(0.1 + 0.08 * step)
            process.send_signal(signal.SIGKILL)
            assert process.stderr is not None
            said = process.stderr.read()
        assert b"Traceback" not in said, said.decode()
        assert read_model(str(device.models)).sha256 in hashes
        if time.monotonic() - began > 120:
            break
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert device.runs == "v2"
    assert list(device.fleet.staged.iterdir()) == []


def test_it_looks_sooner_after_a_failure_and_says_it_once() -> None:
    class Enough(Exception):
        pass

    results: list[Exception | None] = [
        None, UpdateFailed("gone"), UpdateFailed("gone"), UpdateFailed("gone"), UpdateRefused("worse"), None,
    ]  # fmt: skip
    pauses: list[float] = []
    said: list[str] = []

    def update() -> Status:
        if not results:
            raise Enough
        result = results.pop(0)
        if result is not None:
            raise result
        return Status("a", "stable")

    with pytest.raises(Enough):
        watch(update, Pace(3600), lambda error: said.append(error.message), pauses.append)
    assert said == ["gone", "worse"]
    usual = [3600, 30, 60, 120, 3600, 3600]
    assert all(0.7 * expected < pause < 1.3 * expected for pause, expected in zip(pauses, usual, strict=True))
