"""What classify --mqtt refuses before it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT, Run

pytest.importorskip("paho.mqtt", reason="the extra mqtt is not installed")
pytestmark = pytest.mark.subprocess

BOOT = ROOT / "edge" / "samples" / "ankle-boot.png"
SECRET = "geheim-4711"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604])
def test_a_password_that_others_may_read_is_refused(mode: int, tmp_path: Path, fmnist_edge: Run) -> None:
    secret = tmp_path / "password"
    secret.write_text(SECRET)
    secret.chmod(mode)
    done = fmnist_edge("classify", BOOT, "--mqtt", "mqtt://shelf@127.0.0.1:9/a", "--mqtt-password-file", secret)
    assert done.returncode == 2, done.stderr
    assert "others may read this secret" in done.stderr
    assert "chmod 600" in done.stderr
    assert SECRET not in done.stderr + done.stdout
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--mqtt", f"mqtt://shelf:{SECRET}@127.0.0.1/a"], "--mqtt-password-file FILE"),
        (["--mqtt", "http://127.0.0.1/"], "--mqtt http://127.0.0.1/ is not understood"),
        (["--mqtt", "mqtt://127.0.0.1", "--mqtt-qos", "2"], "--mqtt-qos"),
        (["--mqtt", "mqtt://127.0.0.1", "--mqtt-discovery", "a/#"], "--mqtt-discovery"),
        (["--mqtt", "mqtt://127.0.0.1", "--mqtt-ca-file", "/dev/null"], "certificates are for TLS"),
        (["--mqtt", "mqtts://127.0.0.1", "--mqtt-ca-file", "missing.pem"], "--mqtt-ca-file missing.pem"),
        (["--mqtt-password-file", "password"], "--mqtt URL"),
    ],
)
def test_options_that_do_not_fit_are_refused(arguments: list[str], words: str, fmnist_edge: Run) -> None:
    done = fmnist_edge("classify", BOOT, *arguments)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert SECRET not in done.stderr + done.stdout


def test_a_password_without_a_user_is_refused(fmnist_edge: Run) -> None:
    environment = {"FMNIST_EDGE_MQTT_PASSWORD": SECRET}
    done = fmnist_edge("classify", BOOT, "--mqtt", "mqtt://127.0.0.1", env=environment)
    assert done.returncode == 2
    assert "no user" in done.stderr
    assert SECRET not in done.stderr
