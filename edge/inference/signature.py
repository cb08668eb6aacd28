"""The signature of a model file: over the flatbuffer, the labels, the manifest and all else that is attached to it.

It stands in the appended zip as `signature.json`, so the file stays one file that every runtime reads. What is signed
is a statement: the SHA-256 of the flatbuffer and of each other member of the zip, with the key and the dates.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge.documents import parse_json
from edge.errors import ModelDamaged, ModelUntrusted

SIGNATURE_NAME = "signature.json"
VERSION = 1
SCHEME = "ed25519"

MOST_MEMBERS = 16
LARGEST_MEMBER = 1 << 20


@dataclass(frozen=True, slots=True)
class Signature:
    """What signature.json says. Dates are in UTC, like 2026-11-30T12:00:00Z; `value` is in hexadecimal digits."""

    key_id: str
    signed_at: str
    expires: str | None
    value: str

    @property
    def signed_when(self) -> datetime:
        """The moment at which it was signed, by the signer's clock."""
        return parse_date(self.signed_at)

    @property
    def expires_when(self) -> datetime | None:
        """The moment after which it is worth nothing; None for one that lasts."""
        return None if self.expires is None else parse_date(self.expires)

    def as_json(self) -> bytes:
        """The content of signature.json."""
        return (json.dumps({"v": VERSION, "scheme": SCHEME, **asdict(self)}, indent=1) + "\n").encode()


@dataclass(frozen=True, slots=True)
class SignedParts:
    """A model file in its parts: the flatbuffer, and the members of its zip but the signature."""

    flatbuffer: bytes
    members: Mapping[str, bytes]
    signature: bytes | None

    def statement(self, key_id: str, signed_at: str, expires: str | None) -> bytes:
        """What is signed: canonical JSON, which two different files, keys or dates never share."""
        document = {
            "type": "fmnist-edge model",
            "v": VERSION,
            "key_id": key_id,
            "signed_at": signed_at,
            "expires": expires,
            "flatbuffer": hashlib.sha256(self.flatbuffer).hexdigest(),
            "members": {name: hashlib.sha256(content).hexdigest() for name, content in self.members.items()},
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def parts_of(content: bytes, path: Path) -> SignedParts:
    """Take a model file apart. Raises ModelDamaged for a zip that can be read in two ways, or is too large."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return SignedParts(content, {}, None)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            if not entries or len(names) > MOST_MEMBERS or len(set(names)) != len(names):
                raise ModelDamaged(f"{path}: its attached files are too many, none, or two of one name")
            if any(entry.file_size > LARGEST_MEMBER for entry in entries):
                raise ModelDamaged(f"{path}: its metadata are implausibly large")
            members = {entry.filename: archive.read(entry) for entry in entries}
            start = min(entry.header_offset for entry in entries)
    except (
        zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError, EOFError, OSError,
    ) as error:  # fmt: skip
        raise ModelDamaged(f"{path} is damaged: {error}") from error
    signature = members.pop(SIGNATURE_NAME, None)
    return SignedParts(content[:start], members, signature)


def parse_signature(text: bytes, path: Path) -> Signature:
    """Read signature.json. Raises ModelUntrusted."""
    try:
        found = parse_json(text)
        if isinstance(found, dict) and isinstance(found.get("v"), int) and found["v"] > VERSION:
            raise ModelUntrusted(f"{path} was signed by a newer fmnist-edge", "pip install --upgrade fmnist-edge")
        return _signature(found)
    except (ValueError, KeyError, TypeError) as error:
        raise ModelUntrusted(f"{path}: its signature is not valid: {error}", "get the file again") from error


def parse_date(text: str) -> datetime:
    """A moment like 2026-11-30T12:00:00Z. Raises ValueError."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def date_text(when: datetime) -> str:
    """A moment as signature.json has it, to the second."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _signature(found: Any) -> Signature:
    if found["v"] != VERSION or found["scheme"] != SCHEME:
        raise ValueError(f"scheme {found['scheme']}, version {found['v']}")
    signature = Signature(found["key_id"], found["signed_at"], found["expires"], found["value"])
    for text, pattern in ((signature.key_id, r"[0-9a-f]{64}"), (signature.value, r"[0-9a-f]{128}")):
        if re.fullmatch(pattern, text) is None:
            raise ValueError(f"{text[:20]} has the wrong form")
    assert signature.signed_when
    assert signature.expires_when or signature.expires is None
    return signature
