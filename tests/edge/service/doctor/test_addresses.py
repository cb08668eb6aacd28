"""Brokers and hooks: a real mosquitto, real TLS, and everything that listens without being one."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from edge.errors import BadOption
from edge.service.doctor.addresses import MQTT_PORTS, WEBHOOK_PORTS, Address, mqtt, parse_address, webhook
from edge.service.doctor.finding import Status


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def mosquitto(folder: Path, *lines: str) -> Iterator[Address]:
    """A real broker, once it takes connections."""
    port = free_port()
    (folder / "mosquitto.conf").write_text("\n".join([f"listener {port} 127.0.0.1", "user root", *lines, ""]))
    with subprocess.Popen(
        ["/usr/sbin/mosquitto", "-c", folder / "mosquitto.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as broker:
        try:
            deadline = time.monotonic() + 30
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    assert time.monotonic() < deadline
                    assert broker.poll() is None
                    time.sleep(0.02)
            yield Address("127.0.0.1", port, tls=False)
        finally:
            broker.terminate()


@contextmanager
def listener(answer: bytes | None) -> Iterator[Address]:
    """A server that gives every connection `answer` and closes it; with None it is silent."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with ExitStack() as kept:
                while True:
                    try:
                        connection = kept.enter_context(server.accept()[0])
                    except OSError:
                        return
                    if answer is not None:
                        connection.recv(100)
                        connection.sendall(answer)
                        connection.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Address("127.0.0.1", server.getsockname()[1], tls=False)
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that nobody has signed, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2"]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, *subject], check=True, capture_output=True)
    return cert, key


@pytest.mark.parametrize(
    ("url", "ports", "address"),
    [
        ("mqtt://broker", MQTT_PORTS, Address("broker", 1883, tls=False)),
        ("mqtts://user@broker:1", MQTT_PORTS, Address("broker", 1, tls=True)),
        ("https://hooks.example/services/SECRET", WEBHOOK_PORTS, Address("hooks.example", 443, tls=True)),
        ("http://[::1]:8080/", WEBHOOK_PORTS, Address("::1", 8080, tls=False)),
    ],
)
def test_an_address_keeps_no_secret(url: str, ports: dict[str, int], address: Address) -> None:
    parsed = parse_address(url, ports)
    assert parsed == address
    assert "SECRET" not in repr(parsed)
    assert str(parsed).endswith(f":{address.port}{' by TLS' if address.tls else ''}")


@pytest.mark.parametrize(
    "url",
    ["broker", "http://broker", "mqtt://", "mqtt://broker:x", "mqtt://broker:99999", "mqtt://[", "mqtt://" + "a" * 70],
)
def test_what_is_no_address_is_a_bad_option(url: str) -> None:
    with pytest.raises(BadOption) as caught:
        parse_address(url, MQTT_PORTS)
    assert "mqtt://" in caught.value.hint


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(BadOption) as caught:
        parse_address("mqtt://me:SECRET@broker", MQTT_PORTS)
    assert "SECRET" not in caught.value.message + caught.value.hint


@pytest.mark.subprocess
def test_a_broker_answers(tmp_path: Path) -> None:
    with mosquitto(tmp_path, "allow_anonymous true") as address:
        found = mqtt(address)
    assert (found.status, "lets this machine in" in found.found) == (Status.OK, True)


@pytest.mark.subprocess
def test_a_broker_that_wants_a_password_is_warned_of(tmp_path: Path) -> None:
    with mosquitto(tmp_path, "allow_anonymous false") as address:
        found = mqtt(address)
    assert (found.status, "wants a user and a password" in found.found) == (Status.WARN, True)
    assert found.mend


@pytest.mark.subprocess
def test_a_broker_by_tls_whose_certificate_is_trusted_or_not(
    tmp_path: Path, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = certificate
    with mosquitto(tmp_path, "allow_anonymous true", f"certfile {cert}", f"keyfile {key}") as plain:
        address = Address(plain.host, plain.port, tls=True)
        refused = mqtt(address)
        assert (refused.status, "certificate is refused" in refused.found) == (Status.FAIL, True)
        assert "SSL_CERT_FILE" in refused.mend
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        assert mqtt(address).status is Status.OK
        assert webhook(address).status is Status.OK
        without = mqtt(plain)
        assert without.status is Status.FAIL


def test_nobody_listens() -> None:
    address = Address("127.0.0.1", free_port(), tls=False)
    for check in (mqtt, webhook):
        found = check(address)
        assert (found.status, "nobody listens there" in found.found) == (Status.FAIL, True)
        assert found.mend


def test_a_name_that_nobody_knows() -> None:
    found = webhook(Address("nobody.invalid", 443, tls=True))
    assert (found.status, "nobody knows this name" in found.found) == (Status.FAIL, True)


def test_a_server_that_says_nothing_is_given_up() -> None:
    with listener(None) as address:
        for found in (mqtt(address, 0.2), webhook(Address(address.host, address.port, tls=True), 0.2)):
            assert (found.status, "no answer within 0.2 s" in found.found) == (Status.FAIL, True)
        assert webhook(address).status is Status.OK


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


def test_a_server_without_tls_is_told() -> None:
    with listener(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
        found = webhook(Address(address.host, address.port, tls=True))
    assert (found.status, "does not speak TLS" in found.found) == (Status.FAIL, True)
