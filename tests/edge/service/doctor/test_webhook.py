"""Servers of hooks: there, not there, silent, with and without a certificate that counts."""

from __future__ import annotations

import pytest

from edge.service.doctor.addresses import Address, parse_address
from edge.service.doctor.finding import Status
from edge.service.doctor.webhook import PORTS, webhook
from tests.edge.service.doctor.servers import listener
from tests.edge.sources.certificates import Certificates
from tests.edge.sources.http_camera import http_camera
from tests.ports import free_port


def by_tls(address: Address) -> Address:
    return Address(address.host, address.port, tls=True)


def test_a_server_takes_connections() -> None:
    with http_camera() as url:
        assert webhook(parse_address(f"{url}/hook", PORTS, "https")).status is Status.OK


@pytest.mark.subprocess
@pytest.mark.parametrize(("name", "word"), [("good", ""), ("expired", "expired"), ("wrong", "mismatch")])
def test_a_certificate_counts(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, name: str, word: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    with http_camera(certificates.server(name)) as url:
        found = webhook(parse_address(url, PORTS, "https"))
    assert (found.status is Status.OK) == (not word), found
    assert word in found.found
    assert ("SSL_CERT_FILE" in found.mend) == bool(word)


@pytest.mark.subprocess
def test_a_certificate_that_nobody_vouches_for_is_refused(certificates: Certificates) -> None:
    with http_camera(certificates.server("self")) as url:
        found = webhook(parse_address(url, PORTS, "https"))
    assert (found.status, "its certificate is refused" in found.found) == (Status.FAIL, True)


def test_nobody_listens() -> None:
    found = webhook(Address("127.0.0.1", free_port(), tls=False))
    assert (found.status, "nobody listens there" in found.found) == (Status.FAIL, True)
    assert found.mend


def test_a_name_that_nobody_knows() -> None:
    found = webhook(Address("nobody.invalid", 443, tls=True))
    assert (found.status, "nobody knows this name" in found.found) == (Status.FAIL, True)


def test_a_server_that_says_nothing_is_given_up() -> None:
    with listener(None) as address:
        found = webhook(by_tls(address), 0.2)
        assert (found.status, "no answer within 0.2 s" in found.found) == (Status.FAIL, True)
        assert webhook(address).status is Status.OK


def test_a_server_without_tls_is_told() -> None:
    with listener(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
        found = webhook(by_tls(address))
    assert (found.status, "does not speak TLS" in found.found) == (Status.FAIL, True)
