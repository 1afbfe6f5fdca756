"""Opening, canceling, choosing: what a lender and a borrower may do, and what the database keeps of
it.
"""

from dataclasses import replace

import pytest
from django.db import connection

from lenders.resources import verifications
from tests.verification.stories.story import IIN, begin, lender, opening, person
from verification import clock
from verification.access import answers, openings
from verification.core import profiles
from verification.core.errors import BadInput, Conflict, NotFound, NotYourTurn
from verification.core.lender import LenderFacts
from verification.models import AuditEntry, Verification

pytestmark = pytest.mark.django_db(transaction=True)


def facts(of):
    return LenderFacts(id=of.pk, name=of.name, bin=of.bin, phone=of.phone)


def open_again(story, **changes):
    again = replace(opening(), **changes)
    return openings.open_verification(
        lender=facts(story.lender), mode="test", profile_id="KZ-2021-04", opening=again
    )


def test_a_verification_begins_with_consent_and_pins_its_profile():
    story = begin(lender())
    answer = verifications.read(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    assert answer["status"] == "requires_input"
    assert answer["next_action"]["type"] == "consent"
    assert answer["combinations"] == [["eds"]]
    assert len(answer["profile"]["sha256"]) == 64


def test_the_same_reference_gives_the_open_verification_back_with_a_fresh_link():
    story = begin(lender())
    again = open_again(story)
    assert (again.verification_id, again.created) == (story.id, False)
    assert again.token != story.token
    assert Verification.objects.count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"person": person("990101100020")},
        {"loan": replace(opening().loan, amount="150000.01")},
        {"purpose": "another"},
    ],
)
def test_the_same_reference_for_another_request_is_a_conflict(changes):
    story = begin(lender())
    with pytest.raises(Conflict) as caught:
        open_again(story, **changes)
    assert caught.value.code == "client_reference_in_use"


def test_a_reference_is_free_again_after_the_end():
    story = begin(lender())
    openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    assert open_again(story).created


def test_a_profile_the_installed_routes_cannot_satisfy_opens_nothing():
    with pytest.raises(BadInput) as caught:
        begin(lender(), profile="KZ-2025-01")
    assert caught.value.code == "routes_insufficient"
    assert not Verification.objects.exists()
    assert not AuditEntry.objects.exists()


def test_test_people_are_refused_in_live_mode():
    of = lender()
    with pytest.raises(BadInput) as caught:
        openings.open_verification(
            lender=facts(of), mode="live", profile_id="KZ-2021-04", opening=opening()
        )
    assert caught.value.code == "iin_test_only"


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


def test_another_lender_or_mode_finds_nothing():
    story, other = begin(lender()), lender("Other", number=500)
    for lender_id, mode in ((other.pk, "test"), (story.lender.pk, "live")):
        with pytest.raises(NotFound):
            verifications.read(lender_id=lender_id, mode=mode, verification_id=story.id)
        with pytest.raises(NotFound):
            openings.cancel(lender_id=lender_id, mode=mode, verification_id=story.id)
    assert verifications.read_page(lender_id=other.pk, mode="test")["data"] == []


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


def test_a_route_that_is_not_offered_cannot_be_chosen():
    story = begin(lender())
    with pytest.raises(BadInput):
        answers.choose_route(verification_id=story.id, route="biometric")


def test_lists_are_cut_into_pages_without_gap_or_repetition():
    of = lender()
    made = [begin(of, f"A-{number}").id for number in range(7)]
    seen, after = [], None
    while True:
        page = verifications.read_page(lender_id=of.pk, mode="test", after=after, limit=3)
        seen += [answer["id"] for answer in page["data"]]
        after = page["next"]
        if not page["has_more"]:
            break
    assert seen == made[::-1]


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
