"""An MQTT broker: whether it answers, and lets this user in."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from edge.errors import SecretRefused
from edge.service.doctor.addresses import TIMEOUT_S, Address, connect, unreachable
from edge.service.doctor.finding import Finding, fail, ok, warn
from edge.service.secrets import secret_from

PORTS = {"mqtt": 1883, "mqtts": 8883}

# MQTT 3.1.1, 3.2.2.3: why a broker that answers does not let us in.
_REFUSALS = {1: "it wants another version of MQTT", 2: "it refuses the client's name", 3: "it is not available"}
_CREDENTIALS = (4, 5)


def broker(
    address: Address, password_file: Path | None, variable: str, ca_file: Path | None, timeout_s: float = TIMEOUT_S
) -> Finding:
    """As `mqtt`; the password is in a file, or in an environment variable."""
    try:
        password = secret_from(password_file, variable)
    except SecretRefused as error:
        return fail(error.message, error.hint or "a secret is one line in a file with mode 0600")
    if password is not None and address.user is None:
        return fail(f"{address}: there is a password, but no user", f"--mqtt mqtt://USER@{address.host}")
    try:
        ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        reason = "no certificates in it" if isinstance(error, ssl.SSLError) else error.strerror
        return fail(f"{ca_file}: {reason}", "give the certificate of the broker's authority, in PEM")
    return mqtt(address, password, ca_file, timeout_s)


def mqtt(
    address: Address, password: str | None = None, ca_file: Path | None = None, timeout_s: float = TIMEOUT_S
) -> Finding:
    """Whether a broker answers CONNECT there, and what. Nothing is published."""
    try:
        with connect(address, timeout_s, ca_file) as connection:
            connection.sendall(connect_packet(address.user, password))
            answer = b""
            while len(answer) < 4 and (more := connection.recv(4 - len(answer))):
                answer += more
            if answer[:1] == b"\x20":
                connection.sendall(b"\xe0\x00")  # DISCONNECT
    except OSError as error:
        return unreachable(
            address,
            error,
            timeout_s,
            "on the broker: sudo systemctl status mosquitto; it listens to other machines only with a listener line",
            "--mqtt-ca-file FILE, with the certificate that signed it; is this machine's clock right?",
        )
    if len(answer) != 4 or answer[:2] != b"\x20\x02":
        return fail(f"{address} answers, but not as an MQTT broker", "is it the port of MQTT? 1883, or 8883 by TLS")
    return _meaning(address, answer[3])


def _meaning(address: Address, code: int) -> Finding:
    """What the return code of a CONNACK says."""
    if code in _CREDENTIALS and address.user is None:
        mend = f"--mqtt mqtt://USER@{address.host} --mqtt-password-file FILE"
        return warn(f"{address} answers, and wants a user and a password", mend)
    if code in _CREDENTIALS:
        mend = f"on the broker: sudo mosquitto_passwd /etc/mosquitto/passwd {address.user}"
        return fail(f"{address} refuses the user {address.user} or the password", mend)
    if code:
        reason = _REFUSALS.get(code, f"code {code}")
        return fail(f"{address} refuses: {reason}", "on the broker: sudo journalctl -u mosquitto")
    return ok(f"{address} is an MQTT broker and lets {address.user or 'this machine'} in")


def connect_packet(user: str | None, password: str | None) -> bytes:
    """CONNECT of MQTT 3.1.1, 3.1: a clean session, 10 s to live, no will."""
    texts = [f"fmnist-edge-doctor-{os.getpid()}"[:23], *(one for one in (user, password) if one is not None)]
    flags = 0x02 | (0x80 if user is not None else 0) | (0x40 if password is not None else 0)
    payload = b"".join(len(one.encode()).to_bytes(2) + one.encode() for one in texts)
    body = b"\x00\x04MQTT\x04" + bytes([flags]) + b"\x00\x0a" + payload
    return b"\x10" + _length(len(body)) + body


def _length(size: int) -> bytes:
    """The remaining length, 2.2.3: seven bits a byte, the lowest first."""
    encoded = bytearray()
    while size > 127:
        encoded.append(size & 127 | 128)
        size >>= 7
    return bytes([*encoded, size])
