"""Originals: sealed, kept in files under the hash of the sealed bytes; a row says where, the log holds a commitment.

What one step brings lies in one file, or in its rows if it is little; each original has its own key and commitment.
The file stands before the row, whole and on disk, so a row never points at nothing; a file without a row is what a
crash left over. Evidence about nobody (a revocation list, an anchor) is kept once, in the clear, under its own hash.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, storages

from verification import clock
from verification.core import ids
from verification.core.errors import EvidenceUnreadable
from verification.evidence import policy
from verification.evidence.vault import Key, Opening, blind_index, blind_index_values, commitment
from verification.models import EvidenceItem, SharedEvidence

# For the process that wrote them and nobody else, whatever the umask and Django's settings for uploads say.
_FILE_MODE: Final = 0o600
_DIRECTORY_MODE: Final = 0o700
_TABLE: Final = "EvidenceItem"
_SEEN: Final = "evidence"
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_LENGTH_BYTES: Final = 4  # before each part of a file


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
    """Seals and keeps one original, as `put_all` does."""
    return put_all(key, {kind: content}, attempt_id=attempt_id)[0]


def put_all(key: Key, contents: Mapping[str, bytes], *, attempt_id: str | None = None) -> list[EvidenceItem]:
    """Seals and keeps the originals of one step by kind; rows are written in the caller's transaction, files at once.

    1 each is sealed with a key of its own, to be opened, or destroyed, alone   2 a camera's frame is a file
    3 all else is one file together, or, if that is little, stays in the rows
    """
    items: list[EvidenceItem] = []
    together: dict[str, bytes] = {}
    for kind, content in contents.items():
        item, sealed = _seal(key, content, kind=kind)  # 1
        item.attempt_id = attempt_id
        items.append(item)
        if policy.APART in kind:  # 2
            _place([(item, sealed)])
        else:
            together[item.pk] = sealed
    packed = [(item, together[item.pk]) for item in items if item.pk in together]
    if sum(map(len, together.values())) > policy.INLINE_BYTES:  # 3
        _place(packed)
    else:
        for item, sealed in packed:
            item.sealed, item.sealed_sha256 = sealed, sha256(sealed).hexdigest()
    return EvidenceItem.objects.bulk_create(items)


def get(key: Key, item: EvidenceItem) -> bytes:
    """The original bytes; raises `EvidenceUnreadable` as `opening` does."""
    return opening(key, item).plain


def get_all(key: Key, items: Iterable[EvidenceItem]) -> list[bytes]:
    """The original bytes of each, in their order; a file that holds several is read once. Raises as `get` does."""
    files: dict[str, bytes] = {}
    return [opening(key, item, files=files).plain for item in items]


def opening(key: Key, item: EvidenceItem, *, files: dict[str, bytes] | None = None) -> Opening:
    """The original bytes with the salt that opens their commitment. `files`: files read before, by name.

    Raises `EvidenceUnreadable` if the file is missing, is not what was stored, does not open under this key, does not
    fit the commitment, or the item's own key was destroyed.
    """
    sealed = sealed_bytes(item, files=files)
    if item.wrapped_key is None or item.destroyed_at is not None:
        raise EvidenceUnreadable(f"the key of {item.pk} was destroyed")
    place = {"table": _TABLE, "field": f"{item.pk}:{item.kind}"}
    opened = key.own(bytes(item.wrapped_key), **place).opening(sealed, **place)
    if commitment(opened.salt, opened.plain) != item.commitment:
        raise EvidenceUnreadable(f"{item.pk} is not what its commitment says")
    return opened


def sealed_bytes(item: EvidenceItem, *, files: dict[str, bytes] | None = None) -> bytes:
    """The sealed bytes, checked by their hash. Raises `EvidenceUnreadable` if they are missing or changed.

    `files` holds what was read before, by name, and what is read now.
    """
    if item.sealed is not None:
        sealed = bytes(item.sealed)
        if sha256(sealed).hexdigest() != item.sealed_sha256:
            raise EvidenceUnreadable(f"the sealed bytes of {item.pk} are not those it was stored with")
        return sealed
    known = {} if files is None else files
    if item.sealed_sha256 not in known:
        known[item.sealed_sha256] = read(item.sealed_sha256)
    content, begin = known[item.sealed_sha256], item.offset + _LENGTH_BYTES
    end = begin + int.from_bytes(content[item.offset : begin], "big")
    if not begin < end <= len(content):
        raise EvidenceUnreadable(f"the file {item.sealed_sha256} has no part where {item.pk} should lie")
    return content[begin:end]


def destroy(item: EvidenceItem, *, at: datetime) -> bool:
    """Makes one item unreadable for ever, and none that lies in the same file; False if that was done before."""
    kept = EvidenceItem.objects.filter(pk=item.pk, destroyed_at=None)
    return kept.update(wrapped_key=None, destroyed_at=at) == 1


def put_shared(content: bytes) -> SharedEvidence:
    """Keeps one piece of evidence about nobody, as `put_all_shared` does."""
    return put_all_shared([content])[0]


def put_all_shared(contents: Iterable[bytes]) -> list[SharedEvidence]:
    """Keeps evidence about nobody, each of its bytes once; gives a row for each of the contents."""
    at, rows = clock.now(), list[SharedEvidence]()
    for content in contents:
        name = sha256(content).hexdigest()
        _write(name, content)
        rows.append(SharedEvidence(sha256=name, size=len(content), created_at=at))
    # In one order, so that of two transactions with the same rows neither waits for the other in a circle.
    once = {row.pk: row for row in sorted(rows, key=lambda row: row.pk)}
    SharedEvidence.objects.bulk_create(once.values(), ignore_conflicts=True)
    return rows


def get_shared(sha256_hex: str) -> bytes:
    """Shared evidence by its hash; raises `EvidenceUnreadable` if the file is missing or changed."""
    return read(sha256_hex)


def is_sought(kind: str) -> bool:
    """Whether what is of this kind is found again by its bytes: see `seen_values`."""
    return any(word in kind for word in policy.SOUGHT)


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


def _seal(key: Key, content: bytes, *, kind: str) -> tuple[EvidenceItem, bytes]:
    """The row of an original that lies nowhere yet, and its sealed bytes."""
    item_id = ids.new_id("evd")
    # Bound to its row and kind, so that no bytes can be passed off as another's evidence.
    place = {"table": _TABLE, "field": f"{item_id}:{kind}"}
    own, wrapped = key.make_own(**place)
    sealed = own.seal(content, **place)
    item = EvidenceItem(
        id=item_id,
        verification_id=key.verification_id,
        kind=kind,
        wrapped_key=wrapped,
        commitment=sealed.commitment,
        seen_index=blind_index(purpose=_SEEN, value=sha256(content).hexdigest()).value if is_sought(kind) else None,
        size=len(content),
        created_at=clock.now(),
    )
    return item, sealed.data


def _place(packed: Sequence[tuple[EvidenceItem, bytes]]) -> None:
    """Writes one file of these parts, each behind its length, and says in the rows where each lies."""
    parts = bytearray()
    for item, sealed in packed:
        item.offset = len(parts)
        parts += len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed
    name = sha256(parts).hexdigest()
    _write(name, bytes(parts))
    for item, _ in packed:
        item.sealed_sha256 = name


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
