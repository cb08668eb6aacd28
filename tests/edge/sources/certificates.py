"""Certificates as cameras have them, made by the openssl command."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class Certificates:
    """An authority's certificate, and servers with certificates: good, expired, wrong (another name), self (signed)."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "authority.pem"

    def certificate(self, name: str) -> Path:
        return self.folder / f"{name}.pem"

    def server(self, name: str) -> ssl.SSLContext:
        """What a server with this certificate needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate(name), self.folder / f"{name}.key")
        return context


def make_certificates(folder: Path) -> Certificates:
    """All of them, in a folder; good for 127.0.0.1."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

    def sign_oneself(name: str, *extensions: str) -> None:
        named = ("-subj", f"/CN={name}", "-days", "9", *extensions)
        openssl("req", "-x509", *_NEW_KEY, "-keyout", f"{name}.key", "-out", f"{name}.pem", *named)

    sign_oneself("authority")
    sign_oneself("self", "-addext", "subjectAltName=IP:127.0.0.1")
    by_authority = ("-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-extfile", "names")
    for name, of, days in (
        ("good", "IP:127.0.0.1", "9"),
        ("expired", "IP:127.0.0.1", "-1"),
        ("wrong", "DNS:door.example", "9"),
    ):
        (folder / "names").write_text(f"subjectAltName={of}\n")
        openssl("req", "-new", *_NEW_KEY, "-keyout", f"{name}.key", "-out", "request", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", "request", *by_authority, "-days", days, "-out", f"{name}.pem")
    return Certificates(folder)
