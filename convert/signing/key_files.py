"""Key pairs in files, PEM as OpenSSL has it: the private one for its owner's eyes, and never written over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edge.documents import read_limited
from edge.errors import BadOption, OutputFailed, SecretRefused
from edge.inference.trusted_keys import SUFFIX
from edge.service.secrets import open_to_others, quoted, secret_from
from edge.service.whole_file import write_whole

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner

PASSPHRASE = "FMNIST_EDGE_KEY_PASSPHRASE"  # noqa: S105 - the variable's name


def make_key_pair(private: Path, passphrase_file: Path | None) -> tuple[Path, str]:
    """Make a key pair and write both files; the public one's path, and the key's id.

    Raises BadOption, SecretRefused or OutputFailed; then neither file is there.
    """
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        KeySerializationEncryption,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
        load_pem_private_key,
    )
    from securesystemslib.signer import CryptoSigner

    public = private.with_suffix(SUFFIX)
    if public == private:
        raise BadOption(f"{private} is the name of a public key", f"convert keygen {private.with_suffix('.key')}")
    signer = CryptoSigner.generate_ed25519()
    key = load_pem_private_key(signer.private_bytes, None)
    passphrase = secret_from(passphrase_file, PASSPHRASE)
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase is not None:
        encryption = BestAvailableEncryption(passphrase.encode())
    _write_new(private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption), 0o600)
    try:
        content = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        _write_new(public, content, 0o644)
    except BaseException:
        private.unlink()
        raise
    return public, signer.public_key.keyid


def read_private_key(path: Path, passphrase_file: Path | None) -> CryptoSigner:
    """What signs with a private key. Raises BadOption, or SecretRefused for a file that others may read."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    try:
        status = path.stat()
        if open_to_others(path, status):
            mode = f"mode {status.st_mode & 0o7777:04o}"
            raise SecretRefused(f"{path}: others may read this private key ({mode})", f"chmod 600 {quoted(path)}")
        text = read_limited(path)
    except OSError as error:
        raise BadOption(f"--key {path}: {error.strerror}", f"convert keygen {quoted(path)}") from error
    encrypted = b"ENCRYPTED" in text
    passphrase = secret_from(passphrase_file, PASSPHRASE) if encrypted else None
    if encrypted and passphrase is None:
        raise BadOption(f"{path} has a passphrase", f"--passphrase-file FILE, or {PASSPHRASE} in the environment")
    try:
        key = load_pem_private_key(text, None if passphrase is None else passphrase.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):  # not as the cause: it may hold the key
        why = "or the passphrase is wrong" if encrypted else "in PEM"
        raise BadOption(f"{path} is no private key, {why}", "convert keygen makes one") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadOption(f"{path} is no Ed25519 key", "convert keygen makes one")
    return CryptoSigner(key)


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that is not there yet, whole or not at all. Raises OutputFailed, which leaves what is there."""
    try:
        write_whole(path, content, mode, replaces=False)
    except FileExistsError as error:
        raise OutputFailed(f"{path} is there already: no key is written over", "choose another name") from error
    except OSError as error:
        raise OutputFailed(f"cannot write {path}: {error.strerror or error}", "choose another place") from error
