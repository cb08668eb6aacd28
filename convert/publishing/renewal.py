"""New keys for old ones: as a habit, or because somebody else has one."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from tuf.api.metadata import Root, Snapshot, Targets

from convert.publishing.publishing import PERIODS
from convert.publishing.roles import ROLES, Periods, Signer, Threshold
from edge.errors import BadOption

if TYPE_CHECKING:
    from securesystemslib.signer import Key

    from convert.publishing.key_ring import KeyRing
    from convert.publishing.repository import Repository

_CHANGED = {Signer.ROOT: Root.type, Signer.TARGETS: Targets.type, Signer.ONLINE: Snapshot.type}
"""What has to be signed anew where somebody's keys are others."""


def rotate(
    repository: Repository, ring: KeyRing, signers: Collection[Signer], periods: Periods = PERIODS
) -> dict[Signer, list[Key]]:
    """Give each of the signers as many new keys as there were; the old ones count no more. The new keys.

    Devices follow by the new root, which the old root's keys have signed. Raises what `Repository.write` raises.
    """
    root = repository.root.signed
    made: dict[Signer, list[Key]] = {}
    for signer in signers:
        role = root.roles[ROLES[signer][0]]
        old = list(role.keyids)
        made[signer] = ring.make(signer, Threshold(len(old), role.threshold))
        for keyid in old:
            _replace(root, signer, keyid, made[signer][old.index(keyid)])
    repository.write({Root.type, *(_CHANGED[signer] for signer in signers)}, ring, periods)
    return made


def revoke(repository: Repository, ring: KeyRing, key: Key, periods: Periods = PERIODS) -> dict[Signer, list[Key]]:
    """Take one key away and put a new one in its place, where somebody else may have it. The new keys.

    The online keys are renewed, too, whosever key it was: a thief may have signed versions with such high numbers that
    devices would take nothing of ours for newer. They forget these numbers when the online keys are others.
    Raises what `Repository.write` raises.
    """
    root = repository.root.signed
    made: dict[Signer, list[Key]] = {}
    for signer, roles in ROLES.items():
        if signer is Signer.ONLINE or key.keyid not in root.roles[roles[0]].keyids:
            continue
        made[signer] = ring.make(signer, Threshold(1, 1))
        _replace(root, signer, key.keyid, made[signer][0])
    online = root.roles[ROLES[Signer.ONLINE][0]]
    if not made and key.keyid not in online.keyids:
        raise BadOption(f"{key.keyid[:16]} is no key of this repository", "convert publish status DIR lists them")
    old = list(online.keyids)
    made[Signer.ONLINE] = ring.make(Signer.ONLINE, Threshold(len(old), online.threshold))
    for keyid, new in zip(old, made[Signer.ONLINE], strict=True):
        _replace(root, Signer.ONLINE, keyid, new)
    repository.write({Root.type, *(_CHANGED[signer] for signer in made)}, ring, periods)
    return made


def _replace(root: Root, signer: Signer, keyid: str, new: Key) -> None:
    for role in ROLES[signer]:
        root.add_key(new, role)
        root.revoke_key(keyid, role)
