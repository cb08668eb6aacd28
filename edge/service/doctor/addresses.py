"""MQTT brokers and web hooks: whether somebody answers there."""

from __future__ import annotations

import os
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from edge.errors import BadOption
from edge.service.doctor.finding import Finding, fail, ok, warn

TIMEOUT_S = 5.0
MQTT_PORTS = {"mqtt": 1883, "mqtts": 8883}
WEBHOOK_PORTS = {"http": 80, "https": 443}

# MQTT 3.1.1, 3.2.2.3: why a broker that answers does not let us in.
_REFUSALS = {1: "it wants another version of MQTT", 2: "it refuses the client's name", 3: "it is not available"}
_CREDENTIALS = (4, 5)


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect to, and whether by TLS. The path of a hook may be its secret, so it is not kept."""

    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}{' by TLS' if self.tls else ''}"


def parse_address(url: str, ports: dict[str, int]) -> Address:
    """The address in a URL whose schemes are those of `ports`. Raises BadOption; a password is refused."""
    example = f"{next(iter(ports))}://192.168.1.2:{next(iter(ports.values()))}"
    try:
        parts = urlsplit(url)
        port = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError as error:
        raise BadOption(f"not a URL: {error}", f"such as {example}") from error
    if parts.password is not None:
        raise BadOption(
            "a password on the command line can be read by everybody (ps)", "leave it out: doctor needs none"
        )
    if parts.scheme not in ports or not parts.hostname:
        raise BadOption(f"expected {' or '.join(f'{one}://HOST' for one in ports)}", f"such as {example}")
    return Address(parts.hostname, port or ports[parts.scheme], parts.scheme in ("mqtts", "https"))


def webhook(address: Address, timeout_s: float = TIMEOUT_S) -> Finding:
    """Whether a server takes connections there, by TLS if asked. Nothing is sent: a hook would take it for news."""
    try:
        _connect(address, timeout_s).close()
    except OSError as error:
        return _unreachable(address, error, timeout_s, "curl -v the hook's URL from this machine")
    return ok(f"{address} takes connections")


def mqtt(address: Address, timeout_s: float = TIMEOUT_S) -> Finding:
    """Whether a broker answers CONNECT there. One that wants a password is reachable, and is not given any."""
    try:
        with _connect(address, timeout_s) as connection:
            connection.sendall(_connect_packet())
            answer = b""
            while len(answer) < 4 and (more := connection.recv(4 - len(answer))):
                answer += more
            if answer[:1] == b"\x20":
                connection.sendall(b"\xe0\x00")  # DISCONNECT
    except OSError as error:
        return _unreachable(address, error, timeout_s, "on the broker: sudo systemctl status mosquitto")
    if len(answer) != 4 or answer[:2] != b"\x20\x02":
        return fail(f"{address} answers, but not as an MQTT broker", "is it the port of MQTT? 1883, or 8883 by TLS")
    if answer[3] in _CREDENTIALS:
        return warn(f"{address} answers, and wants a user and a password", "set them up for the run that sends events")
    if answer[3]:
        reason = _REFUSALS.get(answer[3], f"code {answer[3]}")
        return fail(f"{address} refuses: {reason}", "on the broker: sudo journalctl -u mosquitto")
    return ok(f"{address} is an MQTT broker and lets this machine in")


def _connect(address: Address, timeout_s: float) -> socket.socket:
    plain = socket.create_connection((address.host, address.port), timeout_s)
    if not address.tls:
        return plain
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=address.host)
    except BaseException:
        plain.close()
        raise


def _connect_packet() -> bytes:
    """CONNECT of MQTT 3.1.1, 3.1: a clean session, 10 s to live, no will, no user."""
    name = f"fmnist-edge-doctor-{os.getpid()}"[:23].encode()
    body = b"\x00\x04MQTT\x04\x02\x00\x0a" + len(name).to_bytes(2) + name
    return b"\x10" + len(body).to_bytes(1) + body


def _unreachable(address: Address, error: OSError, timeout_s: float, mend: str) -> Finding:
    """What a failed connection means. SSL's errors are OSErrors too."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = f"its certificate is refused: {error.verify_message}"
        mend = "set SSL_CERT_FILE to the certificate that signed it; is this machine's clock right?"
    elif isinstance(error, socket.gaierror):
        reason, mend = "nobody knows this name", f"getent hosts {address.host}; is the network up?"
    elif isinstance(error, TimeoutError):
        reason = f"no answer within {timeout_s:g} s"
        mend = f"ping {address.host}; is there a firewall between?"
    elif isinstance(error, ConnectionRefusedError):
        reason = "nobody listens there"
    elif isinstance(error, ssl.SSLError):
        reason, mend = "it does not speak TLS", "use the scheme without s, or the port of TLS"
    else:
        reason = error.strerror or str(error)
    return fail(f"{address} cannot be reached: {reason}", mend)
