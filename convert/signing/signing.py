"""Put a signature into a model file, where every other runtime skips it."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from convert.tflite.manifest import zipped
from edge.errors import BadOption
from edge.inference.model_file import parse_model
from edge.inference.signature import SIGNATURE_NAME, Signature, date_text, parse_date, parts_of

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner


def sign(content: bytes, path: Path, signer: CryptoSigner, expires: datetime | None) -> tuple[bytes, Signature]:
    """The model file with a signature over all its parts, in place of an older one, and that signature.

    What is damaged is not signed: raises ModelDamaged or ModelUnsupported.
    """
    parse_model(content, path)
    parts = parts_of(content, path)
    key_id, signed_at = signer.public_key.keyid, date_text(datetime.now(UTC))
    until = None if expires is None else date_text(expires)
    value = signer.sign(parts.statement(key_id, signed_at, until)).signature
    signature = Signature(key_id, signed_at, until, value)
    return parts.flatbuffer + zipped({**parts.members, SIGNATURE_NAME: signature.as_json()}), signature


def parse_expiry(text: str) -> datetime:
    """A day (to its end, UTC) like 2027-06-30, or a moment like 2027-06-30T12:00:00Z. Raises BadOption."""
    example = "--expires 2027-06-30, or 2027-06-30T12:00:00Z"
    try:
        if "T" in text:
            when = parse_date(text)
        else:
            day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
            when = datetime.combine(day.date(), time(23, 59, 59), UTC)
    except ValueError as error:
        raise BadOption(f"--expires {text} is no date", example) from error
    if when <= datetime.now(UTC):
        raise BadOption(f"--expires {text} is over", "a date to come")
    return when
