"""Keys and signed model files, without what `convert` is for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from edge.inference.model_file import bundled_models
from edge.inference.signature import SIGNATURE_NAME, Signature, date_text, parts_of
from tests.edge.deployment.model_parts import zipped


def new_signer() -> Any:
    from securesystemslib.signer import CryptoSigner

    return CryptoSigner.generate_ed25519()


def write_public_key(signer: Any, path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    key = load_pem_private_key(signer.private_bytes, None).public_key()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def trusting(folder: Path, *signers: Any) -> Path:
    """A folder with the public keys of signers."""
    for number, signer in enumerate(signers):
        write_public_key(signer, folder / f"{number}.pub")
    return folder


def signed(
    signer: Any,
    content: bytes = bundled_models()["tiny"].read_bytes(),
    expires_in: timedelta | None = None,
    signed_at: datetime | None = None,
) -> bytes:
    """A model file with a signature."""
    parts = parts_of(content, Path("model"))
    at = signed_at or datetime.now(UTC)
    dates = date_text(at), None if expires_in is None else date_text(at + expires_in)
    value = signer.sign(parts.statement(signer.public_key.keyid, *dates)).signature
    signature = Signature(signer.public_key.keyid, *dates, value)
    return parts.flatbuffer + zipped({**parts.members, SIGNATURE_NAME: signature.as_json()})
