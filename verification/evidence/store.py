"""Originals: sealed, kept in files under the hash of the sealed bytes; a row says where, the log
holds a commitment.

What one step brings lies in one file, or in its rows if it is little; each original has its own key
and commitment. The file stands before the row, whole and on disk, so a row never points at nothing;
a file without a row is what a crash left over. The other way round, what is destroyed loses its key
first, in the row, and then its file. Evidence about nobody (a revocation list, an anchor) is kept
once, in the clear, under its own hash.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from verification import clock
from verification.core import ids
from verification.core.errors import EvidenceUnreadable
from verification.core.keeping import index_mark
from verification.core.route import is_frame
from verification.core.stored import SHA256
from verification.evidence import policy
from verification.evidence.vault import Key, Opening, blind_index, commitment
from verification.models import EvidenceItem, SharedEvidence

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
    """Seals and keeps one original, as `put_all` does."""
    return put_all(key, {kind: content}, attempt_id=attempt_id, at=at)[0]


def put_all(
    key: Key,
    contents: Mapping[str, bytes],
    *,
    attempt_id: str | None = None,
    at: datetime | None = None,
) -> list[EvidenceItem]:
    """Seals and keeps the originals of one step by kind; rows are written in the caller's
    transaction, files at once.

    at: of the entry that lists them; now, if it is left out.

    1 each is sealed with a key of its own, to be opened, or destroyed, alone   2 a camera's frames
    are files 3 all else is one file together, or, if that is little, stays in the rows
    """
    items: list[EvidenceItem] = []
    for kind, content in contents.items():
        item_id = ids.new_id("evd")
        # Bound to its row and kind, so that no bytes can be passed off as another's evidence.
        place = f"{item_id}:{kind}"
        own_key, wrapped = key.make_own(table=_TABLE, field=f"{place}:key")  # 1
        sealed = own_key.seal(content, table=_TABLE, field=place)
        item = EvidenceItem(
            id=item_id,
            verification_id=key.verification_id,
            attempt_id=attempt_id,
            kind=kind,
            wrapped_key=wrapped,
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

    `files` holds what was read before, by name, and what is read now: a file may hold several
        originals.

    Raises `EvidenceUnreadable` if the file is missing, is not what was stored, does not open under
    this key, does not fit the commitment, or the item's own key was destroyed.
    """
    if item.wrapped_key is None or item.destroyed_at is not None:
        raise EvidenceUnreadable(f"the key of {item.pk} was destroyed")
    sealed = sealed_bytes(item, files=files)
    place = f"{item.pk}:{item.kind}"
    own_key = key.unwrap(bytes(item.wrapped_key), table=_TABLE, field=f"{place}:key")
    opened = own_key.unseal(sealed, table=_TABLE, field=place)
    if commitment(opened.salt, opened.plain) != item.commitment:
        raise EvidenceUnreadable(f"{item.pk} is not what its commitment says")
    return opened


def sealed_bytes(item: EvidenceItem, *, files: dict[str, bytes] | None = None) -> bytes:
    """The sealed bytes, checked by their hash. Raises `EvidenceUnreadable` if they are missing or
    changed.

    `files` holds what was read before, by name, and what is read now.
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
    """Makes these unreadable for ever, and none that lies in the same file; gives how many had not
    been before.

    Their keys go, and what of them lies in the rows. Files stay until this is committed: see
    `remove_files`.
    """
    items_left = EvidenceItem.objects.filter(pk__in=[item.pk for item in items], destroyed_at=None)
    return items_left.update(wrapped_key=None, sealed=None, destroyed_at=at)


def remove_files(verification_id: str, *, sealed_hashes: Mapping[str, str]) -> None:
    """Takes away each file of a verification of which all items are destroyed; repeats itself
    harmlessly.

    said: the file of each item by its id, as the log has it since it was sealed: a row may be made
        to name another's.
    No other verification has a part in one: it holds what was sealed in one step, under fresh keys.
    Raises `OSError`, and `EvidenceUnreadable` where a row names another file than the log.
    """
    rows = EvidenceItem.objects.filter(verification_id=verification_id, sealed=None)
    recorded = list(rows.values_list("pk", "sealed_sha256", "destroyed_at"))
    if strange := [
        pk for pk, name, _ in recorded if pk in sealed_hashes and sealed_hashes[pk] != name
    ]:
        raise EvidenceUnreadable(f"the row of {strange[0]} names another file than the log")
    needed = {name for _, name, destroyed_at in recorded if destroyed_at is None}
    for name in sorted({name for pk, name, _ in recorded if pk in sealed_hashes} - needed):
        # What is no hash is no name that we gave: it could lead out of the folder.
        if SHA256.fullmatch(name):
            storages["evidence"].delete(_PATH.format(name))


def is_left(item: EvidenceItem) -> bool:
    """Whether bytes of a destroyed item are still there, beyond those of a file that holds others
    too.
    """
    if item.sealed is not None or not SHA256.fullmatch(item.sealed_sha256):
        return item.sealed is not None
    same_file = EvidenceItem.objects.filter(
        verification_id=item.verification_id, sealed_sha256=item.sealed_sha256
    )
    is_needed = same_file.filter(destroyed_at=None).exists()
    return not is_needed and storages["evidence"].exists(_PATH.format(item.sealed_sha256))


def put_all_shared(contents: Iterable[bytes]) -> list[SharedEvidence]:
    """Keeps evidence about nobody, each of its bytes once; gives a row for each of the contents."""
    at, rows = clock.now(), list[SharedEvidence]()
    for content in contents:
        name = sha256(content).hexdigest()
        rows.append(SharedEvidence(sha256=name, size=len(content), created_at=at))
        if storages["evidence"].exists(_PATH.format(name)):
            with suppress(EvidenceUnreadable):  # damaged bytes are replaced, others left alone
                read(name)
                continue
        _save(name, content)
    # In one order, so that of two transactions with the same rows neither waits for the other in a
    # circle.
    by_id = {row.pk: row for row in sorted(rows, key=lambda row: row.pk)}
    SharedEvidence.objects.bulk_create(by_id.values(), ignore_conflicts=True)
    return rows


def seen_values(
    content: bytes, *, kind: str, lengths: Sequence[str] = policy.SOUGHT
) -> list[bytes]:
    """What `EvidenceItem.seen_index` holds for these bytes under every index key, newest first:
    search with `…__in`.

    Nothing where what is of this kind is not sought; `of` names kinds by their words.
    """
    if not any(word in kind for word in lengths):
        return []
    return list(blind_index(purpose=_SEEN, value=sha256(content).hexdigest()).values())


def leaf_list(items: Iterable[EvidenceItem]) -> list[Mapping[str, Any]]:
    """What the log says of items, as the list `evidence` in the body of an entry; `keeping.placed`
    reads it back.
    """
    leaves, file = list[Mapping[str, Any]](), None
    for item in items:
        leaf = {"id": item.pk, "kind": item.kind, "commitment": item.commitment, "size": item.size}
        # The file of each but where it is that of the item before.
        if item.sealed_sha256 != file:
            file = leaf["sealed_sha256"] = item.sealed_sha256
        # By this index what comes again is found: whoever took it away would make old bytes new.
        if item.seen_index is not None:
            leaf["seen"] = index_mark(item.pk, bytes(item.seen_index))
        leaves.append(leaf)
    return leaves


def read(name: str) -> bytes:
    """The stored bytes whose SHA-256 is `name`, shared evidence by its own.

    Raises `EvidenceUnreadable` if there are none or they differ.
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
    """Writes the sealed bytes of these into one file, each behind its length; their rows say where
    they lie instead.
    """
    parts = bytearray()
    for item in items:
        sealed = bytes(item.sealed or b"")
        item.offset, item.sealed = len(parts), None
        parts += len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed
    name = sha256(parts).hexdigest()
    _save(name, bytes(parts))  # nothing is there: what was sealed just now was sealed by fresh keys
    for item in items:
        item.sealed_sha256 = name


def _save(name: str, content: bytes) -> None:
    storage = storages["evidence"]
    if (saved := storage.save(_PATH.format(name), ContentFile(content))) != _PATH.format(name):
        # A storage that does not overwrite kept the name for whoever came first.
        storage.delete(saved)
        read(name)
