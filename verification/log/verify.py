"""Recomputes a log from its rows and reports every deviation as precisely as possible.

1. Head, leaves and checkpoints agree in size; the head file exists and is not ahead.
2. Every leaf exists and matches its entry's hash; every lender's sequence is unbroken.
3. Leaves, tiles and every signed root agree.
4. No entry is lost, decided twice or out of order.
5. Each law file may stand at its place.
6. Every verification was moved lawfully, by law files before it, and the tables match the entries.
7. An SQLite file is intact.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from django.db import connection
from django.db.models import Subquery

from verification.core.errors import BadInput, LogInconsistent, Misconfigured
from verification.core.findings import Finding
from verification.log import head_file, keys, policy
from verification.log.checkpoint import Checkpoint, Note, VerificationKey, open_checkpoint
from verification.log.damaged import PAGE, UNREADABLE, as_bytes
from verification.log.laws import verify_laws
from verification.log.proofs import tile_loader
from verification.log.tiles import edge_root
from verification.log.tree import Growing
from verification.log.verify_actors import verify_actors
from verification.log.verify_cases import verify_cases
from verification.log.verify_entries import verify_entries, verify_parents
from verification.log.verify_tree import TreeInspection, signed_roots, verify_leaves
from verification.models import AuditCheckpoint, AuditEntry, AuditHead, AuditLeaf, AuditPending

_NOTHING_OUTSIDE: Final = "nothing outside the database shows how far the log was signed"


def verify_log(
    log: str, *, against_head_file: bool = True, adopting: bool = False, processes: int = 1
) -> Iterator[Finding]:
    """All deviations of a log, empty if whole; rows that arrive meanwhile are left out.

    against_head_file: also compare with the head outside the database, behind which a copy may lag.
    adopting: the head file may be missing, because it will be written; an existing one must match.
    processes: for leaves and cases; findings and their order do not depend on it.

    Raises: `Misconfigured` without the log's key, `BrokenProcessPool` if a process was killed.
    """
    key = keys.verification_key(log)
    yield from _guarded(log, "the head", _verify_sizes(log))
    if against_head_file:
        yield from _guarded(
            log, "the head file", _verify_head_file(log, key=key, adopting=adopting)
        )
    are_signed = True
    for finding in _guarded(log, "the leaves", _verify_tree(log, key=key, processes=processes)):
        are_signed = False  # after a deviation, treat no signature as verified
        yield finding
    yield from _guarded(log, "the entries", verify_entries(log))
    yield from _guarded(log, "the law", verify_laws(log))
    yield from _guarded(
        log, "the cases", verify_cases(log, are_signed=are_signed, processes=processes)
    )


def describe(log: str) -> str:
    """The amount to verify, for people.

    Raises: `DatabaseError` without a readable log.
    """
    waiting = AuditPending.objects.filter(entry__log=log).count()
    try:
        return f"{_sizes(log)[2]} entries signed, {waiting} waiting"
    except (ValueError, TypeError):
        return f"an unreadable number of entries signed, {waiting} waiting"


def verify_database() -> Iterator[Finding]:
    """Deviations in the database of both logs: rows without an owner, actors, and SQLite's findings
    in its file.
    """
    yield from _guarded("", "the database file", verify_file())
    yield from _guarded("", "the rows", verify_parents())
    yield from _guarded("", "the actors", verify_actors())
    # Entries of an unknown log: they are never ordered.
    elsewhere = (
        AuditEntry.objects.exclude(log__in=keys.LOGS).order_by("pk").values_list("pk", "log")
    )
    detail = "the entry names the unknown log {!r}"
    unknown = (
        Finding(code="log_unknown", detail=detail.format(log), entry=pk)
        for pk, log in elsewhere.iterator()
    )
    yield from _guarded("", "the entries", unknown)


def verify_file() -> Iterator[Finding]:
    """SQLite's own findings in its file; empty for another database."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            # At most twenty findings; SQLite's default is a hundred.
            cursor.execute("PRAGMA integrity_check(20)")
            for (line,) in cursor.fetchall():
                if line != "ok":
                    yield Finding(code="file", detail=f"the database file is damaged: {line}")


def _verify_sizes(log: str) -> Iterator[Finding]:
    stated, counted, signed = _sizes(log)
    for label, number in (("leaves say", counted), ("last checkpoint says", signed)):
        if stated != number:
            detail = f"the head says {stated} entries, the {label} {number}"
            yield Finding(code="head", log=log, field="size", detail=detail)


def _verify_head_file(log: str, *, key: VerificationKey, adopting: bool) -> Iterator[Finding]:
    # The log may be growing: its file exists before its first entry, and follows each later one.
    begun = max(_sizes(log)) > 0
    try:
        stored = head_file.read(log, key=key)
        counted = _sizes(log)[1]
        if stored is None:
            if begun and not adopting:
                yield Finding(
                    code="head_file",
                    log=log,
                    detail=f"the head file is missing: {_NOTHING_OUTSIDE}",
                )
            return
        if stored.size > counted:
            raise LogInconsistent(
                f"it was signed up to {stored.size} entries, the database holds {counted}"
            )
        if edge_root(tile_loader(log), stored.size) != stored.root:
            raise LogInconsistent(
                f"the root signed at {stored.size} entries is not that of the stored tiles"
            )
    except LogInconsistent as error:
        yield Finding(
            code="head_file", log=log, detail=f"the head file does not fit: {error.detail}"
        )


def _verify_tree(log: str, *, key: VerificationKey, processes: int) -> Iterator[Finding]:
    stated, counted, signed = _sizes(log)
    # Leaves beyond a head that was turned back are checked too, but a damaged number must not
    # extend the search.
    far = 2 * AuditLeaf.objects.filter(log=log).count() + PAGE
    size = max(number for number in (0, stated, counted, signed) if number <= far)
    wrong: list[Finding] = []
    tree = TreeInspection(
        log, size=size, signed=signed_roots(log, key=key, upto=signed, wrong=wrong)
    )
    yield from verify_leaves(log, size=size, tree=tree, processes=processes)
    yield from tree.finish()
    yield from wrong


def _sizes(log: str) -> tuple[int, int, int]:
    """Entry counts by head, leaves and last checkpoint, in one statement, because the log may be
    growing.
    """
    leaves = (
        AuditLeaf.objects.filter(log=log)
        .order_by("-leaf_index")
        .values_list("leaf_index", flat=True)
    )
    signed = (
        AuditCheckpoint.objects.filter(log=log).order_by("-size").values_list("size", flat=True)
    )
    head = (
        AuditHead.objects.filter(log=log)
        .values_list("size", Subquery(leaves[:1]), Subquery(signed[:1]))
        .first()
    )
    # Without a head, nothing was ordered yet, or it was deleted.
    stated, last, last_signed = head or (0, leaves.first(), signed.first())
    return int(stated), 0 if last is None else int(last) + 1, int(last_signed or 0)


def _guarded(log: str, subject: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """The findings, and one more if damage stops the reading."""
    try:
        yield from findings
    except UNREADABLE as error:
        yield Finding(
            code="unreadable",
            log=log,
            detail=f"{subject} cannot be read further ({type(error).__name__})",
        )


def log_of(untrusted: bytes) -> str:
    """The log of a stored checkpoint note, by its origin.

    Raises: `BadInput` without a checkpoint, or for a log that is not here.
    """
    origin = Checkpoint.parse(Note.parse(_text(untrusted)).text).origin
    for log in keys.LOGS:
        with suppress(Misconfigured):  # a log without its key is unknown here
            if keys.verification_key(log).name == origin:
                return log
    raise BadInput("it is a checkpoint of a log that is not here")


def verify_since(log: str, untrusted: bytes) -> Iterator[Finding]:
    """Evidence that the log does not continue this checkpoint; empty if it does.

    The root comes from the leaves' hashes; their match with the entries is verified separately.
    """
    try:
        checkpoint = open_checkpoint(_text(untrusted), key=keys.verification_key(log))
    except LogInconsistent as error:
        yield Finding(
            code="since_unsigned",
            log=log,
            detail=f"the kept checkpoint is not of this log: {error.detail}",
        )
        return
    last = (
        AuditLeaf.objects.filter(log=log)
        .order_by("-leaf_index")
        .values_list("leaf_index", flat=True)
        .first()
    )
    size = 0 if last is None else last + 1
    if checkpoint.size > size:
        detail = (
            f"a checkpoint was kept of {checkpoint.size} entries, the log holds {size}:"
            " it was turned"
            " back"
        )
        yield Finding(code="since_turned_back", log=log, detail=detail)
        return
    growing = Growing()
    for start in range(0, checkpoint.size, PAGE):
        end = min(start + PAGE, checkpoint.size)
        page = AuditLeaf.objects.filter(
            log=log, leaf_index__gte=start, leaf_index__lt=end
        ).order_by("leaf_index")
        hashes = {
            index: as_bytes(leaf_hash)
            for index, leaf_hash in page.values_list("leaf_index", "leaf_hash")
        }
        for index in range(start, end):
            growing.append(hashes.get(index, b""))
    if growing.root != checkpoint.root:
        detail = (
            f"its first {checkpoint.size} entries do not lead to the root"
            " that was kept of them: it was"
            " rewritten"
        )
        yield Finding(code="since_forked", log=log, detail=detail)


def _text(untrusted: bytes) -> str:
    if len(untrusted) > policy.NOTE_BYTES:
        raise BadInput("the note is too large")
    try:
        return untrusted.decode()
    except UnicodeDecodeError:
        raise BadInput("the note is no UTF-8") from None
