"""SQL of the application's role changes rows, somebody acts over HTTP, and the rows are put back.

No deed is silent: it is refused or changes nothing, or `audit_verify` names it.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.db.models import Model
from django.test import Client
from pytest_django import Settings

from lenders import sender
from lenders.models import Delivery, IdempotentRequest
from people.enrolment import current_code
from people.models import SecondFactor, SignInTries
from tests.lenders.api.clearing import PAID
from tests.lenders.api.insecure_payout import InsecurePayout, in_memory
from tests.lenders.samples import Caller, opening
from tests.scenes import staged
from tests.tampering import cast as casts
from tests.tampering import reader
from tests.tampering.cast import PASSWORD, VOTE, Cast
from tests.verification.stories.insecure_glance import glances as glances
from verification import clock
from verification.access import hand_over
from verification.core import profiles
from verification.core.ids import HAND_OVER, LINK, SESSION, secret_digest
from verification.models import (
    Access,
    Attempt,
    AuditEntry,
    Clearance,
    EvidenceItem,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("glances")]

Change = Callable[[Cast], Any]
"""A context: rows are changed on entering, and put back on leaving."""
Act = Callable[[Cast], object]
TOKEN = "a-token-of-the-thiefs"
STRANGER = "+77019999999"
SIGN_IN = "/people/sign-in/"


# What SQL does.


@contextmanager
def changed(*rows: Model, **columns: Any) -> Iterator[None]:
    """The rows have these values, and then their former ones again."""
    model = type(rows[0])
    before = {row.pk: model._default_manager.filter(pk=row.pk).values(*columns) for row in rows}
    former = {pk: query.get() for pk, query in before.items()}
    model._default_manager.filter(pk__in=former).update(**columns)
    try:
        yield
    finally:
        for pk, values in former.items():
            model._default_manager.filter(pk=pk).update(**values)


@contextmanager
def swapped(one: Model, other: Model, *columns: str) -> Iterator[None]:
    """Two rows have each other's values."""
    with (
        changed(one, **{name: getattr(other, name) for name in columns}),
        changed(other, **{name: getattr(one, name) for name in columns}),
    ):
        yield


@contextmanager
def inserted(*rows: Model) -> Iterator[None]:
    """The rows are there, and then not any more."""
    for row in rows:
        row.save_base(raw=True, force_insert=True)
    try:
        yield
    finally:
        for row in reversed(rows):
            type(row)._default_manager.filter(pk=row.pk).delete()


@contextmanager
def deleted(*rows: Model) -> Iterator[None]:
    """The rows are not there, and then again."""
    for row in rows:
        type(row)._default_manager.filter(pk=row.pk).delete()
    try:
        yield
    finally:
        for row in rows:
            row.save_base(raw=True, force_insert=True)


@contextmanager
def later(seconds: float) -> Iterator[None]:
    """So many seconds pass before the act."""
    clock._state.offset += timedelta(seconds=seconds)
    try:
        yield
    finally:
        clock._state.offset -= timedelta(seconds=seconds)


@contextmanager
def together(*contexts: Any) -> Iterator[None]:
    """One after another, and back in the opposite order."""
    with ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context)
        yield


def copied(row: Model, **columns: Any) -> Any:
    """A row like this one but for these values, not saved."""
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return type(row)(**values | columns)


# What then is done, over HTTP or by a sender. Each gives what a reader of the answer would see.


def answer(response: Any) -> tuple[int, str]:
    """The status, and the code of a problem or the place of a redirect."""
    where = response.headers.get("Location", "").partition("?")[0]
    is_json = response.headers["Content-Type"].endswith("json")
    return response.status_code, where or (
        str(response.json().get("code") or "") if is_json else ""
    )


def sees(response: Any, *words: str) -> tuple[int, tuple[str, ...]]:
    """The status, and which of these words the answer shows."""
    shown = response.content.decode()
    return response.status_code, tuple(word for word in words if word in shown)


def opens(key: str = "full", *, address: str = "203.0.113.5") -> Act:
    return lambda cast: answer(
        cast.api(key, address=address).post("/v1/verifications", opening(client_reference="N-1"))
    )


def reads(path: str, key: str = "full", *, address: str = "203.0.113.5") -> Act:
    return lambda cast: answer(cast.api(key, address=address).get(path))


def enters(name: str, path: str) -> Act:
    return lambda cast: answer(cast.of_person(name).get(path))


def votes(name: str) -> Act:
    def vote(cast: Cast) -> object:
        address = f"/review/cases/{cast.stories['review'].id}/vote"
        return answer(cast.of_person(name).post(address, VOTE))

    return vote


def signs_in(name: str, *, factor_of: str = "") -> Act:
    """With the password that all know here, and the code of this person's app."""

    def sign_in(cast: Cast) -> object:
        code = current_code(cast.factor(factor_of or name))
        return _signed_in(cast.person(name).email, code)

    return sign_in


def _signed_in(email: str, code: str, *, password: str = PASSWORD) -> object:
    return answer(Client().post(SIGN_IN, {"email": email, "password": password, "code": code}))


def consumes(*, key: str = "full", **other: str) -> Act:
    def consume(cast: Cast) -> object:
        address = f"/v1/clearances/{cast.clearance}/consume"
        return answer(cast.api(key).post(address, {**PAID, **other}))

    return consume


def borrows(token: str = "", *, cookie: str = "") -> Act:
    def visit(cast: Cast) -> object:
        client = cast.borrower(token or cast.cookies[cookie or "borrower"])
        return answer(client.get("/v/now/"))

    return visit


def redeems(token: str = "", *, story: str = "at_work") -> Act:
    return lambda cast: answer(Client().post("/v/", {"token": token or cast.stories[story].token}))


def sends(cast: Cast) -> object:
    """The addresses to which a sender would post now."""
    taken, _ = sender.Rounds().work([], room=99, failing_room=99)
    return sorted({delivery.endpoint.url for delivery in taken})


# Who is changed.


def person(name: str, **columns: Any) -> Change:
    return lambda cast: changed(cast.person(name), **columns)


def key(name: str = "full", **columns: Any) -> Change:
    return lambda cast: changed(cast.key(name), **columns)


def of_lender(**columns: Any) -> Change:
    return lambda cast: changed(cast.row_of_lender(), **columns)


def case(name: str, **columns: Any) -> Change:
    return lambda cast: changed(cast.stories[name].row(), **columns)


def clearance(**columns: Any) -> Change:
    return lambda cast: changed(_clearance(cast), **columns)


def hook(**columns: Any) -> Change:
    return lambda cast: changed(cast.endpoint(), **columns)


def _clearance(cast: Cast) -> Clearance:
    return Clearance.objects.get(pk=cast.clearance)


def _session_row(cast: Cast, name: str) -> Session:
    digest = sha256(cast.cookies[name].encode()).hexdigest()[:40]
    return Session.objects.get(session_key=digest)


def _access(kind: str, token: str) -> Access:
    return Access.objects.get(kind=kind, digest=secret_digest(token))


def _factors_swapped(cast: Cast) -> Any:
    return swapped(cast.factor("reviewer"), cast.factor("second"), "sealed_key")


def _factor_copied(cast: Cast) -> Any:
    return changed(cast.factor("regulator"), sealed_key=bytes(cast.factor("operator").sealed_key))


def _factor_moved(cast: Cast) -> Any:
    """The regulator's is away, and the operator's stands under the regulator's name."""
    theirs = cast.factor("regulator")
    mine = cast.factor("operator")
    return together(deleted(theirs), changed(mine, user_id=cast.people["regulator"]))


def _person_inserted(cast: Cast) -> Any:
    like = cast.person("reviewer")
    row = copied(like, id="usr_thief", email="thief@example.kz", password=make_password(PASSWORD))
    factor = copied(cast.factor("reviewer"), id=9_999, user_id=row.pk)
    return inserted(row, factor)


def _session_of(victim: str, thief: str) -> Change:
    def change(cast: Cast) -> Any:
        data = _session_row(cast, victim).session_data
        return changed(_session_row(cast, thief), session_data=data)

    return change


def _session_rekeyed(cast: Cast) -> Any:
    digest = sha256(TOKEN.encode()).hexdigest()[:40]
    return inserted(copied(_session_row(cast, "reviewer"), session_key=digest))


def _session_kept_alive(cast: Cast) -> Any:
    row = _session_row(cast, "reviewer")
    return together(changed(row, expire_date=clock.now() + timedelta(days=99)), later(9 * 3600))


def _with_cookie(cookie: str, path: str) -> object:
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = cookie
    return answer(client.get(path))


def _tries_reset(cast: Cast) -> object:
    """Twelve guesses, and after each the counters are as if there had been none."""
    seen = set()
    for guess in range(12):
        seen.add(_signed_in(cast.person("regulator").email, f"{guess:06}"))
        SignInTries.objects.all().delete()
        SecondFactor.objects.update(
            throttling_failure_count=0, throttling_failure_timestamp=None, last_step=-1
        )
    return seen


def _in_review(cast: Cast) -> Any:
    story = cast.stories["at_work"]
    asked = Attempt.objects.get(verification_id=story.id, status="open")
    of_case = {"status": "in_review", "in_review_since": clock.now(), "code": "face_review"}
    return together(
        changed(story.row(), **of_case), changed(asked, status="review", code="face_review")
    )


def _votes_at_work(cast: Cast) -> object:
    address = f"/review/cases/{cast.stories['at_work'].id}/vote"
    return answer(cast.of_person("reviewer").post(address, VOTE))


def _case_moved(cast: Cast) -> Any:
    row = cast.stories["review"].row()
    attempts = Attempt.objects.filter(verification=row)
    return together(changed(row, lender_id=cast.rival), changed(*attempts, lender_id=cast.rival))


def _picture_of_another(cast: Cast) -> Any:
    """A picture of the verified case stands as one of the case in review."""
    theirs = _picture(cast, "verified")
    ours = _picture(cast, "review")
    place = {"attempt_id": ours.attempt_id, "verification_id": ours.verification_id}
    return together(deleted(ours), changed(theirs, **place))


def _picture(cast: Cast, name: str) -> EvidenceItem:
    return EvidenceItem.objects.filter(
        verification_id=cast.stories[name].id, kind="nod.photo"
    ).latest("created_at")


def _sees_picture(cast: Cast) -> object:
    story = cast.stories["review"]
    address = f"/review/cases/{story.id}/pictures/{_picture(cast, 'review').pk}"
    return cast.of_person("reviewer").get(address).status_code


def _key_inserted(cast: Cast) -> Any:
    digest = sha256(b"tlg_test_thief").hexdigest()
    return inserted(copied(cast.key(), id="key_thief", sha256=digest))


def _with_key(secret: str, path: str) -> object:
    return answer(Caller(secret).get(path))


def _lender_inserted(cast: Cast) -> Any:
    row = copied(cast.row_of_lender(), id="len_thief", name="Thief LLP", bin="180440012359")
    digest = sha256(b"tlg_test_thief").hexdigest()
    return inserted(row, copied(cast.key(), id="key_thief", lender_id=row.pk, sha256=digest))


def _revived_key(cast: Cast) -> Any:
    return changed(cast.key("revoked"), revoked_at=None)


def _key_of_rival(cast: Cast) -> Any:
    return changed(cast.key("rival"), lender_id=cast.lender)


def _hashes_swapped(cast: Cast) -> Any:
    mine, theirs = cast.key("rival"), cast.key()
    return together(changed(mine, sha256="0" * 64), changed(theirs, sha256=mine.sha256))


def _delivery_moved(cast: Cast) -> Any:
    theirs = Delivery.objects.filter(lender_id=cast.lender)
    rest = Delivery.objects.exclude(lender_id=cast.lender)
    return together(
        changed(*theirs, endpoint_id=cast.endpoints["rival"]), changed(*rest, status="delivered")
    )


def _deliveries(**columns: Any) -> Change:
    def change(cast: Cast) -> Any:
        rest = Delivery.objects.filter(lender_id=cast.rival)
        mine = Delivery.objects.filter(lender_id=cast.lender)
        return together(changed(*rest, status="delivered"), changed(*mine, **columns))

    return change


def _alone(change: Change) -> Change:
    """Only the lender's own messages are due."""

    def alone(cast: Cast) -> Any:
        rest = Delivery.objects.filter(lender_id=cast.rival)
        return together(changed(*rest, status="delivered"), change(cast))

    return alone


def _hook_of_rival(*columns: str) -> Change:
    def change(cast: Cast) -> Any:
        other = cast.endpoint("rival")
        return changed(cast.endpoint(), **{name: getattr(other, name) for name in columns})

    return _alone(change)


def _way_in(kind: str, token: str = TOKEN, story: str = "at_work", **columns: Any) -> Change:
    """A row of an access whose secret the thief knows."""

    def change(cast: Cast) -> Any:
        row = Access(kind=kind, digest=secret_digest(token), created_at=clock.now(), **columns)
        row.verification_id = cast.stories[story].id
        return inserted(row)

    return change


def _session_inserted(cast: Cast) -> Any:
    """The borrower's own ends, for a case has one."""
    own = changed(_access(SESSION, cast.cookies["borrower"]), spent_at=clock.now())
    return together(own, _way_in(SESSION)(cast))


def _session_named_anew(cast: Cast) -> Any:
    row = _access(SESSION, cast.cookies["borrower"])
    return changed(row, digest=secret_digest(TOKEN))


def _session_moved(cast: Cast) -> Any:
    row = _access(SESSION, cast.cookies["borrower"])
    return changed(row, verification_id=cast.stories["review"].id)


def _session_before(cast: Cast) -> Any:
    now = _access(SESSION, cast.cookies["borrower"])
    before = _access(SESSION, cast.cookies["before"])
    return together(changed(now, spent_at=clock.now()), changed(before, spent_at=None))


def _link_unspent(cast: Cast) -> Any:
    row = _access(LINK, cast.stories["at_work"].token)
    until = clock.now() + timedelta(days=1)
    return changed(row, spent_at=None, expires_at=until)


def _link_lasts(cast: Cast) -> Any:
    row = _access(LINK, cast.stories["linked"].token)
    return together(changed(row, expires_at=clock.now() + timedelta(days=9)), later(7200))


def _scanned(cast: Cast) -> Access:
    """A phone of the thief's has scanned the borrower's code."""
    code = hand_over.mint(untrusted_session=cast.cookies["borrower"]).token
    phone = hand_over.read(untrusted_code=code, untrusted_agent="Chrome on Android")
    return Access.objects.get(kind=HAND_OVER, second_digest=secret_digest(phone))


def _phone_numbered(cast: Cast) -> Any:
    """The number that the borrower is told on the telephone, and no question is answered."""
    return changed(_scanned(cast), number="7777")


def _phone_answered(cast: Cast) -> Any:
    """The question is answered; the number becomes one of the thief's."""
    code = hand_over.mint(untrusted_session=cast.cookies["borrower"]).token
    phone = hand_over.read(untrusted_code=code, untrusted_agent="Chrome on Android")
    hand_over.reply(untrusted_phone=phone, is_told=False)
    row = Access.objects.get(kind=HAND_OVER, second_digest=secret_digest(phone))
    return changed(row, number="7777")


def _phone_of_thief(cast: Cast) -> Any:
    return changed(_scanned(cast), second_digest=secret_digest(TOKEN))


def _matches(number: str) -> Act:
    def match(cast: Cast) -> object:
        cast.borrower().post("/v/now/elsewhere/number/", {"number": number})
        return AuditEntry.objects.filter(type="verification.handed_over").count()

    return match


def _phone_page(cast: Cast) -> object:
    client = Client()
    client.cookies["tulga_phone"] = TOKEN
    return answer(client.get("/v/phone/now/"))


def _peeks(*words: str, story: str = "linked") -> Act:
    return lambda cast: sees(
        Client().post("/v/peek/", {"token": cast.stories[story].token}), *words
    )


def _shows(path: str, *words: str) -> Act:
    return lambda cast: sees(Client(headers={"accept-language": "en"}).get(path), *words)


def _consent_shows(*words: str) -> Act:
    return lambda cast: sees(cast.borrower().get("/v/now/"), *words)


def _told(name: str, *fields: str, key: str = "full") -> Act:
    def read(cast: Cast) -> object:
        response = cast.api(key).get(f"/v1/verifications/{cast.stories[name].id}")
        told = response.json()
        return response.status_code, *(told.get(field) for field in fields)

    return read


def _found_by_reference(cast: Cast) -> object:
    found = cast.api().get("/v1/verifications", client_reference="L-1").json()["data"]
    return [(each["client_reference"], each["status"]) for each in found]


def _references_swapped(cast: Cast) -> Any:
    one, other = cast.stories["linked"].row(), cast.stories["verified"].row()
    return together(
        changed(one, client_reference="?"),
        changed(other, client_reference="L-1"),
        changed(one, client_reference="V-1"),
    )


def _reads_clearance(*fields: str) -> Act:
    def read(cast: Cast) -> object:
        response = cast.api().get(f"/v1/clearances/{cast.clearance}")
        return response.status_code, *(response.json().get(field) for field in fields)

    return read


def _asked_once(cast: Cast) -> IdempotentRequest:
    sent = cast.api().post("/v1/verifications", opening(client_reference="I-1"), key="once")
    assert sent.status_code == 201
    return IdempotentRequest.objects.get()


def _repeats(reference: str = "I-1", *, idempotency_key: str = "once", key: str = "full") -> Act:
    return lambda cast: answer(
        cast.api(key).post(
            "/v1/verifications", opening(client_reference=reference), key=idempotency_key
        )
    )


def _spent(cast: Cast) -> Any:
    """The clearance is consumed, and then its rows say that it is not."""
    assert consumes()(cast) == (200, "")
    return changed(_clearance(cast), status="issued", consumed_at=None, amount_tiyn=None)


def _consents(cast: Cast, token: str = TOKEN) -> object:
    """How many answers came on record."""
    answered = AuditEntry.objects.filter(type="attempt.answered")
    before = answered.count()
    cast.borrower(token).post("/v/now/", cast.consent())
    return answered.count() - before


def _votes_anew(cast: Cast) -> object:
    """In a session of this hour."""
    client = Client()
    fields = {"password": PASSWORD, "code": casts.code_of(cast.codes["reviewer"])}
    signed = client.post(SIGN_IN, {"email": cast.person("reviewer").email, **fields})
    assert answer(signed) == IN
    return answer(client.post(f"/review/cases/{cast.stories['review'].id}/vote", VOTE))


def _review_renewed(cast: Cast) -> list[Any]:
    until = clock.now() + timedelta(hours=29)
    return [changed(cast.stories["review"].row(), in_review_since=until)]


def _question_lasts(cast: Cast) -> Any:
    asked = Attempt.objects.filter(verification_id=cast.stories["at_work"].id).latest("turn")
    return together(later(7200), changed(asked, expires_at=clock.now() + timedelta(hours=9)))


def _answers_late(cast: Cast) -> object:
    return _consents(cast, cast.cookies["borrower"])


def _code_reopened(cast: Cast) -> Any:
    code = hand_over.mint(untrusted_session=cast.cookies["borrower"]).token
    phone = hand_over.read(untrusted_code=code, untrusted_agent="Chrome on Android")
    hand_over.reply(untrusted_phone=phone, is_told=False)
    cast.borrower().post("/v/now/elsewhere/number/", {"number": "0000"})
    row = Access.objects.get(kind=HAND_OVER, second_digest=secret_digest(phone))
    return changed(row, outcome="")


def _matches_right(cast: Cast) -> object:
    row = Access.objects.get(kind=HAND_OVER)
    return _matches(row.number)(cast)


def _endpoint_revived(cast: Cast) -> Any:
    rest = Delivery.objects.filter(lender_id=cast.rival)
    cast.api().delete(f"/v1/webhook-endpoints/{cast.endpoints['lender']}")
    mine = Delivery.objects.filter(lender_id=cast.lender)
    return together(
        changed(*rest, status="delivered"),
        changed(cast.endpoint(), deleted_at=None, disabled_at=None),
        changed(*mine, status="pending"),
    )


def _gets_link(cast: Cast) -> object:
    return answer(cast.api().post(f"/v1/verifications/{cast.stories['linked'].id}/link", {}))


# The table.


@dataclass(frozen=True)
class Deed:
    """What is changed, what is then done, and what comes of it instead of the deed's effect."""

    change: Change
    act: Act
    comes: object
    finds: tuple[str, ...] = ()
    """Codes of findings after the rows were put back."""


OUT = (302, SIGN_IN)
IN = (302, "/people/")
NOT_ON_RECORD = (500, "internal_error")
FOUND_NOWHERE = (404, "not_found")

OF_LENDER: dict[str, dict[str, Any]] = {
    "another name": {"name": "National Bank"},
    "a stranger's telephone": {"phone": STRANGER},
    "another number": {"bin": "180440012359"},
    "another law": {"test_calendar": profiles.calendar_of("KZ-2024-10")},
    "a script as return address": {"return_urls": ["javascript:alert(1)"]},
}
DEEDS: dict[str, Deed] = {
    # People.
    "an operator is made a reviewer, and votes": Deed(
        lambda cast: changed(cast.person("operator"), role="reviewer", lender_id=cast.lender),
        votes("operator"),
        OUT,
    ),
    "a regulator is made an operator": Deed(
        person("regulator", role="operator"), enters("regulator", "/admin/"), (302, "/admin/login/")
    ),
    "an operator is made a regulator": Deed(
        person("operator", role="regulator"), enters("operator", "/oversight/"), OUT
    ),
    "a rival's reviewer is moved to the lender, and votes": Deed(
        lambda cast: changed(cast.person("rivals"), lender_id=cast.lender), votes("rivals"), OUT
    ),
    "a rival's reviewer is moved to the lender, and signs in": Deed(
        lambda cast: changed(cast.person("rivals"), lender_id=cast.lender),
        signs_in("rivals", factor_of="second"),
        (422, ""),
    ),
    "a closed account is opened, and votes": Deed(
        person("closed", is_active=True), votes("closed"), OUT
    ),
    "a closed account is opened, and signs in": Deed(
        person("closed", is_active=True), signs_in("closed"), (422, "")
    ),
    "a reviewer who has a part in the case is named otherwise, and votes": Deed(
        person("reviewer", full_name="Another", email="another@example.kz"), votes("reviewer"), OUT
    ),
    "a reviewer's commitment is opened by another salt": Deed(
        person("reviewer", salt=bytes(16)), votes("reviewer"), OUT
    ),
    "a password is overwritten": Deed(
        lambda cast: changed(cast.person("regulator"), password=make_password("of-the-thief-77")),
        lambda cast: _signed_in(
            cast.person("regulator").email,
            current_code(cast.factor("operator")),
            password="of-the-thief-77",
        ),
        (422, ""),
    ),
    "a second factor is copied from another's row": Deed(
        _factor_copied,
        lambda cast: _signed_in(
            cast.person("regulator").email, casts.code_of(cast.codes["operator"])
        ),
        (422, ""),
    ),
    "a second factor's row is moved to another person": Deed(
        _factor_moved,
        lambda cast: _signed_in(
            cast.person("regulator").email, casts.code_of(cast.codes["operator"])
        ),
        (422, ""),
    ),
    "two reviewers' factors are exchanged, and one votes": Deed(
        _factors_swapped, votes("reviewer"), OUT
    ),
    "a reviewer is inserted with a factor, and signs in": Deed(
        _person_inserted,
        lambda cast: _signed_in("thief@example.kz", casts.code_of(cast.codes["reviewer"])),
        (422, ""),
    ),
    "the counts of wrong codes are reset between guesses": Deed(
        lambda cast: together(), _tries_reset, {(422, "")}
    ),
    # Sessions of people.
    "a regulator's session is copied into one's own": Deed(
        _session_of("regulator", "operator"), enters("operator", "/oversight/"), OUT
    ),
    "a reviewer's session is copied into a rival's, who votes": Deed(
        _session_of("reviewer", "rivals"), votes("rivals"), OUT
    ),
    "a session is put under a key of the thief's": Deed(
        _session_rekeyed, lambda cast: _with_cookie(TOKEN, "/review/"), OUT
    ),
    "a session is kept in its table beyond its time": Deed(
        _session_kept_alive, votes("reviewer"), OUT
    ),
    # Votes and pictures.
    "a case that waits for its borrower is put before reviewers": Deed(
        _in_review, _votes_at_work, (409, "")
    ),
    "a case is moved to a rival, whose reviewer votes": Deed(
        _case_moved, votes("rivals"), (404, "")
    ),
    "a picture of another case stands in the one in review": Deed(
        _picture_of_another, _sees_picture, 500
    ),
    "a review lasts beyond its time": Deed(
        lambda cast: together(later(30 * 3600), *_review_renewed(cast)), _votes_anew, (409, "")
    ),
    # Lenders.
    **{
        f"a lender has {word}, and opens a verification": Deed(
            of_lender(**columns), opens(), NOT_ON_RECORD
        )
        for word, columns in OF_LENDER.items()
    },
    "a stranger's telephone is shown to anybody": Deed(
        of_lender(phone=STRANGER),
        _shows("/about", STRANGER, "Ақша LLP", "Rival LLP"),
        (200, ("Rival LLP",)),
    ),
    "a lender's name is another's to anybody": Deed(
        of_lender(name="National Bank"),
        _shows("/about", "National Bank", "Rival LLP"),
        (200, ("Rival LLP",)),
    ),
    "a lender is inserted with a key, and shown to anybody": Deed(
        _lender_inserted, _shows("/about", "Thief LLP", "Rival LLP"), (200, ("Rival LLP",))
    ),
    "a lender's name is another's to who opens a link": Deed(
        of_lender(name="National Bank"),
        _peeks("National Bank", "\\u049b\\u0448\\u0430"),
        (200, ("\\u049b\\u0448\\u0430",)),
    ),
    "a link is a rival's to who opens it": Deed(
        lambda cast: changed(cast.stories["linked"].row(), lender_id=cast.rival),
        _peeks("Rival"),
        (204, ()),
    ),
    "a stranger's telephone is shown to a borrower": Deed(
        of_lender(phone=STRANGER),
        _consent_shows(STRANGER, "+77270000044"),
        (200, ("+77270000044",)),
    ),
    "a lender's name is another's to a borrower": Deed(
        of_lender(name="National Bank"),
        _consent_shows("National Bank", "Ақша LLP"),
        (200, ("Ақша LLP",)),
    ),
    # API keys.
    "a key has more scopes": Deed(
        key("narrow", scopes=["verifications:write"]), opens("narrow"), NOT_ON_RECORD
    ),
    "a key may be used from any network": Deed(
        key("narrow", cidrs=[]),
        reads("/v1/verifications", "narrow", address="192.0.2.7"),
        NOT_ON_RECORD,
    ),
    "a key that ran out lives on": Deed(
        lambda cast: together(
            changed(cast.key(), expires_at=clock.now() + timedelta(days=9_999)),
            later(999 * 86_400),
        ),
        opens(),
        NOT_ON_RECORD,
    ),
    "a revoked key lives again": Deed(_revived_key, opens("revoked"), NOT_ON_RECORD),
    "a rival's key is the lender's": Deed(
        _key_of_rival, reads("/v1/verifications", "rival"), NOT_ON_RECORD
    ),
    "a key of test mode is one of live mode": Deed(key(mode="live"), opens(), (401, "key_unknown")),
    "a key's secret is the thief's": Deed(
        key(sha256=sha256(b"tlg_test_thief").hexdigest()),
        lambda cast: _with_key("tlg_test_thief", "/v1/verifications"),
        NOT_ON_RECORD,
    ),
    "a rival's secret opens the lender's key": Deed(
        _hashes_swapped, reads("/v1/verifications", "rival"), NOT_ON_RECORD
    ),
    "a key is inserted": Deed(
        _key_inserted,
        lambda cast: _with_key("tlg_test_thief", "/v1/verifications"),
        (401, "key_unknown"),
    ),
    # Webhooks.
    "an endpoint has another address": Deed(_hook_of_rival("url"), sends, []),
    "an endpoint has another's secret": Deed(_hook_of_rival("sealed_secret"), sends, []),
    "an endpoint has another's signing key": Deed(_hook_of_rival("sealed_signing_key"), sends, []),
    "an endpoint gets other events": Deed(
        _alone(hook(events=["verification.verified"])), sends, []
    ),
    "an endpoint is a rival's": Deed(_hook_of_rival("lender_id"), sends, []),
    "messages go to a rival's endpoint": Deed(_delivery_moved, sends, []),
    "messages say something else": Deed(
        _deliveries(body=b'{"type":"verification.verified"}'), sends, []
    ),
    "messages are of live mode": Deed(_deliveries(mode="live"), sends, []),
    # Borrowers.
    "a session of a case is inserted": Deed(_session_inserted, borrows(TOKEN), (410, "")),
    "a session of a case is inserted, and consents": Deed(_session_inserted, _consents, 0),
    "a session has a token of the thief's": Deed(_session_named_anew, borrows(TOKEN), (410, "")),
    "a session is moved to another case": Deed(_session_moved, borrows(), (410, "")),
    "a session that ended goes on": Deed(_session_before, borrows(cookie="before"), (410, "")),
    "a link is inserted": Deed(
        lambda cast: _way_in(LINK, story="linked", expires_at=clock.now() + timedelta(hours=1))(
            cast
        ),
        redeems(TOKEN),
        (410, ""),
    ),
    "a spent link is unspent": Deed(_link_unspent, redeems(), (410, "")),
    "a link lasts beyond its time": Deed(_link_lasts, redeems(story="linked"), (410, "")),
    "a phone that answered nothing has a number": Deed(
        _phone_numbered, _matches("7777"), 0, finds=("case",)
    ),
    "a phone's number is one of the thief's": Deed(_phone_answered, _matches("7777"), 0),
    "a phone's token is the thief's": Deed(_phone_of_thief, _phone_page, (410, "")),
    # Money, and what lenders are told.
    "a clearance is a rival's, who consumes it": Deed(
        lambda cast: together(
            changed(_clearance(cast), lender_id=cast.rival),
            changed(cast.stories["verified"].row(), lender_id=cast.rival),
        ),
        consumes(key="rival"),
        FOUND_NOWHERE,
    ),
    "a clearance is for more": Deed(
        clearance(cap_tiyn=99_000_000), consumes(amount="900000.00"), (409, "clearance_frozen")
    ),
    "a clearance is for another contract": Deed(
        clearance(contract_sha256="d" * 64),
        consumes(contract_sha256="d" * 64),
        (409, "clearance_frozen"),
    ),
    "a clearance lasts beyond its time": Deed(
        lambda cast: together(
            changed(
                _clearance(cast),
                expires_at=clock.now() + timedelta(days=99),
                fresh_until=clock.now() + timedelta(days=99),
            ),
            later(9 * 86_400),
        ),
        consumes(),
        (409, "clearance_frozen"),
    ),
    "a clearance that was consumed is issued again": Deed(
        _spent, consumes(), (409, "clearance_frozen")
    ),
    "a clearance is told to be for more": Deed(
        clearance(cap_tiyn=99_000_000),
        _reads_clearance("status", "amount_max"),
        (200, "issued", "150000.00"),
    ),
    "a clearance is told to be consumed": Deed(
        clearance(status="consumed"), _reads_clearance("status"), (200, "issued")
    ),
    "an open case is told to be verified": Deed(
        lambda cast: changed(
            cast.stories["linked"].row(), status="verified", finished_at=clock.now()
        ),
        _told("linked", "status"),
        (200, "processing"),
    ),
    "a verified case is told under another's reference": Deed(
        _references_swapped, _found_by_reference, [("V-1", "processing")]
    ),
    "a case is a rival's, who reads it": Deed(
        lambda cast: changed(cast.stories["verified"].row(), lender_id=cast.rival),
        _told("verified", "code", key="rival"),
        (500, "internal_error"),
    ),
    "a lender's name is another's to a regulator": Deed(
        of_lender(name="National Bank"),
        lambda cast: sees(
            cast.of_person("regulator").get("/oversight/"), "National Bank", "Rival LLP"
        ),
        (200, ("Rival LLP",)),
    ),
    "a lender's name is another's in a regulator's search": Deed(
        of_lender(name="National Bank"),
        lambda cast: sees(
            cast.of_person("regulator").post(
                "/oversight/", {"mode": "test", "outcome": "verified"}
            ),
            "National Bank",
            "Ақша",
        ),
        (200, ("Ақша",)),
    ),
    "an answer to a borrower's question is late": Deed(
        lambda cast: together(_question_lasts(cast)), _answers_late, 0
    ),
    "a verification lasts beyond its time, and gets a link": Deed(
        lambda cast: together(
            later(26 * 3600),
            changed(cast.stories["linked"].row(), expires_at=clock.now() + timedelta(days=9)),
        ),
        _gets_link,
        (201, ""),
        finds=("illegal_time",),
    ),
    "a refused code is open again": Deed(_code_reopened, _matches_right, 0),
    "an erased endpoint gets messages": Deed(_endpoint_revived, sends, []),
    "a delivery is told to be delivered": Deed(_deliveries(status="delivered"), sends, []),
    # Requests that are repeated.
    "an answer stands for another request": Deed(
        lambda cast: _answer_of_another_request(cast), _repeats("I-2"), NOT_ON_RECORD
    ),
    "an answer has another status": Deed(
        lambda cast: changed(_asked_once(cast), status=200), _repeats(), NOT_ON_RECORD
    ),
    "an answer stands under another key": Deed(
        lambda cast: changed(_asked_once(cast), key_sha256=sha256(b"twice").hexdigest()),
        _repeats(idempotency_key="twice"),
        NOT_ON_RECORD,
    ),
    "an answer is a rival's": Deed(
        lambda cast: changed(_asked_once(cast), lender_id=cast.rival),
        _repeats(key="rival"),
        NOT_ON_RECORD,
    ),
}


def _answer_of_another_request(cast: Cast) -> Any:
    """The row says the hash of the request that comes next."""
    _asked_once(cast)
    cast.api().post("/v1/verifications", opening(client_reference="I-2"), key="other")
    first, second = IdempotentRequest.objects.order_by("created_at")
    wanted = second.request_sha256
    second.delete()
    return changed(first, request_sha256=wanted)


@pytest.fixture
def cast(settings: Settings) -> Cast:
    """The scene, as it was played."""
    settings.TULGA_SOURCES["test"] |= in_memory()
    InsecurePayout.reset()
    return staged("cast", casts.play, seconds=300)


@pytest.mark.parametrize("name", DEEDS)
def test_no_deed_is_silent(cast: Cast, name: str) -> None:
    deed = DEEDS[name]
    with deed.change(cast):
        comes = deed.act(cast)
    assert comes == deed.comes
    assert {finding.code for finding in reader.findings()} == set(deed.finds)


def test_there_are_more_than_forty_deeds() -> None:
    assert len(DEEDS) > 40


def test_without_a_change_the_cast_does_what_it_may(cast: Cast) -> None:
    """Or a refusal would prove nothing."""
    for name, path in (
        ("reviewer", "/review/"),
        ("rivals", "/review/"),
        ("operator", "/admin/"),
        ("regulator", "/oversight/"),
    ):
        assert enters(name, path)(cast) == (200, "")
    assert sends(cast) == sorted([casts.HOOK, casts.RIVALS_HOOK])
    assert opens()(cast) == (201, "")
    assert reads("/v1/verifications", "narrow")(cast) == (200, "")
    assert borrows()(cast) == (200, "")
    assert redeems(story="linked")(cast) == (302, "/v/now/")
    assert consumes()(cast) == (200, "")
    assert votes("reviewer")(cast) == (302, "/review/")
    signed = [_signed_in(cast.person("second").email, casts.code_of(cast.codes["second"]))]
    assert signed == [IN]
    assert list(reader.findings()) == []
