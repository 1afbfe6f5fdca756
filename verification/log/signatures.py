"""Signatures of entries: a process signs once over all entries of one transaction.

The body of each entry has it under `signed`.
- the first entry: `by` (the key), `over` (the other entries in order, if any), and the `signature`
- each other entry: `with` (the first entry)

The Ed25519 signature covers the canonical JSON of a context and the SHA-256 of each entry's leaf.
That leaf has no `signed` and no number for the lender, which it gets later.
`core/events.py` gives the kinds of key per type, and `core/keeping.py` the evidence that each may
list.
So access to the database without a key records nothing.
Access to the door decides nothing, and cannot forge a worker's entry.
The root's statements on keys have their own signature.
Source: docs/security/processes.md.

A leaf (schema 1) is canonical JSON with integers and strings, without absent fields.
Its fields: `schema` 1, `id`, `mode` (the log), `type`, `at` (UTC, microseconds), `verification`,
`verification_sequence`, `lender`, `lender_sequence` and `body`.
The body has route, check, outcome, codes, versions and commitments.
"""

import re
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from hashlib import sha256
from itertools import chain
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.db.models import Q, prefetch_related_objects

from verification.compiled import Compiled
from verification.core import events
from verification.core.certificates import key_id
from verification.core.errors import EvidenceUnreadable, LogInconsistent, Misconfigured
from verification.core.keeping import is_of_door
from verification.core.stored import canonical_json, moment
from verification.course import actors
from verification.course.actors import Actor
from verification.course.entry import Entry, number, text
from verification.log import acts, approvals, keys, policy, tree
from verification.log.damaged import UNREADABLE, as_bytes, readable
from verification.log.keys import Believed
from verification.models import ACTOR, AuditEntry, AuditLeaf, Verification

SCHEMA: Final = 1
_CONTEXT: Final = "tulga-entries-v1"
"""The signature's context, so that no other signature of ours passes for one over entries."""
_ID: Final = re.compile("evt_[0-9a-z]{1,40}")
_OVER_MAX: Final = 32
"""Maximum entries under one signature. Ours: a review by several people and its end are a dozen."""
_SIGNED_AS_IT_OPENS: Final = 2
"""The entry that opens a verification, and that of its first attempt."""
_VERIFIED_MAX: Final = 1024
"""Verified signatures that a process caches. Ours: those of some 30 verifications, half a
megabyte.
"""
_approved: Final = dict[str, str]()
"""Statements whose approval this process verified, by id with their hash: it stays approved."""


def spell_leaf(entry: AuditEntry, *, lender_sequence: int | None, is_bare: bool = False) -> bytes:
    """The exact bytes of an entry's leaf, which are hashed.

    lender_sequence: its number for the lender, if any.
    is_bare: without `signed`, the form that is signed.
    The row is the only source: a change of the spelling changes the hash of recorded entries.

    Raises: `ValueError` for a time without a zone or beyond `policy.LEAF_BYTES`, `TypeError` for a
    body outside JSON.
    """
    if entry.at.tzinfo is None:
        raise ValueError("a leaf's time needs a zone")
    written = {
        "schema": SCHEMA,
        "id": entry.id,
        "mode": entry.log,
        "type": entry.type,
        "at": moment(entry.at),
        "verification": entry.verification_id,
        "verification_sequence": entry.verification_sequence,
        "lender": entry.lender_id,
        "lender_sequence": lender_sequence,
        "body": (
            {name: value for name, value in entry.body.items() if name != "signed"}
            if is_bare
            else entry.body
        ),
    }
    spelling = canonical_json({name: value for name, value in written.items() if value is not None})
    if len(spelling) > policy.LEAF_BYTES:
        raise ValueError(f"a leaf has at most {policy.LEAF_BYTES} bytes, not {len(spelling)}")
    return spelling


def sign(entries: Sequence[AuditEntry]) -> None:
    """Signs one transaction's entries, in their bodies, before they are inserted.

    Uses the one kind of key that all their types allow.

    Raises: `Misconfigured` in a process that holds none of them.
    """
    asking = [entry for entry in entries if not _allows(entry, events.ROOT)]
    if not asking:
        return
    if len(asking) > _OVER_MAX:
        raise ValueError(
            f"a transaction puts at most {_OVER_MAX} entries on record, not {len(asking)}"
        )
    kinds = [
        kind
        for kind in events.ENTRY_TYPES[asking[0].type].signed
        if all(_allows(entry, kind) for entry in asking)
    ]
    keys_by_kind: Mapping[str, Mapping[str, Mapping[int, bytes]]] = settings.TULGA_SIGNING_KEYS
    seeds = next(
        (
            seeds_of_log
            for kind in kinds
            if (seeds_of_log := keys_by_kind.get(kind, {}).get(asking[0].log))
        ),
        None,
    )
    if not seeds:
        types = ", ".join(sorted({entry.type for entry in asking}))
        expected = " or ".join(kinds) or "one"
        raise Misconfigured(
            f"this process holds no {expected} key of the {asking[0].log} log, which signs {types}"
        )
    # The highest number is the newest; older keys remain valid for verification.
    private, key_id = _private(seeds[max(seeds)])
    first, *following = asking
    signed = {"by": key_id, "signature": b64encode(private.sign(_message(asking))).decode()}
    over = {"over": [entry.pk for entry in following]} if following else {}
    first.body = {**first.body, "signed": signed | over}
    for entry in following:
        entry.body = {**entry.body, "signed": {"with": first.pk}}
    for (
        entry
    ) in asking:  # An impossible leaf is refused here, or it would stop the sequencer later.
        spell_leaf(entry, lender_sequence=policy.SIZE if entry.lender_id else None)


def inspect(entries: Iterable[AuditEntry]) -> tuple[dict[str, str], dict[str, str]]:
    """Entries that do not count, by id with the reason; and the key's id of all other signed ones.

    They lack a valid required signature, or the word of the people whose act or approval they are.

    Raises: `Misconfigured` without a certified key of their log: then no statement is possible.
    """
    candidates = list(entries)
    unsigned, signers = _inspect(candidates)
    gone = unproven(entry for entry in candidates if entry.pk in signers)
    return unsigned | gone, {pk: key for pk, key in signers.items() if pk not in gone}


def _inspect(entries: Iterable[AuditEntry]) -> tuple[dict[str, str], dict[str, str]]:
    """The same by their signatures alone."""
    unsigned, by_id = dict[str, str](), dict[str, AuditEntry]()
    for entry in entries:
        if not _allows(entry, events.ROOT):
            by_id[entry.id] = entry
        elif not keys.is_of_root(entry):
            unsigned[entry.pk] = "the operator's root did not sign it"
    firsts = {pk: _signed_part(entry)[0] for pk, entry in by_id.items()}
    covered = by_id | _loaded(set(firsts.values()) - by_id.keys())
    over, signers = dict[str, list[str]](), dict[str, str]()
    for name in set(firsts.values()) & covered.keys():
        _, signers[name], over[name] = _signed_part(covered[name])
    covered |= _loaded({pk for names in over.values() for pk in names} - covered.keys())
    # A log without keys here verifies nothing: an entry of it counts as unsigned.
    believed = {
        log: keys.believed(
            log,
            needed={
                signer
                for name, signer in signers.items()
                if over[name] and covered[name].log == log
            },
        )
        for log in {entry.log for entry in by_id.values()}
    }
    faults = {
        name: _fault(name, names, covered, believed[covered[name].log].get(signers[name]))
        for name, names in over.items()
        if covered[name].log in believed
    }
    for pk, first in firsts.items():
        fault = faults.get(first, "it has no signature")
        if not fault and pk not in over[first]:
            fault = "the signature that it names is not over it"
        if fault:
            unsigned[pk] = fault
    return unsigned, {pk: signers[first] for pk, first in firsts.items() if pk not in unsigned}


def unproven(entries: Iterable[AuditEntry]) -> dict[str, str]:
    """Acts of people that are not theirs, and statements of actors that are not approved, by id
    with the reason; other entries are left out.

    Each is judged by the valid statements before it. An entry without a place comes after the
    statements of its time. A statement waits for the one before it, because clocks differ; one that
    does not count delays no other.
    """
    faults = dict[str, str]()
    candidates = [entry for entry in entries if _is_judged(entry)]
    prefetch_related_objects(candidates, "leaf")
    for log in {entry.log for entry in candidates}:
        judged = [entry for entry in candidates if entry.log == log and not _is_approved(entry)]
        statements = _statements_before(log, judged)
        stated, early = dict[str, Actor](), dict[tuple[str, int], list[AuditEntry]]()
        every = {entry.pk: entry for entry in (*statements, *judged)}.values()
        turns = deque(sorted(every, key=turn))
        while turns:
            entry = turns.popleft()
            read = course_entry(entry)
            if entry.type in events.ACTS:
                person = stated.get(text(read.body, "person"))
                if fault := acts.fault(read, entry.verification_id or "", person):
                    faults[entry.pk] = fault
                continue
            name, version = text(read.body, "actor"), number(read.body, "version")
            before = stated.get(name)
            if version > (before.version if before is not None else 0) + 1:
                early.setdefault((name, version), []).append(entry)
                continue
            fault = "" if _is_approved(entry) else approvals.fault(read, before, stated)
            if fault:
                faults[entry.pk] = fault
                continue
            _approve(entry)
            after, _ = actors.apply(before, read)
            if after is not None:
                stated[name] = after
                turns.extendleft(reversed(early.pop((name, after.version + 1), [])))
        for entry in chain.from_iterable(early.values()):
            read = course_entry(entry)
            if fault := approvals.fault(read, stated.get(text(read.body, "actor")), stated):
                faults[entry.pk] = fault
    return {entry.pk: faults[entry.pk] for entry in candidates if entry.pk in faults}


def _is_judged(entry: AuditEntry) -> bool:
    return entry.type in events.ACTS or approvals.is_asked(entry.log, entry.type)


def _is_approved(entry: AuditEntry) -> bool:
    # One look: another thread may clear the cache.
    approved = _approved.get(entry.pk)
    return approved is not None and approved == _bare_hash(entry)


def _approve(entry: AuditEntry) -> None:
    if approvals.is_asked(entry.log, entry.type):
        if len(_approved) >= _VERIFIED_MAX:
            _approved.clear()
        _approved[entry.pk] = _bare_hash(entry)


def _statements_before(log: str, judged: Sequence[AuditEntry]) -> list[AuditEntry]:
    """The signed statements on which these entries rest: of their actors, and of each person whom
    they or those name.
    """
    statements, known, needed = dict[str, AuditEntry](), set[str](), _names(judged)
    while needed:
        of_actors = Q(actor__in=needed, type__in=events.ACTORS) | Q(type=events.REVOKED)
        rows = AuditEntry.objects.annotate(actor=ACTOR).filter(of_actors, log=log)
        read = list(readable(rows.select_related("leaf")))
        revoked = keys.revoked(read)
        of_types = [row for row in read if row.type in events.ACTORS]
        unsigned, signers = _inspect(of_types)
        signed = [
            row
            for row in of_types
            if row.pk not in unsigned and not keys.is_revoked(revoked, signers[row.pk], place(row))
        ]
        statements |= {row.pk: row for row in signed}
        known |= needed
        needed = _names(row for row in signed if not _is_approved(row)) - known
    return list(statements.values())


def _names(entries: Iterable[AuditEntry]) -> set[str]:
    """The actors whose statements decide whether these entries count."""
    names = set[str]()
    for entry in entries:
        body = course_entry(entry).body
        names |= {text(body, "person"), text(body, "actor")}
        names |= approvals.people_of(body)
    return names - {""}


def turn(entry: AuditEntry) -> tuple[int, datetime, bool, int, str]:
    """When an entry came: its place and time, acts after statements, its version and id."""
    version = number(course_entry(entry).body, "version")
    return place(entry), entry.at, entry.type in events.ACTS, version, entry.pk


def _bare_hash(entry: AuditEntry) -> str:
    return sha256(spell_leaf(entry, lender_sequence=None, is_bare=True)).hexdigest()


def place(entry: AuditEntry) -> int:
    """The entry's leaf index; `policy.SIZE` while it is not ordered."""
    leaf = getattr(entry, "leaf", None)
    return leaf.leaf_index if leaf is not None else policy.SIZE


def sound_by(entries: Iterable[AuditEntry], *, revoked: Mapping[str, int]) -> list[AuditEntry]:
    """The entries of one log with a valid signature, by keys that were not revoked before them.

    entries: loaded with their leaves. revoked: the index from which on a key does not count.
    """
    candidates = list(entries)
    _, signers = inspect(candidates)
    return [
        entry
        for entry in candidates
        if entry.pk in signers and not keys.is_revoked(revoked, signers[entry.pk], place(entry))
    ]


def sound(entries: Iterable[AuditEntry]) -> list[AuditEntry]:
    """The entries with the signature that their types require, by keys not revoked before them.

    Ordered or not: a decision based on an entry must not wait for the log.

    Raises: as `inspect`.
    """
    candidates = list(entries)
    _, signers = inspect(candidates)
    revoked = {
        log: keys.revoked(log) for log in {entry.log for entry in candidates if entry.pk in signers}
    }
    doubted = [entry for entry in candidates if signers.get(entry.pk) in revoked.get(entry.log, ())]
    places = (
        AuditLeaf.objects.filter(entry__in=doubted).values_list("entry_id", "leaf_index")
        if doubted
        else ()
    )
    ordered = dict(places)
    gone = {
        entry.pk
        for entry in doubted
        if keys.is_revoked(
            revoked[entry.log], signers[entry.pk], ordered.get(entry.pk, policy.SIZE)
        )
    }
    return [entry for entry in candidates if entry.pk in signers and entry.pk not in gone]


_OF_ONE = Compiled(
    lambda verification, log: (
        AuditEntry.objects.filter(Q(verification=verification) | Q(type=events.REVOKED, log=log))
        .select_related("leaf")
        .order_by("verification_sequence")
    )
)
"""The entries of a verification, and the revocations of keys of its log."""
_OF_BROWSERS: Final = (*events.ACCESS, events.ADVANCED, *events.BLOCKING)
_OF_ACCESS = Compiled(
    lambda verification, log: (
        AuditEntry.objects.filter(
            Q(verification=verification, type__in=_OF_BROWSERS) | Q(type=events.REVOKED, log=log)
        )
        .select_related("leaf")
        .order_by("verification_sequence")
    )
)
"""The same of its links, sessions and codes, of its test clock, and of what blocks it."""
_OF_OPENING = Compiled(
    lambda verification, log: (
        AuditEntry.objects.filter(
            Q(verification=verification, verification_sequence__lte=_SIGNED_AS_IT_OPENS)
            | Q(type=events.REVOKED, log=log)
        )
        .select_related("leaf")
        .order_by("verification_sequence")
    )
)
"""The same of its opening entry, and of the entries signed with it."""


def sound_of(verification: Verification, *, is_whole: bool = False) -> list[AuditEntry]:
    """The valid entries of a verification, in order, in one statement; others are ignored.

    is_whole: an invalid entry raises, because the rest is incomplete.

    Raises: `EvidenceUnreadable`.
    """
    return _counting(verification, _OF_ONE, is_whole=is_whole)


def access_of(verification: Verification) -> list[AuditEntry]:
    """The same of its links, sessions and codes, without the opening link."""
    return _counting(verification, _OF_ACCESS)


def opening_of(verification: Verification) -> AuditEntry | None:
    """The opening entry, if valid, in one statement."""
    entries = _counting(verification, _OF_OPENING)
    return next((entry for entry in entries if entry.type == events.CREATED), None)


def _counting(
    verification: Verification, query: Compiled[AuditEntry], *, is_whole: bool = False
) -> list[AuditEntry]:
    """The valid entries of this query, which also gives revocations."""
    rows = list(readable(query, verification.pk, verification.mode))
    entries = [row for row in rows if row.verification_id == verification.pk]
    faults, signers = inspect(entries)
    revoked = keys.revoked(rows)
    for entry in entries:
        if entry.log != verification.mode:
            # With a changed mode, a row could make a worker write into the other log.
            faults[entry.pk] = "it stands in another log than its verification"
        elif keys.is_revoked(revoked, signers.get(entry.pk, ""), place(entry)):
            faults[entry.pk] = "the key that signed it was revoked"
    if is_whole and faults:
        pk, fault = next(iter(faults.items()))
        raise EvidenceUnreadable(f"entry {pk} is invalid: {fault}")
    return [entry for entry in entries if entry.pk not in faults]


def said_by(entry: AuditEntry, context: Iterable[AuditEntry]) -> str:
    """The id of the key in an entry's signature; `context` holds the entries signed with it.
    Empty without one.
    """
    first = next(
        (candidate for candidate in (entry, *context) if candidate.pk == _signed_part(entry)[0]),
        None,
    )
    return _signed_part(first)[1] if first is not None else ""


def _allows(entry: AuditEntry, kind: str) -> bool:
    """Whether a kind of key may sign this: by the entry's type, and by the evidence or the process
    in it.

    No process may sign the root's statements. An unknown type has no signer, so a process is
    required.
    """
    entry_type = events.ENTRY_TYPES.get(entry.type)
    if entry_type is None or kind not in entry_type.signed:
        return False
    if entry.type == events.PROCESS:
        process = entry.body.get("process") if isinstance(entry.body, dict) else None
        return bool(process == events.PROCESSES[kind])
    return kind == events.WORKER or entry.type not in events.KEEPING or is_of_door(entry.body)


def _fault(
    first: str, names: Sequence[str], covered: Mapping[str, AuditEntry], believed: Believed | None
) -> str:
    """Why the signature in this first entry, by this key, is invalid; empty if valid."""
    if not names:
        return "it has no signature"
    signed_part = covered[first].body["signed"]
    if believed is None:
        return "the root did not certify the key that signed it"
    if any(name not in covered for name in names):
        return "an entry that was signed with it is missing"
    signed = [covered[name] for name in names]
    if any(entry.log != covered[first].log or _allows(entry, events.ROOT) for entry in signed):
        return "an entry signed with it requires no signature, or stands in another log"
    if not all(_allows(entry, believed.kind) for entry in signed):
        return f"a {believed.kind} key signed it, and may not"
    try:
        _verify(
            believed.public.public_bytes_raw(),
            b64decode(signed_part.get("signature"), validate=True),
            _message(signed),
        )
    except (InvalidSignature, *UNREADABLE):
        return "it differs from what was signed"
    return ""


@lru_cache(maxsize=_VERIFIED_MAX)
def _verify(public: bytes, signature: bytes, message: bytes) -> None:
    """Raises: `InvalidSignature`, which is never cached: each step of a verification checks
    every entry.
    """
    Ed25519PublicKey.from_public_bytes(public).verify(signature, message)


@cache
def _private(seed: bytes) -> tuple[Ed25519PrivateKey, str]:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return private, key_id(private.public_key().public_bytes_raw())


def _message(entries: Iterable[AuditEntry]) -> bytes:
    leaves = [
        sha256(spell_leaf(entry, lender_sequence=None, is_bare=True)).hexdigest()
        for entry in entries
    ]
    return canonical_json({"context": _CONTEXT, "leaves": leaves})


def _signed_part(entry: AuditEntry) -> tuple[str, str, list[str]]:
    """The signature in an entry: the first entry under it and, in that one, the key and the covered
    entries.

    Empty if unreadable.
    """
    signed = entry.body.get("signed") if isinstance(entry.body, dict) else None
    if not isinstance(signed, dict):
        return "", "", []
    signer, over = signed.get("by"), signed.get("over", [])
    if "with" in signed:
        signer, names = "", [signed["with"]]
    else:
        names = [entry.id, *(over if isinstance(over, list) and len(over) < _OVER_MAX else (None,))]
    if not isinstance(signer, str) or not all(
        isinstance(name, str) and _ID.fullmatch(name) for name in names
    ):
        return "", "", []
    return names[0], signer, names if signer else []


def _loaded(ids: set[str]) -> dict[str, AuditEntry]:
    loaded = readable(AuditEntry.objects.filter(pk__in=ids - {""})) if ids - {""} else ()
    return {entry.pk: entry for entry in loaded}


def leaf_bytes(entry: AuditEntry) -> bytes | None:
    """The exact bytes that the log hashed for an entry, or None while unordered.

    Raises: `LogInconsistent` if the entry has changed since.
    """
    leaf = AuditLeaf.objects.filter(entry=entry).first()
    if leaf is None:
        return None
    if (
        hashed := hashed_bytes(
            entry, lender_sequence=leaf.lender_sequence, leaf_hash=leaf.leaf_hash
        )
    ) is None:
        raise LogInconsistent(
            f"entry {entry.pk} differs from its hash at {leaf.leaf_index}: see audit_verify"
        )
    return hashed


def hashed_bytes(
    entry: AuditEntry, *, lender_sequence: int | None, leaf_hash: object
) -> bytes | None:
    """The bytes of an entry's leaf, or None if they do not match its hash."""
    try:
        spelling = spell_leaf(entry, lender_sequence=lender_sequence)
    except UNREADABLE:
        return None
    return spelling if tree.leaf_hash(spelling) == as_bytes(leaf_hash) else None


def course_entry(entry: AuditEntry, *, is_signed: bool = True) -> Entry:
    """An entry as the course reads it: a body that is no map is empty."""
    body = entry.body if isinstance(entry.body, dict) else {}
    return Entry(entry.pk, entry.type, entry.log, entry.at, body, is_signed, entry.lender_id)
