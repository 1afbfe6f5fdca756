"""What edges read of rows that another release wrote."""

import pytest
from pytest_django import Settings

from lenders.resources import verifications
from tests.verification.checks_on_record import checks, write_over
from tests.verification.oversight import rows
from tests.verification.stories.story import begin, lender
from verification.access import answers
from verification.models import Attempt
from verification.oversight import case_file

pytestmark = pytest.mark.django_db(transaction=True)

GONE = "code_of_an_earlier_release"


@pytest.fixture
def case_id() -> str:
    """A declined verification, one of whose checks bears a code that the table no longer has."""
    verification_id = rows.declined(rows.lender())
    for said in [said for said in checks(verification=verification_id) if said["code"]]:
        write_over(Attempt.objects.get(pk=said["attempt"]), said["check"], code=GONE)
    return verification_id


@pytest.mark.forges
def test_a_lender_is_shown_a_code_that_is_gone_as_it_stands(case_id: str) -> None:
    answer = verifications.read(
        lender_id=rows.lender().pk, mode="test", verification_id=case_id, with_checks=True
    )
    (check,) = [check for check in answer["checks"] if check["code"]]
    assert (check["code"], check["retryable"]) == (GONE, False)
    assert (check["borrower_message"], check["lender_detail"]) == (None, None)


@pytest.mark.forges
def test_so_is_the_regulator(case_id: str) -> None:
    shown = case_file.case_file(person_id="usr_1", verification_id=case_id)
    assert GONE in [check.code for check in shown.checks]


@pytest.mark.parametrize("installed", [["eds"], ["eds", "unheard_of"]])
def test_a_borrower_whose_other_route_is_gone_still_sees_their_page(
    settings: Settings, installed: list[str]
) -> None:
    settings.TULGA_ROUTES = ["eds", "live_face"]
    story = begin(lender())
    answers.choose_route(verification_id=story.id, route="eds")
    assert [choice.name for choice in story.page().routes] == ["live_face"]
    settings.TULGA_ROUTES = installed
    assert (story.page().page, story.page().routes) == ("consent", ())
    story.cancel()
    assert story.page().page == "finished"
