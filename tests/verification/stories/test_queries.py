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


@pytest.mark.forges
def test_a_code_that_is_gone_is_shown_as_it_stands() -> None:
    lender_of_case = rows.lender()
    case = rows.declined(lender_of_case)
    for check in [check for check in checks(verification=case) if check["code"]]:
        write_over(Attempt.objects.get(pk=check["attempt"]), check["check"], code=GONE)
    answer = verifications.read(
        lender_id=lender_of_case.pk, mode="test", verification_id=case, with_checks=True
    )
    (told,) = [check for check in answer["checks"] if check["code"]]
    assert (told["code"], told["retryable"]) == (GONE, False)
    assert (told["borrower_message"], told["lender_detail"]) == (None, None)
    shown = case_file.case_file(person_id="usr_1", verification_id=case)
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
