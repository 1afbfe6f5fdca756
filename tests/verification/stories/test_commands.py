"""Opening, canceling, choosing: what a lender and a borrower may do, and what rows keep of it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import connection
from pytest_django import Settings

from lenders.resources import verifications
from tests.verification.checks_on_record import checks, write_over
from tests.verification.oversight import rows
from tests.verification.stories.story import IIN, begin, lender, opening, person
from verification import clock
from verification.access import answers, openings
from verification.case import stages
from verification.core import profiles
from verification.core.errors import BadInput, Conflict, Misconfigured, NotYourTurn
from verification.core.lender import LenderFacts
from verification.core.route import Route
from verification.models import Attempt, Verification
from verification.oversight import case_file
from verification.routes import ROUTES
from verification.stages import code, statement
from verification.stages.confirmation import CONSENT
from verification.stages.confirmation.policy import CONSENT as TEXTS
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT


def facts(of):
    return LenderFacts(id=of.pk, name=of.name, bin=of.bin, phone=of.phone)


@pytest.mark.django_db(transaction=True)
def test_in_live_mode_nothing_is_opened_under_less_than_the_law_of_the_day(settings):
    settings.TULGA_ROUTES = ("eds", "biometric")
    of, given = lender(), replace(opening(), person=person("900101300017"))
    opened = openings.open_verification(
        lender=facts(of), mode="live", profile_id="KZ-2021-04", opening=given
    )
    row = Verification.objects.get(pk=opened.verification_id)
    assert (row.profile_id, row.combinations) == (
        profiles.in_force(clock.now().date()).id,
        [["eds", "biometric"]],
    )


@pytest.mark.django_db(transaction=True)
def test_no_personal_data_stands_in_any_row_in_the_clear():
    begin(lender())
    planted = [IIN, "ТЕСТОВ", "77011234567", "KZ86125KZT5004100100", "012345678"]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608
            rows = repr(
                [
                    [bytes(c) if isinstance(c, memoryview) else c for c in row]
                    for row in cursor.fetchall()
                ]
            )
            assert not [word for word in planted if word in rows], table


# The stages woven into every route take what a page may send, and refuse the rest as
# unreadable.
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
AGREED = {"agreed": True, "version": CURRENT, "language": "kk"}
WRONG: dict[str, tuple[object, ...]] = {
    "language": ([], {}, None, 1, "de", ""),
    "version": ([], {}, None, "2026-11"),
    "agreed": ([], "true", 1, None),
}


@pytest.mark.parametrize(
    "changes", [{name: wrong} for name, values in WRONG.items() for wrong in values]
)
def test_a_consent_that_cannot_be_read_is_none(changes):
    with pytest.raises(BadInput):
        CONSENT.accept({}, AGREED | changes, NOW)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_consent_is_taken_in_every_language_of_its_text(language):
    assert language in TEXTS.wordings[CURRENT]
    assert (
        b'"agreed":true'
        in CONSENT.accept({}, AGREED | {"language": language}, NOW).evidence["consent.answer"]
    )


def test_a_route_with_two_stages_of_one_name_is_refused(monkeypatch, settings):
    settings.TULGA_ROUTES = ["twice"]
    way = (code.STAGE, statement.STAGE, code.STAGE)
    twice = Route(name="twice", title="x", label="x", explanation="x", stages=way)
    monkeypatch.setitem(ROUTES, "twice", twice)
    with pytest.raises(Misconfigured, match="two stages of one name"):
        stages.installed("twice")


# What edges read of rows that another release wrote.
GONE = "code_of_an_earlier_release"


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
def test_an_end_is_final():
    story = begin(lender())
    story.cancel()
    with pytest.raises(Conflict):
        openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    with pytest.raises(NotYourTurn):
        answers.resume(verification_id=story.id)
    with pytest.raises(NotYourTurn):
        answers.choose_route(verification_id=story.id, route="eds")
    assert story.page().page == "finished"
