"""classify --mqtt against a real broker that lets not everybody in: users, passwords, certificates."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Run
from tests.edge.events.mosquitto import PASSWORD, USER, Mosquitto, Subscriber, needs_mosquitto, subscriber, until
from tests.edge.events.running import BOOT, classify
from tests.edge.sources.certificates import Certificates

pytest.importorskip("paho.mqtt", reason="the extra mqtt is not installed")
pytestmark = [pytest.mark.subprocess, needs_mosquitto]


def write_secret(path: Path, text: str, mode: int = 0o600) -> str:
    path.write_text(text + "\n")
    path.chmod(mode)
    return str(path)


def test_user_and_password_from_a_file_and_nowhere_else(broker: Mosquitto, base: str, tmp_path: Path) -> None:
    """The right password works; it stands in no process's arguments, and in nothing that is said or published."""
    secret = write_secret(tmp_path / "password", PASSWORD)
    arguments = ("--mqtt", f"mqtt://{USER}@127.0.0.1:{broker.closed}/{base}", "--mqtt-password-file", secret)
    with subscriber(broker.plain, base) as heard:
        with classify(tmp_path, "fake:", "--fps", "5", *arguments) as run:
            until(lambda: heard.of(f"{base}/state"))
            shown = Path(f"/proc/{run.process.pid}/cmdline").read_text()  # what ps shows
            assert arguments[1] in shown
            run.stop()
        assert PASSWORD not in shown + run.said + (tmp_path / "stdout").read_text()
        assert not [one for one in heard.messages if PASSWORD.encode() in one.payload]


def test_a_password_from_the_environment(broker: Mosquitto, heard: Subscriber, base: str, tmp_path: Path) -> None:
    address = f"mqtt://{USER}@127.0.0.1:{broker.closed}/{base}"
    with classify(tmp_path, BOOT, "--mqtt", address, FMNIST_EDGE_MQTT_PASSWORD=PASSWORD) as run:
        assert run.process.wait(30) == 0
    assert run.said == ""
    until(lambda: heard.of(f"{base}/availability") == [b"online", b"offline"])


def test_a_wrong_password_is_said_and_the_camera_runs_on(broker: Mosquitto, base: str, tmp_path: Path) -> None:
    secret = write_secret(tmp_path / "password", "another")
    arguments = ("--mqtt", f"mqtt://{USER}@127.0.0.1:{broker.closed}/{base}", "--mqtt-password-file", secret)
    with classify(tmp_path, "fake:", "--fps", "20", *arguments) as run:
        until(lambda: "refuses the user" in run.said and len(run.lines) > 60)
        run.stop()
    assert f"warning: mqtt: 127.0.0.1:{broker.closed} refuses the user {USER} or the password: check" in run.said
    assert run.said.count("refuses the user") == 2  # and in the end, with what was not delivered
    assert "2 events were not delivered" in run.said
    assert "another" not in run.said


def test_a_broker_that_wants_a_user_says_so(broker: Mosquitto, base: str, fmnist_edge: Run) -> None:
    done = fmnist_edge("classify", BOOT, "--mqtt", f"mqtt://127.0.0.1:{broker.closed}/{base}")
    assert done.returncode == 0
    assert "refuses clients without a user: check --mqtt mqtt://USER@" in done.stderr


def test_tls(
    broker: Mosquitto, certificates: Certificates, heard: Subscriber, base: str, tmp_path: Path, fmnist_edge: Run
) -> None:
    """An authority of one's own vouches for the broker, and a client's certificate for us."""
    trusted = ("--mqtt-ca-file", certificates.authority)
    both = tmp_path / "both.pem"
    both.write_text(certificates.certificate("good").read_text() + (certificates.folder / "good.key").read_text())
    for port, options in ((broker.tls, trusted), (broker.mutual, (*trusted, "--mqtt-certificate", both))):
        heard.messages.clear()
        done = fmnist_edge("classify", BOOT, "--mqtt", f"mqtts://127.0.0.1:{port}/{base}", *options)
        assert (done.returncode, done.stderr) == (0, "")
        until(lambda: heard.of(f"{base}/availability") == [b"online", b"offline"])


def test_what_is_wrong_with_certificates_is_said(
    broker: Mosquitto, certificates: Certificates, base: str, fmnist_edge: Run
) -> None:
    def say(host: str, port: int, *options: object) -> str:
        done = fmnist_edge("classify", BOOT, "--mqtt", f"{host}:{port}/{base}", *options)
        assert done.returncode == 0
        assert "Traceback" not in done.stderr
        return done.stderr

    refused = f"the certificate of 127.0.0.1:{broker.tls} is refused: "
    assert refused in say("mqtts://127.0.0.1", broker.tls)
    stranger = certificates.certificate("self")
    said = say("mqtts://127.0.0.1", broker.tls, "--mqtt-ca-file", stranger)
    assert refused in said
    assert "--mqtt-ca-file" in said
    assert "Hostname mismatch" in say("mqtts://localhost", broker.tls, "--mqtt-ca-file", certificates.authority)
    assert "TLS" in say("mqtts://127.0.0.1", broker.plain)
    assert "mqtts://" in say("mqtt://127.0.0.1", broker.tls)
    assert "127.0.0.1" in say("mqtts://127.0.0.1", broker.mutual, "--mqtt-ca-file", certificates.authority)
