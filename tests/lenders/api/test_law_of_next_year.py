"""On 2 January 2027 a clearance counts in an MCI that no release ships: it is refused, then taken,
then issued.
"""

from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest

from insecure_sandbox.authority import Authority, create_authority, issue, make_crl
from insecure_sandbox.credential import Credential
from tests.lenders.api import renewing
from tests.lenders.api.clearing import clean, cleared, consume, verified
from tests.verification import law_files
from tests.verification.log.judged import findings
from tests.verification.log.law_story import (
    kinds,
    order,
    read_from_rows,  # noqa: F401
    take,
)
from tests.verification.stories.conftest import trust
from tests.verification.stories.story import IIN
from verification import clock
from verification.core import law_file, law_rules, profiles
from verification.log import laws
from verification.models import AuditEntry

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted", "read_from_rows"),
]

NOON = law_files.noon(date(2027, 1, 2))
STRICT = law_files.document(
    profiles=[law_files.profile("KZ-2021-04", id="KZ-2027-01", repeals=[*profiles.PROFILES])]
)


@cache
def authority() -> Authority:
    """Made a month before: the tests hold on whichever day they run."""
    return create_authority("gost512", at=NOON - timedelta(days=30))


def issued(**more: Any) -> Credential:
    """A certificate of the day before, of somebody whose name the loan has."""
    day_before = NOON - timedelta(days=1)
    return issue(authority(), at=day_before, iin=IIN, surname="ТЕСТОВ", given_name="ТЕСТ", **more)


@pytest.fixture(autouse=True)
def _in_2027(trusted, settings, tmp_path):
    """It is noon of 2 January 2027, and the authority has a list of that day."""
    trust({"gost512": authority()}, settings, tmp_path / "anchors of 2027")
    made = NOON - timedelta(minutes=1)
    crl = make_crl(
        authority(), revoked={}, number=1, this_update=made, next_update=made + timedelta(days=1)
    )
    trusted.lists = {"gost512": (crl,)}
    clock._state.offset += NOON - clock.now()


@pytest.fixture
def story(api, lender, monkeypatch):
    """A verified borrower, whose loan's sum is counted in MCI, and whose contract is reported."""
    renewing.go_by(lender, monkeypatch, 75)
    story = verified(lender, issued)
    assert renewing.report(api, story).status_code == 200
    return story


def test_a_clearance_that_counts_in_mci_is_refused_before_and_issued_after_without_a_restart(
    api, story
):
    told = cleared(api, story)
    assert (told["status"], told["code"]) == ("refused", "mci_unknown")
    take(law_files.document())
    told = cleared(api, story)  # taken, and not ordered yet
    assert (told["status"], told["code"]) == ("refused", "mci_unknown")
    order()
    told = cleared(api, story)
    assert (told["status"], told["code"]) == ("issued", None)
    order()
    assert consume(api, told).status_code == 200
    order()
    assert clean(story) == []
    assert findings("--log", "test") == []


def test_audit_verify_names_a_clearance_that_rests_on_an_mci_before_its_entry(api, story):
    profiles.hold_amendments(law_rules.all_of((law_file.parse(law_files.document()),)))
    profiles.read_amendments_by(None)
    assert cleared(api, story)["status"] == "issued"
    order()
    assert kinds() == ["law_early"]
    take(law_files.document())
    order()
    profiles.read_amendments_by(laws.look)
    [finding] = findings("--log", "test")
    issued = AuditEntry.objects.get(type="clearance.issued")
    assert (finding["code"], finding["entry"]) == ("law_early", issued.pk)
    assert finding["detail"] == "it rests on the MCI of 2027 before that was taken"


def test_audit_verify_names_a_case_that_was_opened_by_a_profile_before_its_entry(api, lender):
    profiles.hold_amendments(law_rules.all_of((law_file.parse(STRICT),)))
    profiles.read_amendments_by(None)
    story = verified(lender, issued, profile="KZ-2027-01")
    take(STRICT)
    order()
    profiles.read_amendments_by(laws.look)
    opened = AuditEntry.objects.get(type="verification.created").pk
    named = [(finding["code"], finding["entry"]) for finding in findings("--log", "test")]
    assert ("law_early", opened) in named
    assert {code for code, _ in named} == {"law_early"}
    assert story.row().status == "verified"
    verified(
        lender, issued, "B-1", profile="KZ-2027-01"
    )  # opened behind the entry: nothing to name
    order()
    later = {finding["entry"] for finding in findings("--log", "test")}
    assert later == {entry for _, entry in named}
