"""A real broker on 127.0.0.1 that can be stopped and started again, and somebody who listens to it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.edge.sources.certificates import Certificates

PROGRAM = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
USER, PASSWORD = "shelf", "Tr0ub4dor&3: geheim"

needs_mosquitto = pytest.mark.skipif(PROGRAM is None, reason="needs a broker: apt install mosquitto")

CONFIGURATION = """
per_listener_settings true
persistence true
persistence_location {folder}/
user {user}
listener {plain} 127.0.0.1
allow_anonymous true
listener {closed} 127.0.0.1
allow_anonymous false
password_file {folder}/passwords
listener {tls} 127.0.0.1
allow_anonymous true
certfile {certificate}
keyfile {key}
listener {mutual} 127.0.0.1
allow_anonymous true
certfile {certificate}
keyfile {key}
cafile {authority}
require_certificate true
"""


def until(condition: Callable[[], object], what: str = "") -> None:
    """Wait for something; it fails after half a minute."""
    deadline_s = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline_s, f"never came: {what}"
        time.sleep(0.02)


def free_ports(number: int) -> list[int]:
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports: list[int] = [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()
    return ports


class Mosquitto:
    """The broker: without users at `plain`, with USER and PASSWORD at `closed`, by TLS at `tls`.

    At `mutual` it asks for a client's certificate, too. Its sessions last over a restart.
    """

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        self.plain, self.closed, self.tls, self.mutual = free_ports(4)
        self._configuration = folder / "mosquitto.conf"
        self._configuration.write_text(
            CONFIGURATION.format(
                folder=folder,
                user=os.environ.get("USER", "root") if os.geteuid() else "root",
                plain=self.plain,
                closed=self.closed,
                tls=self.tls,
                mutual=self.mutual,
                certificate=certificates.certificate("good"),
                key=certificates.folder / "good.key",
                authority=certificates.authority,
            )
        )
        command = ["mosquitto_passwd", "-b", "-c", str(folder / "passwords"), USER, PASSWORD]
        subprocess.run(command, check=True, capture_output=True)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert PROGRAM is not None
        self._process = subprocess.Popen(
            [PROGRAM, "-c", self._configuration], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._answers, "mosquitto")

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(30)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "mosquitto has ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.mutual)) == 0


@dataclass(frozen=True)
class Message:
    topic: str
    payload: bytes
    retain: bool


class Subscriber:
    """Everything under a topic, with QoS 1 and a session that lasts; duplicates too."""

    def __init__(self, port: int, base: str, name: str) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.messages: list[Message] = []
        self._subscribed = threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2, f"{name} of {base}", clean_session=False)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *_: client.subscribe([(f"{base}/#", 1), ("homeassistant/#", 1)])
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.on_message = self._keep
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self._subscribed.wait(30)

    def _keep(self, _client: Any, _data: Any, message: Any) -> None:
        self.messages.append(Message(message.topic, message.payload, message.retain))

    def of(self, topic: str) -> list[bytes]:
        """The payloads of a topic."""
        return [one.payload for one in self.messages if one.topic == topic]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@contextmanager
def subscriber(port: int, base: str, name: str = "first") -> Iterator[Subscriber]:
    listening = Subscriber(port, base, name)
    try:
        yield listening
    finally:
        listening.close()
