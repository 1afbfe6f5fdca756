"""Originals: sealed, kept as files under the hash of the sealed bytes; a row says which, the log holds a commitment.

The file stands before the row, whole and on disk, so a row never points at nothing; a file without a row is what a
crash left over. Evidence about nobody (a revocation list, an anchor) is kept once, in the clear, under its own hash.
"""

import os
import re
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, storages

from verification import clock
from verification.core import ids
from verification.core.errors import EvidenceUnreadable
from verification.evidence.vault import Key, Opening, blind_index, blind_index_values, commitment
from verification.models import EvidenceItem, SharedEvidence

# For the process that wrote them and nobody else, whatever the umask and Django's settings for uploads say.
_FILE_MODE: Final = 0o600
_DIRECTORY_MODE: Final = 0o700
_TABLE: Final = "EvidenceItem"
_SEEN: Final = "evidence"
_HASH: Final = re.compile(r"[0-9a-f]{64}")


class DurableFileSystemStorage(FileSystemStorage):
    """Django's storage on a file system, for names that are hashes: a name has one content for ever."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """The name itself: what is there already under a hash is the same bytes, or damaged and to be replaced."""
        return name

    def _save(self, name: str, content: "File[Any]") -> str:
        path = Path(self.path(name))
        for directory in (Path(self.location), path.parent):
            directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
        # Of two processes that write the same bytes each has a file of its own; a rename is whole or not at all.
        fresh = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}.new")
        try:
            with fresh.open("xb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fchmod(file.fileno(), _FILE_MODE)
                os.fsync(file.fileno())
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
        # The name must survive a power cut as well: the directory, and its parent if the directory is new.
        for directory in (path.parent, path.parent.parent):
            opened = os.open(directory, os.O_RDONLY)
            try:
                os.fsync(opened)
            finally:
                os.close(opened)
        return name


def put(key: Key, content: bytes, *, kind: str, attempt_id: str | None = None) -> EvidenceItem:
    """Seals and keeps an original; its row is written in the caller's transaction, its file at once."""
    item_id = ids.new_evidence_id()
    # Bound to its row and kind, so that no file can be passed off as another's evidence.
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
        seen_index=blind_index(purpose=_SEEN, value=sha256(content).hexdigest()).value,
        size=len(content),
        created_at=clock.now(),
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
        sha256=name, defaults={"size": len(content), "created_at": clock.now()}
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
    try:
        read(name)
    except EvidenceUnreadable:
        storage = storages["evidence"]
        if (saved := storage.save(_path(name), ContentFile(content))) != _path(name):
            # A storage that does not overwrite kept the name for whoever came first.
            storage.delete(saved)
            read(name)


def _path(name: str) -> str:
    # Two levels, because some file systems slow down with millions of files in one directory.
    return f"{name[:2]}/{name}"


def _field(item_id: str, kind: str) -> str:
    return f"{item_id}:{kind}"
