"""A law that asks a bureau and a bank before the money leaves, and what then is on record."""

import json
from dataclasses import replace

from verification.case import contents
from verification.core import profiles
from verification.evidence import store
from verification.models import AuditEntry, EvidenceItem

LAW = "KZ-TEST"
ASKING = replace(
    profiles.get("KZ-2021-04"),
    id=LAW,
    stop_credit_max_age_seconds=60,
    account_owner_max_age_seconds=15 * 60,
)


def under(lender, monkeypatch, **asked):
    """From now on the lender goes by a law that asks, with these numbers."""
    monkeypatch.setitem(profiles.PROFILES, LAW, replace(ASKING, **asked))
    lender.test_calendar = profiles.calendar_of(LAW)
    lender.save()


def gates(clearance):
    """What each gate said: why it refuses, or its status."""
    return {gate["name"]: gate["code"] or gate["status"] for gate in clearance["gates"]}


def kept(story, entry_type="clearance.issued"):
    """What was answered, by kind, as the newest entry of a type lists it and evidence holds it."""
    listed = (
        AuditEntry.objects.filter(verification_id=story.id, type=entry_type)
        .latest("verification_sequence")
        .body
    )
    key = contents.key_of(story.row())
    items = [EvidenceItem.objects.get(pk=one["id"]) for one in listed.get("evidence", ())]
    return {item.kind: json.loads(store.opening(key, item).plain) for item in items}
