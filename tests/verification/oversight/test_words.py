"""The regulator reads words for every entry of the log, and of a case's evidence the ids that
entries list.
"""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.urls import reverse

from tests.verification.oversight import rows
from verification.core.events import ENTRY_TYPES
from verification.models import AuditEntry, EvidenceItem
from verification.oversight import labels
from verification.oversight.case_file import timeline
from verification.oversight.search import Step

AT = datetime(2026, 11, 1, tzinfo=UTC)


def note(entry_type: str, **body: Any) -> str:
    """What the timeline says of an entry besides its name."""
    (line,) = timeline(
        [Step(at=AT, type=entry_type, sequence=1, log_index=1, body=body, leaf_hash="")]
    )
    return line.note


def test_every_type_of_entry_has_words_and_no_words_are_left_over() -> None:
    assert set(labels.ENTRIES) == set(ENTRY_TYPES)


def test_a_hand_over_says_from_which_browser_to_which() -> None:
    said = note("verification.handed_over", **{"from": "Chrome, Windows", "to": "Safari, iPhone"})
    assert said == "Chrome, Windows → Safari, iPhone"


def test_a_destruction_says_of_what_and_how_many() -> None:
    said = note(
        "evidence.destroyed",
        route="biometric",
        stage="live_capture",
        number=19,
        destroyed=["evd_a"],
    )
    assert said == "biometric · live_capture · × 19"


def test_other_entries_say_neither() -> None:
    assert note("link.minted", number=19, to="Safari, iPhone") == ""


@pytest.mark.django_db(transaction=True)
def test_evidence_stands_by_the_id_that_its_entry_lists() -> None:
    case_id = rows.declined(rows.lender())
    reader = rows.signed_in(rows.person("regulator"))
    page = reader.get(
        reverse("oversight:case", kwargs={"verification_id": case_id})
    ).content.decode()
    (_before, shown) = page.split('id="evidence"')
    kept = list(EvidenceItem.objects.filter(verification_id=case_id).values_list("pk", flat=True))
    assert kept
    assert all(f">{one}<" in shown for one in kept)
    judged = AuditEntry.objects.get(verification_id=case_id, type="attempt.judged")
    assert {one["id"] for one in judged.body["evidence"]} <= set(kept)
