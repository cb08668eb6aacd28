"""Addresses as people type them; what is no address, and what is a secret."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from edge.errors import BadOption
from edge.service.doctor.addresses import Address, parse_address
from edge.service.doctor.mqtt import PORTS as MQTT
from edge.service.doctor.webhook import PORTS as WEBHOOK


@pytest.mark.parametrize(
    ("url", "ports", "address"),
    [
        ("mqtt://broker", MQTT, Address("broker", 1883, tls=False)),
        ("mqtts://me%40home@broker:1/garments/shelf", MQTT, Address("broker", 1, tls=True, user="me@home")),
        ("https://hooks.example/services/SECRET", WEBHOOK, Address("hooks.example", 443, tls=True)),
        ("http://[::1]:8080/", WEBHOOK, Address("::1", 8080, tls=False)),
    ],
)
def test_an_address_keeps_no_secret(url: str, ports: Mapping[str, int], address: Address) -> None:
    parsed = parse_address(url, ports, list(ports)[1])
    assert parsed == address
    assert "SECRET" not in repr(parsed)
    assert str(parsed).endswith(f":{address.port}{' by TLS' if address.tls else ''}")


@pytest.mark.parametrize(
    "url",
    ["broker", "http://broker", "mqtt://", "mqtt://broker:x", "mqtt://b:99999", "mqtt://[", "mqtt://" + "a" * 70],
)
def test_what_is_no_address_is_a_bad_option(url: str) -> None:
    with pytest.raises(BadOption) as caught:
        parse_address(url, MQTT, "mqtts")
    assert "mqtt://" in caught.value.hint


@pytest.mark.parametrize("url", ["mqtt://me:SECRET@broker", "mqtt://me:SECRET@broker:x", "mqtt://me:SECRET@[broker"])
def test_a_password_in_an_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadOption) as caught:
        parse_address(url, MQTT, "mqtts")
    assert "SECRET" not in caught.value.message + caught.value.hint
