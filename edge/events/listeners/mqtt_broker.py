"""Which MQTT broker, as whom and where to; and what goes wrong with it, in words."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from edge.errors import BadOption

PORTS = {"mqtt": 1883, "mqtts": 8883}
EXAMPLE = "mqtt://USER@192.168.1.2:1883/garments/shelf-1, or mqtts:// for TLS"
LONGEST_TOPIC = 1000
"""Bytes of a base topic; MQTT allows 65,535, brokers often fewer."""


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker's address, the user, and the topic under which everything is published."""

    host: str
    port: int
    tls: bool
    user: str | None
    base_topic: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def topic(self, name: str) -> str:
        """The topic of that name under the base."""
        return f"{self.base_topic}/{name}"

    @property
    def client_id(self) -> str:
        """The same at each start on this machine with this topic, another elsewhere; 23 letters, which all take."""
        try:
            machine = Path("/etc/machine-id").read_text(encoding="ascii")
        except (OSError, ValueError):
            machine = ""
        identity = "\0".join((socket.gethostname(), machine, self.base_topic))
        return f"fmnist-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """How the listener speaks with the broker.

    `qos` is that of events. `discovery` is Home Assistant's prefix, None for no discovery. `ca_file` holds the
    certificates that vouch for the broker's, `certificate` this client's with its key, both PEM.
    """

    broker: Broker
    password: str | None = field(default=None, repr=False)
    qos: int = 1
    discovery: str | None = "homeassistant"
    ca_file: Path | None = None
    certificate: Path | None = None


def parse_broker(url: str) -> Broker:
    """Read mqtt://USER@HOST:PORT/BASE/TOPIC; mqtts is TLS. Without a topic it is fmnist-edge/HOSTNAME.

    Raises BadOption, also for a password: everybody on the machine sees command lines.
    """
    from urllib.parse import unquote, urlsplit

    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
        (host or "").encode("idna")
    except ValueError:  # its text may hold the password
        raise BadOption("--mqtt is no URL", f"such as {EXAMPLE}") from None
    if parts.password is not None:
        raise BadOption(
            "--mqtt has a password in it, which everybody on this machine can read (ps)",
            "--mqtt-password-file FILE: one line, in a file with mode 0600",
        )
    if parts.scheme not in PORTS or not host or parts.query or parts.fragment:
        raise BadOption(f"--mqtt {url} is not understood", f"such as {EXAMPLE}")
    user = unquote(parts.username) if parts.username else None
    topic = unquote(parts.path).strip("/") or f"fmnist-edge/{socket.gethostname()}"
    return Broker(host, port or PORTS[parts.scheme], parts.scheme == "mqtts", user, checked_topic(topic, "--mqtt"))


def checked_topic(topic: str, option: str) -> str:
    """The topic, if one may publish to it. Raises BadOption."""
    # MQTT 3.1.1, 1.5.3 and 4.7: no wildcards, no control characters; topics with $ are the broker's own.
    if not topic or re.search(r"[+#\x00-\x1f\x7f-\x9f\ud800-\udfff]", topic) or topic.startswith("$"):
        raise BadOption(f"{option}: {topic!r} cannot be a topic", "letters, digits, - and /, such as garments/shelf-1")
    if len(topic.encode()) > LONGEST_TOPIC:
        raise BadOption(f"{option}: the topic has more than {LONGEST_TOPIC} bytes", "such as garments/shelf-1")
    return topic


def tls_context(settings: MqttSettings) -> ssl.SSLContext:
    """What vouches for the broker, and for us. Raises BadOption for files that cannot be used."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise BadOption(
            f"--mqtt-ca-file {settings.ca_file}: {_reason(error)}", "a PEM file: -----BEGIN CERTIFICATE-----"
        ) from error
    if settings.certificate is not None:
        try:
            # An empty password: OpenSSL would ask the terminal for that of an encrypted key.
            context.load_cert_chain(settings.certificate, password="")
        except OSError as error:
            raise BadOption(
                f"--mqtt-certificate {settings.certificate}: {_reason(error)}",
                "a PEM file with the certificate and its key, which has no password",
            ) from error
    return context


def why_refused(code: int, broker: Broker) -> str:
    """In words, the reason code of a CONNACK: MQTT 5, 3.2.2.2; those of version 3.1.1 are translated by paho."""
    if code in {134, 135}:
        as_whom = f"the user {broker.user} or the password" if broker.user else "clients without a user"
        hint = "--mqtt-password-file FILE" if broker.user else f"--mqtt mqtt://USER@{broker}, --mqtt-password-file FILE"
        return f"{broker} refuses {as_whom}: check {hint}, and the broker's list of users"
    reasons = {
        132: "it speaks another version of MQTT than 3.1.1",
        133: f"it refuses the client id {broker.client_id}",
        136: "it is not available just now",
    }
    return f"{broker} refuses the connection: {reasons.get(code, f'reason {code}')}"


def why_unreachable(error: OSError, broker: Broker) -> str:
    """In words, why there is no connection, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {broker} is refused: {error.verify_message}: give its authority's with "
            "--mqtt-ca-file FILE, and the host by the name in the certificate"
        )
    if isinstance(error, ssl.SSLError):
        return f"{broker} speaks no TLS that we understand ({_reason(error)}): is it mqtt://, or another port?"
    if isinstance(error, TimeoutError):
        return f"{broker} does not answer: are host and port right, does a firewall stand between?"
    if isinstance(error, ConnectionResetError):
        return (
            f"{broker} closes the connection at once: {'does it speak TLS' if broker.tls else 'does it want mqtts://'}?"
        )
    if isinstance(error, ConnectionRefusedError):
        return f"nobody listens at {broker}: is the broker running, the port right?"
    if isinstance(error, socket.gaierror):
        return f"no host is called {broker.host}: is the name right, the network up?"
    return f"cannot reach {broker}: {_reason(error)}"


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).replace("_", " ").lower()
    return error.strerror or (os.strerror(error.errno) if error.errno else str(error))
