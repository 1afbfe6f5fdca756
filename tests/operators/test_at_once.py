"""Operators who act at the same moment: no one waits for ever, and each proposal counts once."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from lenders.models import Lender
from operators import proposals
from operators.models import Proposal
from people.models import User
from tests.operators.acting import draft_change, draft_lender, draft_person, propose, signed
from tests.operators.conftest import Acting, Appoint
from tests.operators.test_proposals import PHONE, stated
from tests.verification.log.rows import order_all
from tests.verification.stories.story import in_parallel
from verification.core.events import LENDER
from verification.log.verify_actors import verify_actors
from verification.models import AuditEntry, AuditPending

pytestmark = pytest.mark.django_db(transaction=True)

Three = tuple[Acting, Acting, Acting]
_MEETING_SECONDS = 2


@pytest.fixture
def three(appoint: Appoint, request: pytest.FixtureRequest) -> Three:
    """Three operators of an installation in live mode."""
    third = appoint("operator", "c@example.kz")
    return (*request.getfixturevalue("two"), third)


def meet(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Two threads wait for each other after this step of a proposal. If the database lets one of
    them not through, the other goes on after a while.
    """
    barrier, step = threading.Barrier(2), getattr(proposals, name)

    def met(*given: Any, **more: Any) -> Any:
        result = step(*given, **more)
        with suppress(threading.BrokenBarrierError):
            barrier.wait(_MEETING_SECONDS)
        return result

    monkeypatch.setattr(proposals, name, met)


def post_at_once(posts: Sequence[tuple[Acting, str, dict[str, str]]]) -> list[int]:
    """The status of each answer."""

    def post(number: int) -> int:
        operator, address, fields = posts[number]
        return int(operator.client.post(address, fields).status_code)

    statuses: list[int] = in_parallel(post, len(posts))
    return statuses


def confirmations(*confirming: tuple[Acting, str]) -> list[tuple[Acting, str, dict[str, str]]]:
    """What each of these operators posts to confirm."""
    return [(who, address, signed(who, address, act="confirm")) for who, address in confirming]


def is_clean() -> bool:
    """Whether the live log takes every entry, and the rows are as stated."""
    order_all("live")
    return not AuditPending.objects.filter(refused=True).exists() and not list(verify_actors())


def test_two_operators_confirm_changes_of_each_other(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = three
    of_first, of_second = (
        draft_change(third, person.user, full_name="Another") for person in (first, second)
    )
    for address in (of_first, of_second):
        assert propose(third, address).status_code == 200
    posts = confirmations((first, of_second), (second, of_first))
    meet(monkeypatch, "_candidate")
    assert post_at_once(posts) == [200, 200]
    changed = User.objects.filter(full_name="Another")
    assert {person.pk for person in changed} == {first.user.pk, second.user.pk}
    assert is_clean()


def test_an_operator_confirms_a_lender_and_its_reviewer(
    three: Three, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In two windows. A new reviewer's row refers to the lender's, and so waits for it."""
    first, second, third = three
    new = {"email": "new@example.kz", "full_name": "New", "role": "reviewer", "lender": lender.pk}
    addresses = draft_lender(third, lender, phone=PHONE), draft_person(third, **new)
    for address in addresses:
        assert propose(third, address).status_code == 200
    posts = confirmations(*((second, address) for address in addresses))
    meet(monkeypatch, "_candidate")
    statuses = post_at_once(posts)
    assert 200 in statuses
    assert set(statuses) <= {200, 422}
    assert first.client.get(addresses[0]).status_code == 200
    assert is_clean()


def test_two_operators_confirm_one_proposal(
    three: Three, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = three
    address = draft_lender(first, lender, phone=PHONE)
    propose(first, address)
    before = AuditEntry.objects.filter(type=LENDER).count()
    posts = confirmations((second, address), (third, address))
    meet(monkeypatch, "needs_other")
    assert sorted(post_at_once(posts)) == [200, 422]
    assert stated(lender.pk)["phone"] == f"tel:{PHONE}"
    assert AuditEntry.objects.filter(type=LENDER).count() == before + 2
    assert Proposal.objects.get().ended_by_id in (second.user.pk, third.user.pk)
    assert is_clean()
