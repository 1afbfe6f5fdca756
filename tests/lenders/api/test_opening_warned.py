"""A lender that opens a case which could not pass by people is warned, and refused nothing."""

from typing import Any

import pytest
from pytest_django import Settings

from lenders.models import Lender
from tests.lenders.samples import IIN, OTHER_IIN, Caller, opening
from tests.verification.stories import reviewers
from verification.core.codes import WARNINGS

pytestmark = pytest.mark.django_db

WARNED = [{"code": "reviewers_too_few", "detail": WARNINGS["reviewers_too_few"].warning}]
CAMERA = {"routes": ["biometric"]}


@pytest.fixture(autouse=True)
def _both_routes(settings: Settings) -> None:
    settings.TULGA_ROUTES = ["eds", "biometric"]


def opened(api: Caller, **more: Any) -> Any:
    body = opening(**{**CAMERA, **more})
    answer = api.post("/v1/verifications", body, key=body["client_reference"])
    assert answer.status_code in (200, 201), answer.json()
    return answer.json()


def warned(api: Caller, **more: Any) -> Any:
    return opened(api, **more)["warnings"]


@pytest.mark.parametrize(("number", "warnings"), [(0, []), (1, WARNED), (2, WARNED)])
def test_with_fewer_than_two_people_an_opening_warns(
    api: Caller, lender: Lender, number: int, warnings: Any
) -> None:
    reviewers.leave(lender, number=number)
    assert warned(api) == warnings


def test_the_verification_is_opened_all_the_same(api: Caller, lender: Lender) -> None:
    reviewers.leave(lender)
    answer = opened(api)
    assert (answer["status"], answer["route"]) == ("requires_input", "biometric")
    assert "/v/#" in answer["url"]


def test_where_no_way_leads_to_people_nothing_warns(api: Caller, lender: Lender) -> None:
    reviewers.leave(lender)
    assert warned(api, routes=["eds"]) == []


def test_where_the_borrower_may_choose_one_that_does_it_warns(api: Caller, lender: Lender) -> None:
    reviewers.leave(lender)
    assert warned(api, routes=None) == WARNED


def test_whoever_opens_it_is_not_counted(api: Caller) -> None:
    assert warned(api, opened_by="reviewer 1") == WARNED
    assert (
        warned(api, opened_by="office 12", client_reference="loan-2", subject__iin=OTHER_IIN) == []
    )


def test_another_lenders_people_are_not_counted(other_api: Caller, lender: Lender) -> None:
    assert warned(other_api) == WARNED


def test_an_opening_that_comes_again_warns_again(api: Caller, lender: Lender) -> None:
    first = api.post("/v1/verifications", opening(**CAMERA), key="k-1")
    reviewers.leave(lender)
    again = api.post("/v1/verifications", opening(**CAMERA), key="k-2")
    assert (first.json()["warnings"], again.json()["warnings"]) == ([], WARNED)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    # By its key it is the same answer.
    assert api.post("/v1/verifications", opening(**CAMERA), key="k-1").json() == first.json()


def test_nothing_else_says_it(api: Caller, lender: Lender) -> None:
    reviewers.leave(lender)
    answer = opened(api, subject__iin=IIN)
    assert "warnings" not in api.get(f"/v1/verifications/{answer['id']}").json()
