"""A run in front of a camera whose device is updated: it goes on with the new version, and tells of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.inference.model_file import read_model
from tests.conftest import ROOT, Run
from tests.edge.deployment.test_swap_process import check_no_frame_lost, wait_for
from tests.edge.events.running import classify
from tests.edge.fleet.shop import Device, Server, Shop
from tests.edge.sources.http_camera import http_camera

pytestmark = pytest.mark.subprocess


def test_a_run_takes_the_version_that_an_update_installs_and_tells_how_the_device_stands(
    tmp_path: Path, shop: Shop, device: Device
) -> None:
    with (
        http_camera() as address,
        classify(tmp_path, f"{address}/stream.mjpg", "--model", str(device.models), "--heartbeat", "0.5") as run,
    ):
        assert wait_for(run, "prediction")["model"] == read_model("tiny").sha256
        assert wait_for(run, "fleet")["version"] == "v1"
        shop.publish("small", "v2")
        device.update()
        told = wait_for(run, "fleet", lambda event: event["version"] == "v2")
        changed = wait_for(run, "model_changed")
        wait_for(run, "heartbeat", lambda beat: beat["monotonic_s"] > changed["monotonic_s"] + 0.5)
        run.stop()
    assert (told["device"], told["channel"], told["state"], told["canaries"]) == ("device", "stable", "updated", 300)
    assert changed["after"] == read_model("small").sha256
    report = device.fleet.run_report()
    assert report is not None
    assert (report.model, report.drifting) == (read_model("small").sha256, ())
    check_no_frame_lost(run)


def test_the_command_says_what_it_did(shop: Shop, server: Server, device: Device, fmnist_edge: Run) -> None:
    where = ("--repository", server.url, "--models", device.models, "--root", shop.root, "--device-id", "a")
    done = fmnist_edge("update", *where)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "v1 runs, and is what this device is to have, 95.0% of 300 canaries right\n"
    shop.publish("small", "v2")
    assert fmnist_edge("update", *where, "--check").stdout == "v1 runs; v2 is there for this device\n"
    told = json.loads(fmnist_edge("update", *where, "--format", "json").stdout)
    assert (told["state"], told["version"], told["device"]) == ("updated", "v2", "a")
    server.lie = lambda _handler, _content: b"nonsense"
    failed = fmnist_edge("update", *where)
    assert failed.returncode == 14
    assert failed.stderr.startswith(f"error: {server.url} cannot be trusted: ")
    without = fmnist_edge("update", "--models", device.models)
    assert without.returncode == 2
    assert "hint: fmnist-edge update --repository URL --models DIR --root FILE" in without.stderr


def test_options_stand_in_the_configuration(tmp_path: Path, shop: Shop, server: Server, device: Device) -> None:
    config = tmp_path / "config.toml"
    lines = [f'repository = "{server.url}"', f'models = "{device.models}"', f'root = "{shop.root}"', 'device-id = "a"']
    config.write_text("[update]\n" + "\n".join(lines) + '\nchannel = "canary"\n')
    config.chmod(0o600)
    command = [sys.executable, "-m", "edge.cli", "update", "--config", str(config), "-f", "json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    told = json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
    assert (told["channel"], told["device"], told["state"]) == ("canary", "a", "current")
