"""Originals: sealed, kept as files under the hash of the sealed bytes; a row says which, the log holds a commitment.

The file stands before the row, so a row never points at nothing; a file without a row is what a crash left over.
Evidence about nobody (a revocation list, an anchor) is kept once, in the clear, under its own hash.
"""

import re
from hashlib import sha256
from typing import Any, Final

from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils import timezone

from verification.core import ids
from verification.core.errors import EvidenceUnreadable
from verification.evidence.vault import BlindIndex, Key, Opening, blind_index, blind_index_values, commitment
from verification.models import EvidenceItem, SharedEvidence

_TABLE: Final = "EvidenceItem"
_SEEN: Final = "evidence"
_HASH: Final = re.compile(r"[0-9a-f]{64}")


def put(key: Key, content: bytes, *, kind: str, attempt_id: str | None = None) -> EvidenceItem:
    """Seals and keeps an original; its row is written in the caller's transaction, its file at once."""
    item_id = ids.new_evidence_id()
    sealed = key.seal(content, table=_TABLE, field=_field(item_id, kind))
    name = sha256(sealed.data).hexdigest()
    _write(name, sealed.data)
    return EvidenceItem.objects.create(
        id=item_id,
        verification_id=key.verification_id,
        attempt_id=attempt_id,
        kind=kind,
        sealed_sha256=name,
        commitment=sealed.commitment,
        seen_index=_seen(content).value,
        size=len(content),
        created_at=timezone.now(),
    )


def get(key: Key, item: EvidenceItem) -> bytes:
    """The original bytes; raises `EvidenceUnreadable` as `opening` does."""
    return opening(key, item).plain


def opening(key: Key, item: EvidenceItem) -> Opening:
    """The original bytes with the salt that opens their commitment.

    Raises `EvidenceUnreadable` if the file is missing, is not what was stored, does not open under this key, or does
    not fit the commitment.
    """
    sealed = read(item.sealed_sha256)
    opened = key.opening(sealed, table=_TABLE, field=_field(item.pk, item.kind))
    if commitment(opened.salt, opened.plain) != item.commitment:
        raise EvidenceUnreadable(f"{item.pk} is not what its commitment says")
    return opened


def put_shared(content: bytes) -> SharedEvidence:
    """Keeps evidence about nobody; the same bytes are kept once."""
    name = sha256(content).hexdigest()
    _write(name, content)
    row, _ = SharedEvidence.objects.get_or_create(
        sha256=name, defaults={"size": len(content), "created_at": timezone.now()}
    )
    return row


def get_shared(sha256_hex: str) -> bytes:
    """Shared evidence by its hash; raises `EvidenceUnreadable` if the file is missing or changed."""
    return read(sha256_hex)


def seen_values(content: bytes) -> list[bytes]:
    """What `EvidenceItem.seen_index` holds for these bytes, under every index key: search with `…__in`."""
    return blind_index_values(purpose=_SEEN, value=sha256(content).hexdigest())


def leaf_fields(item: EvidenceItem) -> dict[str, Any]:
    """What the log says of an item, for the list `evidence` in the body of an entry."""
    return {
        "id": item.pk,
        "kind": item.kind,
        "commitment": item.commitment,
        "sealed_sha256": item.sealed_sha256,
        "size": item.size,
    }


def read(name: str) -> bytes:
    """The stored bytes whose SHA-256 is `name`; raises `EvidenceUnreadable` if there are none or they differ."""
    if not _HASH.fullmatch(name):
        raise EvidenceUnreadable("the name of a file is no SHA-256")
    try:
        with storages["evidence"].open(_path(name), "rb") as file:
            content: bytes = file.read()
    except (OSError, ValueError):
        raise EvidenceUnreadable(f"the file {name} is missing or cannot be read") from None
    if sha256(content).hexdigest() != name:
        raise EvidenceUnreadable(f"the file {name} is not the bytes it is named for")
    return content


def _write(name: str, content: bytes) -> None:
    """Puts the bytes under their hash; bytes that are there already are left alone, damaged ones are replaced."""
    storage = storages["evidence"]
    if _is_kept(name):
        return
    saved = storage.save(_path(name), ContentFile(content))
    if saved != _path(name):
        # A storage that does not overwrite kept the name for whoever came first.
        storage.delete(saved)
        read(name)


def _is_kept(name: str) -> bool:
    try:
        read(name)
    except EvidenceUnreadable:
        return False
    return True


def _path(name: str) -> str:
    # Two levels, because some file systems slow down with millions of files in one directory.
    return f"{name[:2]}/{name}"


def _field(item_id: str, kind: str) -> str:
    return f"{item_id}:{kind}"


def _seen(content: bytes) -> BlindIndex:
    return blind_index(purpose=_SEEN, value=sha256(content).hexdigest())
