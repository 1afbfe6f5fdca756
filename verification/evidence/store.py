"""Originals, sealed in files named by their sealed hash; a row has the place, the log a commitment.

One step's originals share one file, or its rows if small; each original has its own key and
commitment.
The file is durable before the row, so a row never points to a missing file. A crash can leave a
file without a row.
Destruction runs in reverse: first the key, in the row, then the file.
An item's key lies in a box that only workers open. A worker lends it to web: without the box, in
the row, until a worker takes it back.
Evidence about no person (a revocation list, an anchor) is stored once, in clear, under its own
hash.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any, Final

from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db.models import OuterRef, QuerySet

from verification import clock
from verification.core import ids
from verification.core.errors import EvidenceUnreadable
from verification.core.keeping import index_mark
from verification.core.route import is_frame
from verification.core.stored import SHA256
from verification.evidence import policy
from verification.evidence.vault import (
    Key,
    Opening,
    blind_index,
    commitment,
    opens_evidence,
)
from verification.models import EvidenceItem, SharedEvidence

NOT_LENT: Final = "evidence_not_lent"
"""The code of evidence that only workers open now."""
_TABLE: Final = "EvidenceItem"
_SEEN: Final = "evidence"
_LENGTH_BYTES: Final = 4  # before each part of a file
# of a file's name: some file systems slow down with millions of files in one directory
_PATH: Final = "{0:.2}/{0}"


def put(
    key: Key,
    content: bytes,
    *,
    kind: str,
    attempt_id: str | None = None,
    at: datetime | None = None,
) -> EvidenceItem:
    """Seals and stores one original, as `put_all`."""
    return put_all(key, {kind: content}, attempt_id=attempt_id, at=at)[0]


def put_all(
    key: Key,
    contents: Mapping[str, bytes],
    *,
    attempt_id: str | None = None,
    at: datetime | None = None,
) -> list[EvidenceItem]:
    """Seals and stores the originals of one step by kind; rows in the caller's transaction, files
    at once.

    at: of the entry that lists them; by default now.

    1. Each is sealed with its own key, so that it opens, or is destroyed, alone.
    2. Camera frames are separate files.
    3. All others form one file or, if small, stay in the rows.
    """
    items: list[EvidenceItem] = []
    for kind, content in contents.items():
        item_id = ids.new_id("evd")
        # Bound to its row and kind, so that it cannot pass as other evidence.
        place = f"{item_id}:{kind}"
        place_of_key = _place_of_key(item_id, kind)
        own_key, wrapped = key.make_own(**place_of_key)  # 1
        seal = own_key.seal
        if _ends_with(kind, policy.DERIVED_SALTS):
            seal = partial(own_key.seal_salted, salt=salt_of(key, item_id))
        sealed = seal(content, table=_TABLE, field=place)
        item = EvidenceItem(
            id=item_id,
            verification_id=key.verification_id,
            attempt_id=attempt_id,
            kind=kind,
            wrapped_key=key.box(wrapped, **place_of_key) if _is_boxed(kind) else wrapped,
            commitment=sealed.commitment,
            sealed=sealed.data,
            seen_index=next(iter(seen_values(content, kind=kind, lengths=policy.REMEMBERED)), None),
            size=len(content),
            created_at=at or clock.now(),
        )
        items.append(item)
        if is_frame(kind):  # 2
            _place([item])
    small_items = [item for item in items if not is_frame(item.kind)]
    if sum(len(item.sealed or b"") for item in small_items) > policy.INLINE_BYTES:  # 3
        _place(small_items)
    else:
        for item in small_items:
            item.sealed_sha256 = sha256(item.sealed or b"").hexdigest()
    return EvidenceItem.objects.bulk_create(items)


def opening(key: Key, item: EvidenceItem, *, files: dict[str, bytes] | None = None) -> Opening:
    """The original bytes with the salt that opens their commitment.

    `files` caches files by name: a file may hold several originals.

    Raises: `EvidenceUnreadable` if the file is missing or changed, does not open under this key,
    contradicts the commitment, or the item's own key was destroyed.
    Raises: the same with the code `NOT_LENT` for an item that only workers open now.
    """
    if item.wrapped_key is None or item.destroyed_at is not None:
        raise EvidenceUnreadable(f"the key of {item.pk} was destroyed")
    if opens_evidence() or not _is_boxed(item.kind):
        wrapped = _unboxed(key, item)
    elif item.lent_key is not None:
        wrapped = bytes(item.lent_key)
    else:
        raise EvidenceUnreadable(f"{item.pk} is not lent to this process", code=NOT_LENT)
    sealed = sealed_bytes(item, files=files)
    own_key = key.unwrap(wrapped, **_place_of_key(item.pk, item.kind))
    opened = own_key.unseal(sealed, table=_TABLE, field=f"{item.pk}:{item.kind}")
    if commitment(opened.salt, opened.plain) != item.commitment:
        raise EvidenceUnreadable(f"{item.pk} contradicts its commitment")
    return opened


def salt_of(key: Key, item_id: str) -> bytes:
    """The salt of the commitment of an item with a derived salt."""
    return key.salt(f"evidence {item_id}")


def is_readable(item_id: str) -> bool:
    """Whether this process opens boxes, or an item is lent to it."""
    lent = EvidenceItem.objects.filter(pk=item_id, lent_key__isnull=False)
    return opens_evidence() or lent.exists()


def _ends_with(kind: str, words: Sequence[str]) -> bool:
    return kind.rpartition(".")[2] in words


def lend(key: Key, items: Iterable[EvidenceItem]) -> None:
    """Lets web read these items until they are taken back, in a worker's transaction.

    Raises: `EvidenceUnreadable` if a key does not leave its box, or was destroyed.
    """
    lent = list(items)
    for item in lent:
        if item.wrapped_key is None:
            raise EvidenceUnreadable(f"the key of {item.pk} was destroyed")
        item.lent_key = _unboxed(key, item)
    EvidenceItem.objects.bulk_update(lent, ["lent_key"])


def is_lent_right(key: Key, item: EvidenceItem) -> bool:
    """Whether nothing is lent, or the key in the box, in a process that opens boxes."""
    return item.lent_key is None or bytes(item.lent_key) == _unboxed(key, item)


def take_back(verification_id: str) -> int:
    """Ends all lending of a verification, and returns how many items were lent."""
    return lent_of(verification_id).update(lent_key=None)


def lent_of(verification_id: str | OuterRef) -> QuerySet[EvidenceItem, EvidenceItem]:
    """The items of a verification that web may read now."""
    return EvidenceItem.objects.filter(verification=verification_id, lent_key__isnull=False)


def _is_boxed(kind: str) -> bool:
    return not _ends_with(kind, policy.UNBOXED)


def _place_of_key(item_id: str, kind: str) -> dict[str, str]:
    return {"table": _TABLE, "field": f"{item_id}:{kind}:key"}


def _unboxed(key: Key, item: EvidenceItem) -> bytes:
    wrapped = bytes(item.wrapped_key or b"")
    if not _is_boxed(item.kind):
        return wrapped
    return key.unbox(wrapped, **_place_of_key(item.pk, item.kind))


def sealed_bytes(item: EvidenceItem, *, files: dict[str, bytes] | None = None) -> bytes:
    """The sealed bytes, verified by their hash.

    `files` caches files by name.

    Raises: `EvidenceUnreadable` if they are missing or changed.
    """
    if item.sealed is not None:
        sealed = bytes(item.sealed)
        if sha256(sealed).hexdigest() != item.sealed_sha256:
            raise EvidenceUnreadable(
                f"the sealed bytes of {item.pk} are not those it was stored with"
            )
        return sealed
    opened_files = {} if files is None else files
    if item.sealed_sha256 not in opened_files:
        opened_files[item.sealed_sha256] = read(item.sealed_sha256)
    content, begin = opened_files[item.sealed_sha256], item.offset + _LENGTH_BYTES
    end = begin + int.from_bytes(content[item.offset : begin], "big")
    if not begin < end <= len(content):
        raise EvidenceUnreadable(
            f"the file {item.sealed_sha256} has no part where {item.pk} should lie"
        )
    return content[begin:end]


def destroy(items: Iterable[EvidenceItem], *, at: datetime) -> int:
    """Makes these items unreadable for ever, and no other of the same file; returns how many were
    readable.

    Deletes their keys, and their bytes in rows. Files stay until the commit: see `remove_files`.
    """
    items_left = EvidenceItem.objects.filter(pk__in=[item.pk for item in items], destroyed_at=None)
    return items_left.update(wrapped_key=None, lent_key=None, sealed=None, destroyed_at=at)


def remove_files(verification_id: str, *, sealed_hashes: Mapping[str, str]) -> None:
    """Deletes each file of a verification whose items are all destroyed; safe to repeat.

    said: the file of each item by its id, from the log, because a row could be changed to name
    another's file.
    A file belongs to one verification: one step sealed it, under fresh keys.

    Raises: `OSError`, and `EvidenceUnreadable` if a row's file is not the log's.
    """
    rows = EvidenceItem.objects.filter(verification_id=verification_id, sealed=None)
    recorded = list(rows.values_list("pk", "sealed_sha256", "destroyed_at"))
    if strange := [
        pk for pk, name, _ in recorded if pk in sealed_hashes and sealed_hashes[pk] != name
    ]:
        raise EvidenceUnreadable(f"the row of {strange[0]} names another file than the log")
    needed = {name for _, name, destroyed_at in recorded if destroyed_at is None}
    for name in sorted({name for pk, name, _ in recorded if pk in sealed_hashes} - needed):
        # Only a hash can be a name of ours: another name could lead out of the folder.
        if SHA256.fullmatch(name):
            storages["evidence"].delete(_PATH.format(name))


def is_left(item: EvidenceItem) -> bool:
    """Whether bytes of a destroyed item remain, except in a file shared with others."""
    if item.sealed is not None or not SHA256.fullmatch(item.sealed_sha256):
        return item.sealed is not None
    same_file = EvidenceItem.objects.filter(
        verification_id=item.verification_id, sealed_sha256=item.sealed_sha256
    )
    is_needed = same_file.filter(destroyed_at=None).exists()
    return not is_needed and storages["evidence"].exists(_PATH.format(item.sealed_sha256))


def put_all_shared(contents: Iterable[bytes]) -> list[SharedEvidence]:
    """Stores evidence about no person, each content once; returns a row per content."""
    at, rows = clock.now(), list[SharedEvidence]()
    for content in contents:
        name = sha256(content).hexdigest()
        rows.append(SharedEvidence(sha256=name, size=len(content), created_at=at))
        if storages["evidence"].exists(_PATH.format(name)):
            with suppress(EvidenceUnreadable):  # damaged bytes are replaced, intact ones stay
                read(name)
                continue
        _save(name, content)
    # In one order, so that two transactions with the same rows cannot deadlock.
    by_id = {row.pk: row for row in sorted(rows, key=lambda row: row.pk)}
    SharedEvidence.objects.bulk_create(by_id.values(), ignore_conflicts=True)
    return rows


def seen_values(
    content: bytes, *, kind: str, lengths: Sequence[str] = policy.SOUGHT
) -> list[bytes]:
    """The values of `EvidenceItem.seen_index` for these bytes, by every index key, newest first:
    search with `…__in`.

    Empty if evidence of this kind is not searched; `of` names kinds by their words.
    """
    if not any(word in kind for word in lengths):
        return []
    return list(blind_index(purpose=_SEEN, value=sha256(content).hexdigest()).values())


def leaf_list(items: Iterable[EvidenceItem]) -> list[Mapping[str, Any]]:
    """The list `evidence` of an entry's body for these items; `keeping.placed` reads it back."""
    leaves, file = list[Mapping[str, Any]](), None
    for item in items:
        leaf = {"id": item.pk, "kind": item.kind, "commitment": item.commitment, "size": item.size}
        # The file of each, unless it is the previous item's.
        if item.sealed_sha256 != file:
            file = leaf["sealed_sha256"] = item.sealed_sha256
        # This index finds repeated material: without a mark, its removal would make old bytes new.
        if item.seen_index is not None:
            leaf["seen"] = index_mark(item.pk, bytes(item.seen_index))
        leaves.append(leaf)
    return leaves


def read(name: str) -> bytes:
    """The stored bytes whose SHA-256 is `name`, shared evidence by its own.

    Raises: `EvidenceUnreadable` if they are missing or differ.
    """
    if not SHA256.fullmatch(name):
        raise EvidenceUnreadable("the name of a file is no SHA-256")
    try:
        with storages["evidence"].open(_PATH.format(name), "rb") as file:
            content: bytes = file.read()
    except (OSError, ValueError):
        raise EvidenceUnreadable(f"the file {name} is missing or cannot be read") from None
    if sha256(content).hexdigest() != name:
        raise EvidenceUnreadable(f"the file {name} is not the bytes it is named for")
    return content


def _place(items: Sequence[EvidenceItem]) -> None:
    """Writes these items' sealed bytes into one file, each after its length; their rows get the
    place instead.
    """
    parts = bytearray()
    for item in items:
        sealed = bytes(item.sealed or b"")
        item.offset, item.sealed = len(parts), None
        parts += len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed
    name = sha256(parts).hexdigest()
    _save(name, bytes(parts))  # the name is new: fresh keys sealed the bytes
    for item in items:
        item.sealed_sha256 = name


def _save(name: str, content: bytes) -> None:
    storage = storages["evidence"]
    if (saved := storage.save(_PATH.format(name), ContentFile(content))) != _PATH.format(name):
        # A storage that does not overwrite gave the name to an earlier file.
        storage.delete(saved)
        read(name)
