"""Addresses of servers, and what it means when nobody answers there."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from edge.errors import BadOption
from edge.service.doctor.finding import Finding, fail

TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect to, by TLS or not, and as whom. The path of a hook may be its secret, so it is not kept."""

    host: str
    port: int
    tls: bool
    user: str | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}{' by TLS' if self.tls else ''}"


def parse_address(url: str, ports: Mapping[str, int], with_tls: str) -> Address:
    """The address in a URL whose schemes are those of `ports`; `with_tls` is the one with TLS.

    Raises BadOption, also for a password: everybody on the machine sees command lines.
    """
    scheme, port = next(iter(ports.items()))
    example = f"such as {scheme}://192.168.1.2:{port}"
    try:
        parts = urlsplit(url)
        given = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError:  # its text may hold the password
        raise BadOption(f"this is no URL of the kind {scheme}://HOST", example) from None
    if parts.password is not None:
        raise BadOption("a password on the command line can be read by everybody on this machine (ps)", "leave it out")
    if parts.scheme not in ports or not parts.hostname:
        raise BadOption(f"expected {' or '.join(f'{one}://HOST' for one in ports)}", example)
    user = unquote(parts.username) if parts.username else None
    return Address(parts.hostname, given or ports[parts.scheme], parts.scheme == with_tls, user)


def connect(address: Address, timeout_s: float, ca_file: Path | None = None) -> socket.socket:
    """A connection, by TLS if the address says so; `ca_file` vouches for the server. Raises OSError."""
    context = ssl.create_default_context(cafile=ca_file) if address.tls else None
    plain = socket.create_connection((address.host, address.port), timeout_s)
    if context is None:
        return plain
    try:
        return context.wrap_socket(plain, server_hostname=address.host)
    except BaseException:
        plain.close()
        raise


def unreachable(address: Address, error: OSError, timeout_s: float, mend: str, certificate_mend: str) -> Finding:
    """What a failed connection means, and what mends it. SSL's errors are OSErrors too."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason, mend = f"its certificate is refused: {error.verify_message}", certificate_mend
    elif isinstance(error, socket.gaierror):
        reason, mend = "nobody knows this name", f"getent hosts {address.host}; is the network up?"
    elif isinstance(error, TimeoutError):
        reason, mend = f"no answer within {timeout_s:g} s", f"ping {address.host}; is there a firewall between?"
    elif isinstance(error, ConnectionRefusedError):
        reason = "nobody listens there"
    elif isinstance(error, ssl.SSLError):
        reason, mend = "it does not speak TLS", "use the scheme without s, or the port of TLS"
    else:
        reason = error.strerror or str(error)
    return fail(f"{address} cannot be reached: {reason}", mend)
