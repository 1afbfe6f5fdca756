"""The sealed case is the one that its opening committed to, and its borrower is found by the IIN in
it.
"""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from pytest_django import Settings

from tests.verification.log.judged import audit, entry_of, erase, findings, judged, places, update
from tests.verification.log.rows import tamper
from tests.verification.stories.conftest import Issued, authorities, issued, trusted  # noqa: F401
from tests.verification.stories.story import OTHER_IIN, Story
from verification.evidence import vault

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


@pytest.fixture
def story(issued: Issued) -> Story:  # noqa: F811
    return judged(issued)


def test_a_case_sealed_anew_under_its_own_key_is_named(story: Story) -> None:
    row, created = story.row(), entry_of(story, "verification.created")
    key = vault.open(verification_id=story.id, lender_id=row.lender_id)
    place = {"table": "verification_verification", "field": "sealed_case"}
    case = json.loads(key.unseal(bytes(row.sealed_case), **place).plain)
    case["opening"]["person"]["iin"]["value"] = OTHER_IIN
    resealed = key.seal(json.dumps(case).encode(), **place).data
    tamper(
        (
            "UPDATE verification_verification SET sealed_case = %s WHERE id = %s",
            (resealed, story.id),
        )
    )
    assert places(findings()) == {
        ("case", created.pk, "case"),
        ("case", created.pk, "borrower_index"),
    }


def test_a_case_that_does_not_open_is_named(story: Story) -> None:
    tamper(
        ("UPDATE verification_verification SET sealed_case = %s WHERE id = %s", (b"x", story.id))
    )
    assert places(findings()) == {
        ("case", entry_of(story, "verification.created").pk, "sealed_case")
    }


def test_a_borrower_index_that_hides_the_borrower_is_named(story: Story) -> None:
    created = entry_of(story, "verification.created")
    tamper(
        (
            "UPDATE verification_verification SET borrower_index = %s WHERE id = %s",
            (b"x" * 32, story.id),
        )
    )
    assert ("case", created.pk, "borrower_index") in places(findings())
    tamper(update("verification", "borrower_index_version = 9", story.id))
    assert ("case", created.pk, "borrower_index_version") in places(findings())


def test_what_no_key_is_there_for_is_counted_and_no_finding(
    story: Story, settings: Settings
) -> None:
    settings.TULGA_INDEX_KEYS = {}
    told = audit("--log", "test")
    assert (told["findings"], told["unchecked"]) == ([], {"test": {"cases": 0, "indexes": 1}})
    settings.TULGA_KEY_ENCRYPTION_KEYS = {}
    told = audit("--log", "test")
    assert (told["findings"], told["unchecked"]) == ([], {"test": {"cases": 1, "indexes": 0}})
    out = StringIO()
    call_command("audit_verify", "--log", "test", stdout=out)
    assert "1 sealed cases not checked: no key-encryption keys here" in out.getvalue()


def test_an_erased_case_is_left_out(story: Story) -> None:
    erase(story)
    told = audit("--log", "test")
    assert (told["findings"], told["unchecked"]["test"]) == ([], {"cases": 0, "indexes": 0})
