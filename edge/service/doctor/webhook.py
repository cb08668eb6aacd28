"""A web hook: whether its server takes connections."""

from __future__ import annotations

from edge.service.doctor.addresses import TIMEOUT_S, Address, connect, unreachable
from edge.service.doctor.finding import Finding, ok

PORTS = {"http": 80, "https": 443}


def webhook(address: Address, timeout_s: float = TIMEOUT_S) -> Finding:
    """Whether a server takes connections there, by TLS if asked. Nothing is sent: a hook would take it for news."""
    try:
        connect(address, timeout_s).close()
    except OSError as error:
        return unreachable(
            address,
            error,
            timeout_s,
            "is the server running, the port right? curl -v shows more",
            "set SSL_CERT_FILE to the certificate that signed it; is this machine's clock right?",
        )
    return ok(f"{address} takes connections")
