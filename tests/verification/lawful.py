"""At the end of a story: was every verification of it moved lawfully, by the entries that it
left?
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import groupby
from operator import attrgetter

import pytest

from verification.case import stages
from verification.core import events, keeping, releases, stored
from verification.core.releases import Release
from verification.core.route import Stage
from verification.log.legality import faults_of
from verification.models import AuditEntry, Receipt

_played: dict[str, Release] = {}
"""Every release that a route was done by in this process: scenes that are put back were played by
earlier tests.
"""
_kinds = set[str]()
"""The same of evidence that such routes take of the borrower."""
_release = stages.release


def know_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of releases knows each route as a test does it, which may put stages of its own in
    its place.
    """
    monkeypatch.setattr(releases, "RELEASES", releases.RELEASES | _played)
    monkeypatch.setattr(keeping, "DOOR_KEEPS", keeping.DOOR_KEEPS | _kinds)
    monkeypatch.setattr(stages, "release", _remembered)


def know_route(monkeypatch: pytest.MonkeyPatch, route: str, own: Sequence[Stage]) -> None:
    """The same of one route that the test puts in another's place, with stages of its own."""
    *before, last = own
    way = (stages.CONSENT, *before, stages.QUESTION, last)
    release = Release(
        route, tuple((stage.name, tuple(stage.checks), stage.attempts or 0) for stage in way)
    )
    _played[release.id] = release
    monkeypatch.setitem(releases.RELEASES, release.id, release)


def know_kinds(monkeypatch: pytest.MonkeyPatch, *kinds: str) -> None:
    """The door may put evidence of these kinds on record, which such a stage takes of the
    borrower.
    """
    _kinds.update(kinds)
    monkeypatch.setattr(keeping, "DOOR_KEEPS", keeping.DOOR_KEEPS | _kinds)


def unlawful() -> Iterator[str]:
    """What the law does not allow of all entries that stand, ordered or not."""
    entries = AuditEntry.objects.filter(verification__isnull=False)
    ordered = entries.order_by("verification_id", "verification_sequence", "pk")
    for _, own in groupby(ordered, key=attrgetter("verification_id")):
        for entry, (code, detail) in faults_of(own):
            yield f"{entry.verification_sequence} {entry.type}: {code}: {detail}"


def without_receipt() -> Iterator[str]:
    """The ends that workers put on record whose receipt is not there, or says something else than
    their entry.
    """
    kept = dict(Receipt.objects.values_list("pk", "jws"))
    named = AuditEntry.objects.filter(type__in=(*events.DECISIONS, events.RECEIPT)).exclude(
        type="verification.canceled"
    )
    for entry in named:
        jws, end = kept.get(entry.verification_id or "", ""), entry
        if entry.type == events.RECEIPT:
            end = AuditEntry.objects.get(pk=entry.body["decision"])
        payload = jws.split(".")[1] if jws else "e30"
        said = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        told = (
            f"verification.{said.get('status')}",
            said.get("code") or "",
            said.get("decided_at"),
        )
        if entry.body.get("receipt") != sha256(jws.encode()).hexdigest() or told != (
            end.type,
            end.body["code"],
            stored.moment(end.at),
        ):
            yield f"{entry.verification_id}: {entry.type}: {told}"


def _remembered(route: str, *, law: str) -> Release:
    release = _release(route, law=law)
    releases.RELEASES[release.id] = _played[release.id] = release
    return release
