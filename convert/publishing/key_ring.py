"""The private keys of a repository's roles, found in the folders that are given, and read when one has to sign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from convert.publishing.roles import Signer, Threshold
from convert.signing.key_files import make_key_pair, read_private_key
from edge.errors import BadOption
from edge.inference.trusted_keys import SUFFIX, read_key

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner, Key

PRIVATE = ".key"


class KeyRing:
    """Key pairs (NAME.key beside NAME.pub) in some folders: perhaps one here and one on a stick.

    New pairs go into the first folder.
    """

    def __init__(self, folders: Sequence[Path], passphrase_file: Path | None = None) -> None:
        for folder in folders:
            if not folder.is_dir():
                raise BadOption(f"--keys {folder}: no such folder", "convert publish init makes keys")
        self._folders = tuple(folders)
        self._passphrase_file = passphrase_file
        self._public: dict[str, tuple[Path, Key]] = {}
        for folder in folders:
            for path in sorted(folder.glob(f"[!.]*{SUFFIX}")):
                key = read_key(path)
                self._public.setdefault(key.keyid, (path, key))

    def make(self, signer: Signer, threshold: Threshold) -> list[Key]:
        """New key pairs of a kind, in the first folder. Raises OutputFailed or SecretRefused."""
        return [self._make(signer) for _ in range(threshold.keys)]

    def signers(self, keyids: Iterable[str]) -> list[CryptoSigner]:
        """What signs with those of the keys that are here. Raises BadOption, or SecretRefused."""
        there = [self._public[keyid][0].with_suffix(PRIVATE) for keyid in keyids if keyid in self._public]
        return [read_private_key(path, self._passphrase_file) for path in there if path.is_file()]

    def find(self, named: str, keys: Mapping[str, Key]) -> Key:
        """A key of a repository by its .pub file, the name of that file, or the beginning of its id.

        Raises BadOption.
        """
        path = Path(named)
        if path.suffix == SUFFIX and path.is_file():
            keyid = read_key(path).keyid
        else:
            by_name = [keyid for keyid, (file, _) in self._public.items() if file.stem == path.stem and keyid in keys]
            found = by_name or [keyid for keyid in keys if len(named) >= 8 and keyid.startswith(named)]
            keyid = found[0] if len(found) == 1 else ""
        if keyid not in keys:
            raise BadOption(
                f"{named} is no key of this repository", "its .pub file, or the first digits of its id: publish status"
            )
        return keys[keyid]

    def name(self, keyid: str) -> str:
        """What a key's files are called, or its id where they are not here."""
        return self._public[keyid][0].stem if keyid in self._public else keyid[:16]

    def _make(self, signer: Signer) -> Key:
        folder, number = self._folders[0], 1
        while any((folder / f"{signer}-{number}{suffix}").exists() for suffix in (SUFFIX, PRIVATE)):
            number += 1
        public, _ = make_key_pair(folder / f"{signer}-{number}{PRIVATE}", self._passphrase_file)
        key = read_key(public)
        self._public[key.keyid] = (public, key)
        return key
