"""What an employee attests lets the gates pass that ask for it; no other person's word, and no row,
does.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.verification.log.judged import erase
from tests.verification.log.rows import tamper
from tests.verification.stories.attesting_story import (
    CONFIRMED,
    LAW,
    attested,
    cleared,
    gates,
    paid,
    verified,
    visited,
)
from tests.verification.stories.insecure_glance import entries, glanced, see
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import OTHER_IIN, in_parallel, lender
from verification import clock
from verification.access import links
from verification.case import policy
from verification.core import almaty, profiles
from verification.core.errors import BadInput, Conflict, NotFound
from verification.models import AuditEntry, EvidenceItem, Verification

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("glances")]


@pytest.fixture(autouse=True)
def _law(monkeypatch):
    monkeypatch.setitem(profiles.PROFILES, LAW.id, LAW)


def refused(story, expected, word=CONFIRMED, **other):
    before = AuditEntry.objects.count()
    with pytest.raises((Conflict, NotFound)) as caught:
        attested(story, word, **other)
    assert caught.value.code == expected
    assert AuditEntry.objects.count() == before


def test_the_word_is_an_entry_with_the_person_and_the_rest_is_sealed():
    story = verified(lender())
    attested(story, visited())
    attested(story)
    visit, age = entries(story, "attestation.made")
    said = {
        "what": "in_person_visit",
        "day": almaty.day_of(clock.now()).isoformat(),
        "person": "usr_1",
        "number": 1,
    }
    assert said.items() <= visit.body.items()
    assert {"what": "age_confirmation", "how": "in_person", "number": 2}.items() <= age.body.items()
    assert "Абай" not in str(
        [one.body for one in entries(story, "attestation.made", "evidence.kept")]
    )
    kept = EvidenceItem.objects.filter(verification_id=story.id, kind__startswith="attestation.")
    assert set(kept.values_list("kind", flat=True)) == {
        "attestation.place.1",
        "attestation.comment.1",
        "attestation.comment.2",
    }


@pytest.mark.parametrize(
    ("word", "pointer"),
    [
        (replace(CONFIRMED, what="anything"), "what"),
        (replace(CONFIRMED, how=""), "how"),
        (replace(CONFIRMED, how="by telephone"), "how"),
        (replace(CONFIRMED, comment="ok"), "comment"),
        (replace(CONFIRMED, comment="x" * 501), "comment"),
        (replace(CONFIRMED, comment="seen twice\x00 in the office"), "comment"),
        ("no day", "day"),
        ("tomorrow", "day"),
        ("two years ago", "day"),
        ("no place", "place"),
    ],
    ids=str,
)
def test_a_word_that_is_not_whole_is_none(word, pointer):
    today = almaty.day_of(clock.now())
    words = {
        "no day": lambda: visited(day=None),
        "tomorrow": lambda: visited(day=today + timedelta(days=1)),
        "two years ago": lambda: visited(day=today - timedelta(days=730)),
        "no place": lambda: visited(place=""),
    }
    story = verified(lender())
    with pytest.raises(BadInput) as caught:
        attested(story, words[word]() if isinstance(word, str) else word)
    assert (caught.value.code, caught.value.pointer) == ("attestation_malformed", pointer)
    assert entries(story, "attestation.made") == []


def test_nothing_is_attested_twice():
    story = verified(lender())
    attested(story)
    refused(story, "already_attested", replace(CONFIRMED, how="egov"), person="usr_2")
    attested(story, visited())
    refused(story, "already_attested", visited())


def test_of_many_at_once_one_word_stands():
    story = verified(lender())

    def attest(number):
        try:
            attested(story, person=f"usr_{number}")
        except Conflict as error:
            return error.code
        return ""

    assert sorted(in_parallel(attest, 8)) == ["", *["already_attested"] * 7]
    assert len(entries(story, "attestation.made")) == 1


@pytest.mark.parametrize("is_opener", [True, False])
def test_an_opener_or_sender_attests_nothing(is_opener):
    of = lender()
    if is_opener:
        story = verified(of, opened_by="asel@lender.example")
    else:
        story = glanced(of=of, profile="KZ-2021-04")
        links.mint(
            lender_id=of.pk, mode="test", verification_id=story.id, sent_by="asel@lender.example"
        )
        see(story, "clear")
        see(story, "clear")
    code = "reviewer_opened_case" if is_opener else "reviewer_sent_link"
    refused(story, code, known_as=(" Asel@Lender.example",))
    attested(story, known_as=("bolat@lender.example",))


def test_only_what_is_verified_of_the_own_lender_and_not_paid_is_attested():
    of = lender()
    waiting, story = (
        glanced(of=of, reference="A-3", profile="KZ-2021-04", iin="990101100030"),
        verified(of),
    )
    refused(waiting, "not_verified")
    refused(story, "not_found", lender_id=lender("Other", number=500).pk)
    paid(story)
    refused(story, "clearance_consumed")


@pytest.mark.forges
def test_nothing_is_attested_of_what_is_disputed_or_erased():
    story = verified(lender())
    Verification.objects.filter(pk=story.id).update(disputed_at=clock.now())
    refused(story, "clearance_frozen")
    Verification.objects.filter(pk=story.id).update(disputed_at=None)
    erase(story)
    refused(story, "verification_erased")


# Who has come before


def test_a_visit_counts_for_the_next_credit_and_a_confirmation_does_not(monkeypatch):
    monkeypatch.setattr(policy, "EARLIER_OPENED", 2)
    of = lender()
    first = verified(of)
    attested(first, visited())
    attested(first)
    for number in range(3):  # however much else was attested since
        attested(verified(of, f"S-{number}", amount="50000.00"))
    told = gates(cleared(verified(of, "A-2")))
    assert (told["first_credit"], told["age"][0]) == (
        ("passed", "desk"),
        "age_confirmation_required",
    )


def test_only_an_own_visit_or_a_paid_credit_over_75_mci_counts():
    of = lender()
    cleared(verified(of, "cleared and not paid"), profile="KZ-2021-04")
    paid(verified(of, "of 75 MCI", amount="324375.00"), amount="324375.00")
    attested(verified(of, "of another person", iin=OTHER_IIN), visited())
    attested(verified(lender("Other", number=500)), visited())
    erased = verified(of, "erased")
    attested(erased, visited())
    erase(erased)
    assert gates(cleared(verified(of, "A-1")))["first_credit"][0] == "in_person_required"
    paid(verified(of, "over 75 MCI", amount="324375.01"), amount="324375.01")
    assert gates(cleared(verified(of, "A-2")))["first_credit"][0] == "passed"


def test_no_row_makes_another_persons_visit_or_credit_this_ones():
    of = lender()
    came, story = verified(of, iin=OTHER_IIN), verified(of, "A-2")
    attested(came, visited())
    moved = (
        "UPDATE verification_verification SET borrower_index = (SELECT one.borrower_index FROM"
        " verification_verification one WHERE one.id = %s) WHERE id = %s"
    )
    tamper((moved, (story.id, came.id)))
    assert came.row().borrower_index == story.row().borrower_index
    assert gates(cleared(story))["first_credit"][0] == "in_person_required"


@pytest.mark.forges
def test_an_unsigned_word_does_not_count():
    of = lender()
    story = verified(of)
    attested(story)
    body = {"what": "in_person_visit", "day": "2026-11-01", "person": "usr_1", "number": 1}
    AuditEntry.objects.create(
        log="test",
        type="attestation.made",
        at=clock.now(),
        verification_id=story.id,
        lender_id=of.pk,
        body=body,
    )
    assert cleared(story).code == "clearance_frozen"


@pytest.mark.forges
@pytest.mark.parametrize(
    "body", [[], {}, {"amount": "much"}, {"amount": 10**12, "clearance": "clr_1"}], ids=str
)
@pytest.mark.parametrize("year", [2020, 2026])
def test_an_unsigned_payment_neither_counts_nor_hinders(body, year):
    of = lender()
    first, story = verified(of), verified(of, "A-2")
    AuditEntry.objects.create(
        log="test",
        type="clearance.consumed",
        at=clock.now().replace(year=year),
        verification_id=first.id,
        lender_id=of.pk,
        body=body,
    )
    attested(story)
    assert gates(cleared(story))["first_credit"][0] == "in_person_required"
