"""Whom this device trusts: a folder of public keys. A model file that none of them has signed is not loaded."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from edge.documents import read_limited
from edge.errors import BadOption, MissingExtra, ModelUntrusted
from edge.inference.signature import Signature, date_text, parse_signature, parts_of

if TYPE_CHECKING:
    from securesystemslib.signer import SSlibKey

SUFFIX = ".pub"

CLOCKS_DIFFER = timedelta(days=1)
"""So much earlier than the signer's, a clock is not set."""


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """Checks model files by the keys in `folder`, which are read anew each time: keys come and go.

    With `trust_bundled` the models that ship with the package need no signature.
    """

    folder: Path
    trust_bundled: bool = False

    def check(self, content: bytes, path: Path, is_bundled: bool) -> Signature | None:
        """The signature of a model file, if it is good; None for a bundled model that needs none.

        Raises ModelUntrusted, or ModelDamaged; BadOption for a folder without keys, and MissingExtra.
        """
        keys = read_keys(self.folder)
        if self.trust_bundled and is_bundled:
            return None
        parts = parts_of(content, path)
        if parts.signature is None:
            raise ModelUntrusted(
                f"{path} is not signed, and only signed models are trusted here",
                "convert sign MODEL --key FILE; bundled models: --trust-bundled",
            )
        signature = parse_signature(parts.signature, path)
        key = keys.get(signature.key_id)
        if key is None:
            raise ModelUntrusted(
                f"{path} is signed by a key that is not trusted here ({signature.key_id[:16]})",
                f"put the signer's public key ({SUFFIX}) into {self.folder}, if you trust it",
            )
        statement = parts.statement(signature.key_id, signature.signed_at, signature.expires)
        if not _is_signed(key, signature, statement):
            raise ModelUntrusted(
                f"{path} was altered after it was signed: its signature does not match",
                "get the file again from whoever signed it",
            )
        _check_dates(signature, path, datetime.now(UTC))
        return signature


def read_keys(folder: Path) -> Mapping[str, SSlibKey]:
    """The public keys in a folder (*.pub, PEM), by their ids. Raises BadOption, or MissingExtra."""
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == SUFFIX and not path.name.startswith("."))
    except OSError as error:
        raise BadOption(f"--trusted-keys {folder}: {error.strerror}", "a folder with public keys (*.pub)") from error
    if not files:
        raise BadOption(f"--trusted-keys {folder}: there is no {SUFFIX} file in it", "convert keygen makes a key pair")
    return {key.keyid: key for key in map(read_key, files)}


def read_key(path: Path) -> SSlibKey:
    """The public key of a PEM file, which is Ed25519. Raises BadOption, or MissingExtra."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
        from securesystemslib.signer import SSlibKey
    except ImportError as error:
        raise MissingExtra(
            f"signatures need securesystemslib and cryptography: {error}", "pip install 'fmnist-edge[sign]'"
        ) from error
    try:
        text = read_limited(path)
        if b"PRIVATE KEY" in text:
            raise BadOption(
                f"{path} is a private key", f"keep it where models are signed; only its {SUFFIX} file belongs here"
            )
        key = load_pem_public_key(text)
    except OSError as error:
        raise BadOption(f"{path}: {error.strerror}", "check its permissions") from error
    except BadOption:
        raise
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadOption(f"{path} is no public key in PEM", "convert keygen writes one") from error
    if not isinstance(key, Ed25519PublicKey):
        raise BadOption(f"{path} is no Ed25519 key", "convert keygen makes one")
    return SSlibKey.from_crypto(key)


def _is_signed(key: SSlibKey, signature: Signature, statement: bytes) -> bool:
    from securesystemslib.exceptions import UnverifiedSignatureError
    from securesystemslib.signer import Signature as RawSignature

    try:
        key.verify_signature(RawSignature(signature.key_id, signature.value), statement)
    except UnverifiedSignatureError:
        return False
    return True


def _check_dates(signature: Signature, path: Path, now: datetime) -> None:
    expires = signature.expires_when
    if expires is None:
        return
    if now >= expires:
        raise ModelUntrusted(
            f"{path}: its signature expired on {signature.expires}; it is {date_text(now)} here",
            "have it signed anew, or set the clock",
        )
    if now < signature.signed_when - CLOCKS_DIFFER:
        warnings.warn(
            f"{path} was signed on {signature.signed_at}, and the clock says {date_text(now)}: it is not set, so "
            "nobody knows whether the signature has expired",
            stacklevel=2,
        )
