"""Who decides signs: one signature of a worker over all that a transaction of it decided, which stands in the log.

The body of each entry of a type in `events.SIGNED` says so under `signed`: of the first `by` which key, `over` which
entries in their order, and the `signature`; of the others `with` which first. Signed by Ed25519 is the canonical JSON
of a context and the SHA-256 of each entry's leaf as it is without `signed` and without its number for the lender, which
it gets later. So whoever holds the database, and no worker's key, decides nothing. Source: audit.md §6.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from verification.audit import policy
from verification.audit.leaves import spell_leaf
from verification.audit.stored import UNREADABLE, readable
from verification.core import events
from verification.core.errors import Misconfigured
from verification.core.stored import canonical_json
from verification.models import AuditEntry

_CONTEXT: Final = "tulga-decision-v1"
"""Signed with it, so that nothing else we may ever sign can be taken for a decision."""
_ID: Final = re.compile("evt_[0-9a-z]{1,40}")
_OVER_MAX: Final = 16
"""Entries under one signature at most. Ours: a judgement, what follows from it, and its end are three."""


def sign(entries: Sequence[AuditEntry]) -> None:
    """Signs those of one transaction's entries that a worker must sign, in their bodies, before they are inserted.

    Raises `Misconfigured` in a process that has no decision key for their log.
    """
    deciding = [entry for entry in entries if entry.type in events.SIGNED]
    if not deciding:
        return
    seeds: Mapping[int, bytes] = settings.TULGA_DECISION_KEYS.get(deciding[0].log, {})
    if not seeds:
        raise Misconfigured(f"this process holds no decision key of the {deciding[0].log} log: only workers decide")
    # The highest number is the newest; older ones stay among those that are believed.
    private = Ed25519PrivateKey.from_private_bytes(seeds[max(seeds)])
    first, *others = deciding
    said = {"by": key_id(private.public_key().public_bytes_raw()), "over": [entry.pk for entry in deciding]}
    signature = private.sign(_message(deciding))
    first.body = {**first.body, "signed": {**said, "signature": b64encode(signature).decode()}}
    for entry in others:
        entry.body = {**entry.body, "signed": {"with": first.pk}}
    for entry in deciding:  # what is no leaf any more is refused here, or it would stop the sequencer later
        spell_leaf(entry, lender_sequence=policy.SIZE if entry.lender_id else None)


def unsigned(entries: Iterable[AuditEntry]) -> dict[str, str]:
    """Those of these entries that no worker signed though their type asks for it: by id, why not.

    Raises `Misconfigured` where no worker's public key of their log is known: then nothing can be said of any.
    """
    asked = {entry.pk: entry for entry in entries if entry.type in events.SIGNED}
    firsts = {pk: _first(entry) for pk, entry in asked.items()}
    known = asked | _loaded(set(firsts.values()) - asked.keys())
    over = {name: _over(known[name]) for name in set(firsts.values()) if name in known}
    known |= _loaded({pk for names in over.values() for pk in names} - known.keys())
    # A log that nobody asked about may have no keys here: what names an entry of it is not signed.
    logs = {entry.log for entry in asked.values()}
    faults = {name: _fault(name, names, known) for name, names in over.items() if known[name].log in logs}
    found = {}
    for pk, first in firsts.items():
        fault = faults.get(first, "no worker signed it")
        if not fault and pk not in over[first]:
            fault = "the signature that it names is not over it"
        if fault:
            found[pk] = fault
    return found


def key_id(public: bytes) -> str:
    """By which a signature names its key: the first eight bytes of the SHA-256 of the raw public key, in hex."""
    return sha256(public).hexdigest()[:16]


def _fault(first: str, names: Sequence[str], known: Mapping[str, AuditEntry]) -> str:
    """Why the signature in this first entry does not hold; empty if it does."""
    if not names:
        return "no worker signed it"
    said = known[first].body["signed"]
    believed: Mapping[int, bytes] = settings.TULGA_DECIDERS.get(known[first].log, {})
    if not believed:
        raise Misconfigured(f"no worker's public key of the {known[first].log} log is here: see TULGA_KEYS_DIR")
    public = next((one for one in believed.values() if key_id(one) == said.get("by")), None)
    if public is None:
        return "the key that signed it is none of a worker"
    if names[0] != first or any(name not in known for name in names):
        return "an entry that was signed with it is not there"
    signed = [known[name] for name in names]
    if any(entry.type not in events.SIGNED or entry.log != known[first].log for entry in signed):
        return "what was signed with it decides nothing"
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(
            b64decode(said.get("signature"), validate=True), _message(signed)
        )
    except (InvalidSignature, *UNREADABLE):
        return "it does not say what a worker signed"
    return ""


def _message(entries: Iterable[AuditEntry]) -> bytes:
    leaves = [sha256(spell_leaf(_bare(entry), lender_sequence=None)).hexdigest() for entry in entries]
    return canonical_json({"context": _CONTEXT, "leaves": leaves})


def _bare(entry: AuditEntry) -> AuditEntry:
    bare = copy(entry)
    bare.body = {name: value for name, value in entry.body.items() if name != "signed"}
    return bare


def _first(entry: AuditEntry) -> str:
    said = entry.body.get("signed") if isinstance(entry.body, dict) else None
    name = said.get("with", entry.pk) if isinstance(said, dict) else ""
    return name if _is_id(name) else ""


def _over(first: AuditEntry) -> list[str]:
    """The entries that a first one names; none where that cannot be read."""
    said = first.body.get("signed") if isinstance(first.body, dict) else None
    over = said.get("over") if isinstance(said, dict) else None
    is_list = isinstance(over, list) and 0 < len(over) <= _OVER_MAX and all(map(_is_id, over))
    return list(over) if is_list and over else []


def _loaded(ids: set[str]) -> dict[str, AuditEntry]:
    found = readable(AuditEntry.objects.filter(pk__in=ids - {""})) if ids - {""} else ()
    return {entry.pk: entry for entry in found}


def _is_id(untrusted: object) -> bool:
    return isinstance(untrusted, str) and _ID.fullmatch(untrusted) is not None
