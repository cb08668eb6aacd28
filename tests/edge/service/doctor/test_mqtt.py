"""Brokers: a real mosquitto, with users and with TLS; and everything that listens without being one."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from edge.service.doctor.addresses import Address
from edge.service.doctor.finding import Status
from edge.service.doctor.mqtt import broker, connect_packet, mqtt
from tests.edge.service.doctor.servers import listener, mosquitto
from tests.edge.sources.certificates import Certificates
from tests.ports import free_port

VARIABLE = "FMNIST_EDGE_TEST_PASSWORD"
PASSWORD = "geheim" * 30  # a long one: the packet's length takes two bytes


@pytest.mark.subprocess
def test_a_broker_lets_everybody_in(tmp_path: Path) -> None:
    with mosquitto(tmp_path, "allow_anonymous true") as address:
        found = mqtt(address)
    assert (found.status, "lets this machine in" in found.found) == (Status.OK, True)


@pytest.mark.subprocess
def test_a_broker_with_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users, secret = tmp_path / "users", tmp_path / "secret"
    subprocess.run(["mosquitto_passwd", "-b", "-c", users, "shelf", PASSWORD], check=True, capture_output=True)
    secret.write_text(f"{PASSWORD}\n")
    secret.chmod(0o600)
    with mosquitto(tmp_path, "allow_anonymous false", f"password_file {users}") as nobody:
        shelf = replace(nobody, user="shelf")
        without = mqtt(nobody)
        assert (without.status, "wants a user and a password" in without.found) == (Status.WARN, True)
        assert "--mqtt-password-file" in without.mend
        wrong = mqtt(shelf, "wrong")
        assert (wrong.status, "refuses the user shelf or the password" in wrong.found) == (Status.FAIL, True)
        assert "mosquitto_passwd" in wrong.mend
        from_file = broker(shelf, secret, VARIABLE, None)
        assert (from_file.status, "lets shelf in" in from_file.found) == (Status.OK, True)
        monkeypatch.setenv(VARIABLE, PASSWORD)
        assert broker(shelf, None, VARIABLE, None).status is Status.OK
        monkeypatch.setenv(VARIABLE, "wrong")
        assert broker(shelf, None, VARIABLE, None).status is Status.FAIL
        assert PASSWORD not in repr((without, wrong, from_file))


def test_a_password_that_others_can_read_is_not_sent(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    found = broker(Address("127.0.0.1", 9, tls=False, user="shelf"), secret, VARIABLE, None)
    assert (found.status, found.mend) == (Status.FAIL, f"chmod 600 {secret}")


def test_a_password_without_a_user_and_certificates_that_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = Address("127.0.0.1", 9, tls=True)
    (tmp_path / "text.pem").write_text("no certificate")
    for name, words in (("none.pem", "No such file"), ("text.pem", "no certificates in it")):
        found = broker(address, None, VARIABLE, tmp_path / name)
        assert (found.status, words in found.found) == (Status.FAIL, True)
    monkeypatch.setenv(VARIABLE, PASSWORD)
    found = broker(address, None, VARIABLE, None)
    assert (found.status, "no user" in found.found) == (Status.FAIL, True)


@pytest.mark.subprocess
def test_a_broker_by_tls_whose_certificate_is_trusted_or_not(tmp_path: Path, certificates: Certificates) -> None:
    tls = f"certfile {certificates.certificate('good')}", f"keyfile {certificates.folder / 'good.key'}"
    with mosquitto(tmp_path, "allow_anonymous true", *tls) as plain:
        address = replace(plain, tls=True)
        refused = mqtt(address)
        assert (refused.status, "its certificate is refused" in refused.found) == (Status.FAIL, True)
        assert refused.mend.startswith("--mqtt-ca-file ")
        assert broker(address, None, VARIABLE, certificates.authority).status is Status.OK
        assert mqtt(plain).status is Status.FAIL


def test_nobody_listens() -> None:
    found = mqtt(Address("127.0.0.1", free_port(), tls=False))
    assert (found.status, "nobody listens there" in found.found) == (Status.FAIL, True)
    assert found.mend


def test_a_server_that_says_nothing_is_given_up() -> None:
    with listener(None) as address:
        found = mqtt(address, timeout_s=0.2)
    assert (found.status, "no answer within 0.2 s" in found.found) == (Status.FAIL, True)


@pytest.mark.parametrize("answer", [b"", b" ", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_what_is_no_broker(answer: bytes) -> None:
    with listener(answer) as address:
        found = mqtt(address)
    assert (found.status, "not as an MQTT broker" in found.found) == (Status.FAIL, True)


@pytest.mark.parametrize(("code", "words"), [(2, "refuses the client's name"), (9, "code 9")])
def test_a_broker_that_refuses_says_why(code: int, words: str) -> None:
    with listener(b"\x20\x02\x00" + bytes([code])) as address:
        found = mqtt(address)
    assert (found.status, words in found.found) == (Status.FAIL, True)


def test_the_length_of_a_long_packet() -> None:
    """The example of MQTT 3.1.1, 2.2.3: 321 = 65 + 2 * 128."""
    empty = len(connect_packet("", "")) - 2
    packet = connect_packet("", "x" * (321 - empty))
    assert packet[1:3] == bytes([65 | 128, 2])
    assert len(packet) == 3 + 321
