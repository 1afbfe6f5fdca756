"""What an employee attests lets the gates pass that ask for it; nobody else's word, and no row,
does.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, connections

from tests.verification.log.judged import erase
from tests.verification.log.looks import differences_of, verify_legality
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
from tests.verification.stories.story import OTHER_IIN, lender, order
from verification import clock
from verification.access import links
from verification.case import contents, policy
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


def clean(story):
    order()
    return [*differences_of(story.id), *verify_legality("test")]


def test_both_words_let_the_money_leave():
    story = verified(lender())
    before = cleared(story)
    assert (before.status, before.code) == ("refused", "age_confirmation_required")
    assert gates(before)["first_credit"] == ("in_person_required", "log")
    attested(story)
    half = cleared(story)
    assert (half.code, gates(half)["age"]) == ("in_person_required", ("passed", "desk"))
    attested(story, visited())
    whole = cleared(story)
    assert (whole.status, gates(whole)["first_credit"]) == ("issued", ("passed", "desk"))
    assert clean(story) == []


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

    def one(number):
        try:
            connection.ensure_connection()
            attested(story, person=f"usr_{number}")
        except Conflict as error:
            return error.code
        finally:
            connections.close_all()
        return ""

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(one, range(8))) == ["", *["already_attested"] * 7]
    assert len(entries(story, "attestation.made")) == 1


def test_whoever_opened_the_case_attests_nothing():
    of = lender()
    story = verified(of, opened_by="asel@lender.example")
    refused(story, "reviewer_opened_case", known_as=(" Asel@Lender.example",))
    attested(story, known_as=("bolat@lender.example",))


def test_whoever_sent_the_link_attests_nothing():
    of = lender()
    story = glanced(of=of, profile="KZ-2021-04")
    links.mint(lender_id=of.pk, mode="test", verification_id=story.id, sent_by="Asel Omarova")
    see(story, "clear")
    see(story, "clear")
    refused(story, "reviewer_sent_link", known_as=("asel  omarova",))
    attested(story, known_as=("somebody else",))


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


def test_a_visit_counts_for_the_next_credit_and_a_confirmation_does_not():
    of = lender()
    first, second = verified(of), verified(of, "A-2")
    attested(first, visited())
    attested(first)
    told = gates(cleared(second))
    assert (told["first_credit"], told["age"][0]) == (
        ("passed", "desk"),
        "age_confirmation_required",
    )


def test_a_visit_counts_however_much_else_was_attested_since(monkeypatch):
    monkeypatch.setattr(policy, "EARLIER_OPENED", 2)
    of = lender()
    attested(verified(of), visited())
    for number in range(3):
        attested(verified(of, f"S-{number}", amount="50000.00"))
    assert gates(cleared(verified(of, "A-2")))["first_credit"] == ("passed", "desk")


@pytest.mark.parametrize(
    ("amount", "expected"), [("324375.00", "in_person_required"), ("324375.01", "passed")]
)
def test_a_credit_that_was_paid_counts_if_it_was_over_75_mci(amount, expected):
    of = lender()
    paid(verified(of, amount=amount), amount=amount)
    assert gates(cleared(verified(of, "A-2")))["first_credit"][0] == expected


def test_a_credit_that_was_cleared_and_not_paid_does_not_count():
    of = lender()
    assert cleared(verified(of), profile="KZ-2021-04").status == "issued"
    assert gates(cleared(verified(of, "A-2")))["first_credit"][0] == "in_person_required"


def test_another_persons_visit_or_one_at_another_lender_does_not_count():
    of = lender()
    attested(verified(of, iin=OTHER_IIN), visited())
    attested(verified(lender("Other", number=500)), visited())
    assert gates(cleared(verified(of, "A-2")))["first_credit"][0] == "in_person_required"


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
def test_a_word_that_nobody_signed_does_not_count():
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
def test_a_payment_that_nobody_signed_neither_counts_nor_hinders(body, year):
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


def test_a_law_that_does_not_ask_is_not_evaluated():
    story = verified(lender())
    told = cleared(story, profile="KZ-2021-04")
    assert (told.status, gates(told)["age"]) == ("issued", ("not_evaluated", None))


def test_a_case_whose_key_is_gone_tells_nothing():
    of = lender()
    came = verified(of)
    attested(came, visited())
    erase(came)
    assert contents.of_any_lender(came.id).key.destroyed_at is not None
    assert gates(cleared(verified(of, "A-2")))["first_credit"][0] == "in_person_required"
