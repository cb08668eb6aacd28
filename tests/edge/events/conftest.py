"""A broker for all tests of this room, and topics of one's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.edge.events.mosquitto import Mosquitto, Subscriber, subscriber
from tests.edge.sources.certificates import Certificates, make_certificates


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Mosquitto]:
    mosquitto = Mosquitto(tmp_path_factory.mktemp("mosquitto"), certificates)
    mosquitto.start()
    yield mosquitto
    mosquitto.stop()


@pytest.fixture
def base(request: pytest.FixtureRequest) -> str:
    """A topic of the test's own."""
    return f"shop/{request.node.name}"


@pytest.fixture
def heard(broker: Mosquitto, base: str) -> Iterator[Subscriber]:
    with subscriber(broker.plain, base) as listening:
        yield listening
