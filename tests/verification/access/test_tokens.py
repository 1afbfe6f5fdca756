"""One table of secrets: none opens the door of another kind, and each row has what its kind has."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.verification.stories.story import at_statement, begin, lender
from verification.access import hand_over, links, mobile_signing
from verification.access.tokens import LINKS
from verification.core.errors import LinkUnusable
from verification.core.ids import HAND_OVER, LINK, MOBILE_SIGNING, SESSION
from verification.models import Access, AuditEntry

pytestmark = pytest.mark.django_db(transaction=True)

DOORS: dict[str, Callable[[str], object]] = {
    "link": lambda token: links.redeem(untrusted_token=token),
    "session": lambda token: links.visit(untrusted_session=token),
    "code of a phone": lambda token: hand_over.read(untrusted_code=token, untrusted_agent=""),
    "phone": lambda token: hand_over.waiting(untrusted_phone=token),
    "code of the app": lambda token: mobile_signing.read(untrusted_code=token),
    "app": lambda token: mobile_signing.statement_page(untrusted_access=token),
}


def _each_opens_its_own_door_alone(secrets: dict[str, str]) -> None:
    before = AuditEntry.objects.count()
    for name, secret in secrets.items():
        for door in DOORS.keys() - {name}:
            with pytest.raises(LinkUnusable):
                DOORS[door](secret)
    assert AuditEntry.objects.count() == before


def test_no_secret_opens_the_door_of_another_kind() -> None:
    story = at_statement()
    session = links.redeem(untrusted_token=story.token)
    link = links.successor(untrusted_session=session).token
    phone_code = hand_over.mint(untrusted_session=session).token
    turn = story.page().turn
    app_code = mobile_signing.mint(untrusted_session=session, turn=turn).token
    _each_opens_its_own_door_alone(
        {
            "link": link,
            "session": session,
            "code of a phone": phone_code,
            "code of the app": app_code,
        }
    )
    phone = hand_over.read(untrusted_code=phone_code, untrusted_agent="")
    access = mobile_signing.read(untrusted_code=app_code).access
    _each_opens_its_own_door_alone({"phone": phone, "app": access})
    assert not hand_over.waiting(untrusted_phone=phone).has_session
    assert mobile_signing.statement_page(untrusted_access=access).turn == turn
    assert links.redeem(untrusted_token=link)


def test_of_two_that_read_a_row_before_either_used_it_one_uses_it() -> None:
    begin(lender())
    first, second = LINKS.rows.get(), LINKS.rows.get()
    LINKS.use(first, spent_at=timezone.now())
    with pytest.raises(LinkUnusable):
        LINKS.use(second, spent_at=timezone.now())


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        (LINK, {"expires_at": None}),
        (LINK, {"turn": 1}),
        (SESSION, {"spent_at": None, "expires_at": timezone.now()}),
        (HAND_OVER, {"parent": None}),
        (HAND_OVER, {"turn": 1}),
        (MOBILE_SIGNING, {"turn": None}),
        (MOBILE_SIGNING, {"expires_at": None}),
        ("other", {}),
    ],
)
def test_the_database_holds_no_row_that_does_not_fit_its_kind(
    kind: str, columns: dict[str, Any]
) -> None:
    story = begin(lender())
    links.redeem(untrusted_token=story.token)
    at, session = timezone.now(), Access.objects.get(kind=SESSION)
    is_code = kind in (HAND_OVER, MOBILE_SIGNING)
    fitting = {
        "parent": session if is_code else None,
        "turn": 1 if kind == MOBILE_SIGNING else None,
        "expires_at": None if kind == SESSION else at + timedelta(minutes=1),
        "spent_at": at,
    }
    with pytest.raises(IntegrityError, match="access_fits_its_kind"), transaction.atomic():
        Access.objects.create(
            kind=kind,
            verification_id=story.id,
            digest=bytes(32),
            created_at=at,
            **{**fitting, **columns},
        )
