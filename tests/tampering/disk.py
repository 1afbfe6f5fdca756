"""An attacker with the disk as well, but no key: rows and files rewritten so that they fit each
other again, but for what is signed or sealed.
"""

import random
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import connection

from tests.tampering.hands import disarm
from tests.tampering.world import World
from verification.core import events
from verification.core.ids import new_id
from verification.log import checkpoint, tiles
from verification.log.checkpoint import Checkpoint, SigningKey
from verification.log.keys import signing_key
from verification.log.signatures import spell_leaf
from verification.log.tree import leaf_hash
from verification.models import (
    AuditCheckpoint,
    AuditEntry,
    AuditHead,
    AuditLeaf,
    AuditTile,
    EvidenceItem,
    Verification,
)

Deed = Callable[[World, random.Random], None]
LOG = "test"


def files() -> list[Path]:
    """The files of evidence, in order of their names."""
    return sorted(path for path in Path(settings.TULGA_EVIDENCE_DIR).rglob("*") if path.is_file())


def rehash() -> None:
    """Every leaf's hash and every tile made anew from what the rows say now; only the signature
    cannot be.
    """
    leaves = list(AuditLeaf.objects.filter(log=LOG).select_related("entry").order_by("leaf_index"))
    for leaf in leaves:
        leaf.leaf_hash = leaf_hash(spell_leaf(leaf.entry, lender_sequence=leaf.lender_sequence))
    AuditLeaf.objects.bulk_update(leaves, ["leaf_hash"], batch_size=200)
    AuditTile.objects.filter(log=LOG).delete()
    grown = tiles.grow(lambda place: b"", size=0, leaves=[bytes(leaf.leaf_hash) for leaf in leaves])
    rows = [
        AuditTile(log=LOG, level=place.level, index=place.index, hashes=row)
        for place, row in grown.items()
    ]
    AuditTile.objects.bulk_create(rows)


def _an_entry(chance: random.Random, **of: object) -> AuditEntry:
    found = AuditEntry.objects.filter(log=LOG, leaf__isnull=False, **of).order_by("pk")
    return found[chance.randrange(found.count())]


def rewritten(world: World, chance: random.Random) -> None:
    """An entry says something else, and all hashes above it are made anew."""
    entry = _an_entry(chance)
    other = _an_entry(chance)
    disarm()
    change = chance.choice(["at", "type", "body", "lender_id", "verification_sequence"])
    value = (
        1000 + (entry.verification_sequence or 0)
        if change.endswith("sequence")
        else getattr(other, change)
    )
    if value == getattr(entry, change):
        change, value = "body", {**entry.body, "mallory": chance.randrange(10**6)}
    AuditEntry.objects.filter(pk=entry.pk).update(**{change: value})
    rehash()


def signed_by_another(world: World, chance: random.Random) -> None:
    """The same, and every checkpoint is signed by a key of their own under our name."""
    rewritten(world, chance)
    key = SigningKey(name=signing_key(LOG).name, seed=chance.randbytes(32))
    load = _load
    for row in AuditCheckpoint.objects.filter(log=LOG):
        signed = Checkpoint(origin=key.name, size=row.size, root=tiles.edge_root(load, row.size))
        AuditCheckpoint.objects.filter(pk=row.pk).update(note=checkpoint.sign(signed, key=key))
    if chance.random() < 0.5:
        _head_file().write_text(AuditCheckpoint.objects.filter(log=LOG).order_by("-size")[0].note)


def _load(place: tiles.Place) -> bytes:
    row = AuditTile.objects.filter(log=LOG, level=place.level, index=place.index).first()
    return bytes(row.hashes) if row else b""


def reordered(world: World, chance: random.Random) -> None:
    """Two leaves change places, or one is moved to the end, and the tree is made anew."""
    disarm()
    leaves = list(AuditLeaf.objects.filter(log=LOG).order_by("leaf_index"))
    one, two = chance.sample(leaves, 2)
    size = len(leaves)
    for pk, index in ((one.pk, size + 1), (two.pk, one.leaf_index), (one.pk, two.leaf_index)):
        AuditLeaf.objects.filter(pk=pk).update(leaf_index=index)
    rehash()


def duplicated(world: World, chance: random.Random) -> None:
    """An entry stands a second time, at the end, under another id."""
    disarm()
    entry, leaf_count = _an_entry(chance), AuditLeaf.objects.filter(log=LOG).count()
    entry.pk = new_id("evt")
    entry.verification_sequence = None
    entry.save(force_insert=True)
    AuditLeaf.objects.create(entry=entry, log=LOG, leaf_index=leaf_count, told_to="", leaf_hash=b"")
    AuditHead.objects.filter(log=LOG).update(size=leaf_count + 1)
    rehash()


def left_out(world: World, chance: random.Random) -> None:
    """An entry and its leaf are taken out, all later ones move up, and the tree is made anew."""
    entry = _an_entry(chance)
    disarm()
    index = AuditLeaf.objects.get(entry=entry).leaf_index
    AuditLeaf.objects.filter(entry=entry).delete()
    AuditEntry.objects.filter(pk=entry.pk).delete()
    for leaf in AuditLeaf.objects.filter(log=LOG, leaf_index__gt=index).order_by("leaf_index"):
        AuditLeaf.objects.filter(pk=leaf.pk).update(leaf_index=leaf.leaf_index - 1)
    AuditHead.objects.filter(log=LOG).update(size=AuditLeaf.objects.filter(log=LOG).count())
    rehash()


def cut(world: World, chance: random.Random) -> None:
    """Everything in the log behind an old checkpoint goes, the head file too says that one; other
    rows stay.
    """
    disarm()
    note = chance.choice(world.notes[:-1])
    size = Checkpoint.parse(checkpoint.Note.parse(note).text).size
    gone = list(
        AuditLeaf.objects.filter(log=LOG, leaf_index__gte=size).values_list("entry_id", flat=True)
    )
    AuditLeaf.objects.filter(entry__in=gone).delete()
    AuditEntry.objects.filter(pk__in=gone).delete()
    AuditCheckpoint.objects.filter(log=LOG, size__gt=size).delete()
    AuditHead.objects.filter(log=LOG).update(size=size)
    rehash()
    _head_file().write_text(note)


def old_checkpoint(world: World, chance: random.Random) -> None:
    """An old signed checkpoint stands where the newest was."""
    disarm()
    newest = AuditCheckpoint.objects.filter(log=LOG).order_by("-size")[0]
    AuditCheckpoint.objects.filter(pk=newest.pk).update(note=chance.choice(world.notes[:-1]))


def head_file(world: World, chance: random.Random) -> None:
    """The head file is gone, or says what is not signed."""
    path, note = _head_file(), world.kept
    broken = note.replace(note.split("\n")[1], str(chance.randrange(1, 10**6)), 1)
    what = chance.choice(
        [None, b"", broken.encode(), note.encode()[: chance.randrange(1, len(note) - 2)]]
    )
    path.unlink()
    if what is not None:
        path.write_bytes(what)


def signature_of_another(world: World, chance: random.Random) -> None:
    """What a process signed of one entry stands in another."""
    signed = {
        "type__in": sorted(name for name, entry in events.ENTRY_TYPES.items() if entry.signed)
    }
    one, two = _an_entry(chance, **signed), _an_entry(chance, **signed)
    disarm()
    body = {**one.body, "signed": two.body["signed"]}
    body = body if body != one.body else {**one.body, "code": "mallory"}
    AuditEntry.objects.filter(pk=one.pk).update(body=body)
    rehash()


def evidence_file(world: World, chance: random.Random) -> None:
    """A file of evidence is bent, cut, emptied, taken away, or has another's bytes."""
    one, two = chance.sample(files(), 2)
    content, how = one.read_bytes(), chance.randrange(5)
    if how == 0:
        place = chance.randrange(len(content))
        one.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    elif how == 1:
        one.write_bytes(content[: chance.randrange(len(content))])
    elif how == 2:
        one.unlink()
    else:
        one.write_bytes(two.read_bytes())
        if how == 4:
            two.write_bytes(content)


def blobs_of_another(world: World, chance: random.Random) -> None:
    """All that is sealed of two pieces of evidence, or of two cases, changes places, with every
    hash beside it.
    """
    if chance.random() < 0.3:
        first, second = chance.sample(list(Verification.objects.order_by("pk")), 2)
        for case, other_case in ((first, second), (second, first)):
            Verification.objects.filter(pk=case.pk).update(sealed_case=other_case.sealed_case)
        return
    kept = list(EvidenceItem.objects.filter(destroyed_at=None).order_by("pk"))
    one, two = chance.sample(kept, 2)
    names = ("sealed", "sealed_sha256", "wrapped_key", "commitment", "size", "offset", "seen_index")
    for row, other in ((one, two), (two, one)):
        EvidenceItem.objects.filter(pk=row.pk).update(
            **{name: getattr(other, name) for name in names}
        )


def back_dated(world: World, chance: random.Random) -> None:
    """Every time of a whole case, rows and entries, lies a month earlier, and the tree is made
    anew.
    """
    row = chance.choice(list(Verification.objects.order_by("pk")))
    disarm()
    shift_case(row.pk, entries=True)
    rehash()


def shift_case(pk: str, *, entries: bool) -> None:
    """The times of a case's rows, and of its entries, lie 30 days earlier."""
    own = {"verification_verification": "id", "verification_attempt": "verification_id"}
    own |= {
        "verification_access": "verification_id",
        "verification_evidenceitem": "verification_id",
        "verification_datakey": "verification_id",
    }
    own |= {"verification_auditentry": "verification_id"} if entries else {}
    with connection.cursor() as cursor:
        for table, column in own.items():
            described = connection.introspection.get_table_description(cursor, table)
            for moment in (
                one.name for one in described if one.name.endswith(("_at", "until", "since", "at"))
            ):
                # To the microsecond, as Django spells it.
                shifted = f"strftime('%%Y-%%m-%%d', {moment}, '-30 days') || substr({moment}, 11)"
                cursor.execute(f"UPDATE {table} SET {moment} = {shifted} WHERE {column} = %s", [pk])  # noqa: S608


def _head_file() -> Path:
    return Path(settings.TULGA_LOG_HEAD_DIR) / f"{LOG}.head"


DEEDS: dict[str, Deed] = {
    deed.__name__: deed
    for deed in (
        *(
            rewritten,
            signed_by_another,
            reordered,
            duplicated,
            left_out,
            cut,
            old_checkpoint,
            head_file,
        ),
        *(signature_of_another, evidence_file, blobs_of_another, back_dated),
    )
}
OF_FILES = frozenset({"signed_by_another", "cut", "head_file", "evidence_file"})
"""After these the folders are put back too."""
