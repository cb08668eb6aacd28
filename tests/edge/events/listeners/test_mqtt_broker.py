"""Addresses of brokers, what they may not hold, and certificates that cannot be used."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path

import pytest

from edge.errors import BadOption
from edge.events.listeners.mqtt_broker import (
    Broker,
    MqttSettings,
    checked_topic,
    parse_broker,
    tls_context,
    why_refused,
    why_unreachable,
)
from tests.edge.sources.certificates import make_certificates

HOME = f"fmnist-edge/{socket.gethostname()}"


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("mqtt://pi.local", Broker("pi.local", 1883, False, None, HOME)),
        ("mqtts://pi.local/", Broker("pi.local", 8883, True, None, HOME)),
        ("mqtt://shelf@10.0.0.2:1884/shop/shelf-1/", Broker("10.0.0.2", 1884, False, "shelf", "shop/shelf-1")),
        ("mqtt://a%40b@[::1]/L%C3%A4den/1", Broker("::1", 1883, False, "a@b", "Läden/1")),
    ],
)
def test_addresses(url: str, broker: Broker) -> None:
    assert parse_broker(url) == broker


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("pi.local", "not understood"),
        ("http://pi.local", "not understood"),
        ("mqtt://", "not understood"),
        ("mqtt://pi.local:99999", "no URL"),
        ("mqtt://[::1", "no URL"),
        (f"mqtt://{'a' * 70}.local", "no URL"),
        ("mqtt://pi.local/a#b", "not understood"),
        ("mqtt://pi.local/a?b", "not understood"),
        ("mqtt://pi.local/a/+/b", "cannot be a topic"),
        ("mqtt://pi.local/%23", "cannot be a topic"),
        ("mqtt://pi.local/a%00b", "cannot be a topic"),
        ("mqtt://pi.local/%24SYS", "cannot be a topic"),
        (f"mqtt://pi.local/{'t' * 1001}", "more than 1000 bytes"),
        ("mqtt://shelf:geheim@pi.local", "everybody on this machine can read"),
        ("mqtt://:geheim@pi.local", "everybody on this machine can read"),
        ("mqtt://shelf:geheim@pi.local:port", "no URL"),
    ],
)
def test_what_is_no_address_is_refused_without_its_password(url: str, words: str) -> None:
    with pytest.raises(BadOption, match=words) as caught:
        parse_broker(url)
    assert caught.value.hint
    assert "geheim" not in caught.value.message + caught.value.hint


def test_the_client_id_stays_and_differs_by_topic_and_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    first = parse_broker("mqtt://a/shelf-1").client_id
    assert parse_broker("mqtt://b:1/shelf-1").client_id == first
    assert parse_broker("mqtt://a/shelf-2").client_id != first
    assert re.fullmatch("[0-9a-zA-Z-]{1,23}", first)  # MQTT 3.1.1, 3.1.3.1
    monkeypatch.setattr(socket, "gethostname", lambda: "another")
    assert parse_broker("mqtt://a/shelf-1").client_id != first


def test_a_password_is_never_shown() -> None:
    assert "geheim" not in repr(MqttSettings(parse_broker("mqtt://shelf@pi.local"), "geheim"))


@pytest.mark.parametrize("prefix", ["", "a/#", "$SYS", "a\nb", "\udc80"])
def test_a_prefix_that_is_no_topic_is_refused(prefix: str) -> None:
    with pytest.raises(BadOption, match="--mqtt-discovery"):
        checked_topic(prefix, "--mqtt-discovery")


@pytest.mark.subprocess
def test_certificates_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    """Nothing asks the terminal for the password of a key."""
    certificates = make_certificates(tmp_path)
    broker = parse_broker("mqtts://pi.local")
    (tmp_path / "empty.pem").touch()
    command = ["openssl", "genrsa", "-aes256", "-passout", "pass:secret", "-out", "locked.key", "2048"]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    locked = tmp_path / "locked.pem"
    locked.write_text(certificates.authority.read_text() + (tmp_path / "locked.key").read_text())
    for missing in (tmp_path / "missing.pem", tmp_path / "empty.pem", tmp_path):
        with pytest.raises(BadOption, match=f"--mqtt-ca-file {missing}"):
            tls_context(MqttSettings(broker, ca_file=missing))
    for unfit in (tmp_path / "missing.pem", tmp_path / "empty.pem", certificates.authority, locked):
        with pytest.raises(BadOption, match=f"--mqtt-certificate {unfit}") as caught:
            tls_context(MqttSettings(broker, ca_file=certificates.authority, certificate=unfit))
        assert "its key" in caught.value.hint


def test_every_reason_has_words() -> None:
    broker = parse_broker("mqtts://shelf@pi.local")
    for code in range(128, 163):
        assert why_refused(code, broker).startswith("pi.local:8883 refuses ")
    for error in (OSError(113, "No route to host"), OSError("odd"), TimeoutError(), ConnectionRefusedError()):
        assert "pi.local:8883" in why_unreachable(error, broker)
        assert len(why_unreachable(error, broker)) > len("cannot reach pi.local:8883: ")
