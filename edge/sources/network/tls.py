"""Which certificates of cameras are trusted, for our own requests and for OpenCV's FFmpeg; and what a refusal means."""

from __future__ import annotations

import os
import re
import socket
import ssl
import threading
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from edge.errors import BadOption, CameraNotFound
from edge.sources.settings import SourceSettings

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_SYSTEM_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_RTSPS_PORT = 322
_HANDSHAKE_S = 5.0

_FFMPEG_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_IGNORES_OPTIONS = "4.11.0"
"""OpenCV's Linux wheel 4.11.0.86 never looks at the variable (opencv issue 27091)."""
_CHECKS_RTSPS = 62
"""The libavformat that comes with OpenCV 4.13. Number 59, of 4.12 and before, was seen to check https only."""

_EXPIRED, _NOT_YET_VALID, _SELF_SIGNED = 10, 9, 18
_UNKNOWN_AUTHORITY = frozenset({2, 19, 20, 21, 27})
_WRONG_NAME = frozenset({62, 64})
"""OpenSSL's X509_V_ERR_ numbers."""


def check_options(settings: SourceSettings) -> None:
    """Raises BadOption if --ca-file cannot be used, or stands beside --insecure."""
    if settings.ca_file is not None and settings.insecure:
        raise BadOption("--ca-file and --insecure exclude each other", "--insecure checks no certificate at all")
    trust(settings.ca_file, insecure=settings.insecure)


@cache
def trust(ca_file: Path | None, *, insecure: bool) -> ssl.SSLContext:
    """What the system trusts, and the certificates in `ca_file` besides; anybody at all if `insecure`.

    Raises BadOption if the file cannot be used.
    """
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        # Old cameras know old ciphers, short keys and TLS 1.0 only; without a check none of it protects much.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        return context
    # A certificate in the file is trusted for itself, too; and cameras' own certificates keep few of RFC 5280's rules.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if ca_file is not None:
        try:
            context.load_verify_locations(cadata=_certificates(ca_file))
        except ssl.SSLError as error:
            raise BadOption(f"--ca-file {ca_file} holds a damaged certificate", "was it copied completely?") from error
    return context


def _certificates(ca_file: Path) -> str:
    """The certificates in a file, without what else lies between them. Raises BadOption."""
    try:
        found = _CERTIFICATE.findall(ca_file.read_bytes())
    except OSError as error:
        raise BadOption(f"--ca-file {ca_file}: {error.strerror}", "a file with the camera's certificate") from error
    if not found:
        raise BadOption(
            f"--ca-file {ca_file} holds no certificate in PEM form",
            f"of a DER file: openssl x509 -inform der -in {ca_file} -out camera.pem",
        )
    return b"\n".join(found).decode("ascii", "replace") + "\n"


def in_plain_words(error: ssl.SSLError, name: str) -> CameraNotFound:
    """What is wrong with a camera's certificate, or with its TLS. `name` is the address as it may be printed."""
    trusting = "--ca-file FILE trusts the certificate in it, --insecure checks none"
    if not isinstance(error, ssl.SSLCertVerificationError):
        if error.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"}:
            return CameraNotFound(f"{name} speaks no TLS", "http:// or rtsp:// in place of https:// or rtsps://")
        return CameraNotFound(
            f"{name} and this machine agree on no TLS ({error.reason or error})",
            "a camera that knows only old versions may do so with --insecure",
        )
    code = error.verify_code
    if code == _SELF_SIGNED:
        return CameraNotFound(f"{name} shows a certificate that it signed itself", trusting)
    if code in _UNKNOWN_AUTHORITY:
        return CameraNotFound(f"{name} shows a certificate of an authority that this machine does not know", trusting)
    if code == _EXPIRED:
        return CameraNotFound(f"the certificate of {name} has expired", f"is this machine's clock right? {trusting}")
    if code == _NOT_YET_VALID:
        return CameraNotFound(f"the certificate of {name} is not valid yet", f"is the clock right? {trusting}")
    if code in _WRONG_NAME:
        return CameraNotFound(
            f"{name} shows a certificate for another name", f"use the name that it is made out to; {trusting}"
        )
    return CameraNotFound(f"the certificate of {name} is refused: {error.verify_message}", trusting)


def prepare_ffmpeg(url: str, name: str, settings: SourceSettings) -> None:
    """Have FFmpeg, which by itself checks no certificate, check those of the stream that is opened next.

    An rtsps camera's certificate is checked here first: FFmpeg says no reasons, and of a numeric address it does not
    check the name. Raises CameraNotFound.
    """
    parts = urlsplit(url)
    _set_ffmpeg_options(_ffmpeg_options(settings))
    if settings.insecure:
        return
    if not ffmpeg_can_check(parts.scheme):
        raise CameraNotFound(
            f"this OpenCV cannot check the certificate of {name}",
            "OpenCV 4.13 and later can: pip install -U opencv-python-headless; --insecure checks none",
        )
    if parts.scheme == "rtsps":
        _shake_hands(str(parts.hostname), parts.port or _RTSPS_PORT, name, settings)


def ffmpeg_can_check(scheme: str) -> bool:
    """Whether OpenCV's FFmpeg checks the certificates of https or rtsps streams when it is told to."""
    from edge.opencv import cv2

    library = re.search(r"avformat: +YES \((\d+)", cv2.getBuildInformation())
    if cv2.__version__ == _IGNORES_OPTIONS or library is None:
        return False
    return scheme == "https" or int(library[1]) >= _CHECKS_RTSPS


def _shake_hands(host: str, port: int, name: str, settings: SourceSettings) -> None:
    context = trust(settings.ca_file, insecure=settings.insecure)
    try:
        with (
            socket.create_connection((host, port), _HANDSHAKE_S) as connection,
            context.wrap_socket(connection, server_hostname=host),
        ):
            pass
    except ssl.SSLError as error:
        raise in_plain_words(error, name) from error
    except OSError as error:
        raise CameraNotFound(f"{name} does not answer: {error}", "check the address and the network") from error


def _ffmpeg_options(settings: SourceSettings) -> dict[str, str]:
    options = {"rtsp_flags": "prefer_tcp"}  # OpenCV's own, which a value of the variable replaces
    if settings.insecure:
        return options | {"tls_verify": "0"}
    bundle = _bundle(settings.ca_file)
    return options | {"tls_verify": "1"} | ({"ca_file": bundle} if bundle else {})


_variable = threading.Lock()
_of_user: list[str] = []


def _set_ffmpeg_options(options: dict[str, str]) -> None:
    """Set the variable that OpenCV reads when it opens a stream; what the user has in it stays and comes first.

    It is not set back: opening may hang for seconds, and then other threads open streams, with the same settings.
    """
    with _variable:
        if not _of_user:
            _of_user.append(os.environ.get(_FFMPEG_OPTIONS, ""))
        pairs = [pair for pair in _of_user[0].split("|") if pair]
        taken = {pair.partition(";")[0] for pair in pairs}
        pairs += [f"{name};{value}" for name, value in options.items() if name not in taken]
        os.environ[_FFMPEG_OPTIONS] = "|".join(pairs)


@cache
def _bundle(ca_file: Path | None) -> str | None:
    """A file with the certificates that the system trusts and those of `ca_file`; None if there are none."""
    candidates = (os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile, *_SYSTEM_BUNDLES)
    system = next((path for path in candidates if path and Path(path).is_file()), None)
    if ca_file is None:
        return system
    content = _certificates(ca_file).encode() + (Path(system).read_bytes() if system else b"")
    in_memory = os.memfd_create("certificates")  # stays open as long as this process: streams are opened again
    with os.fdopen(in_memory, "wb", closefd=False) as file:
        file.write(content)
    return f"/proc/self/fd/{in_memory}"
