"""People, lenders and borrowers of one played scene, and the doors that each of them comes by."""

import time
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.test import Client
from django_otp.oath import TOTP

from lenders import endpoints, keys
from lenders.models import ApiKey, Lender, WebhookEndpoint
from people import register, sessions
from people.enrolment import enrol
from people.models import SecondFactor, User
from people.policy import CODE_DIGITS, CODE_SECONDS
from tests import registered
from tests.lenders.api.clearing import CONTRACT
from tests.lenders.log_of_lenders import pump
from tests.lenders.samples import Caller
from tests.verification.log.rows import order_all
from tests.verification.oversight.rows import signed_in
from tests.verification.stories.insecure_glance import glanced
from tests.verification.stories.reviewers import with_two
from tests.verification.stories.story import Story, begin
from verification import transactions
from verification.access.answers import choose_route
from verification.borrower.browsers import SESSION
from verification.models import Attempt
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

PASSWORD = "сегіз-бұлт-теңіз-7"
HOOK, RIVALS_HOOK = "https://hook.example/a", "https://hook.example/b"
IINS = ("990101100010", "990101100020", "900101300017", "900101300027", "900101300037")
VOTE = {"word": "pass", "reason": "the ears and the mole are the same"}


@dataclass
class Cast:
    """Who plays, by id, and what they hold: API keys' secrets, cookies, tokens."""

    lender: str = ""
    rival: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    """Of API keys by name: `full`, `narrow`, `revoked`, `rival`."""
    key_ids: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    """Ids by name: `reviewer`, `second`, `rivals`, `operator`, `regulator`, `closed`."""
    cookies: dict[str, str] = field(default_factory=dict)
    """Of sessions by the same names, and of borrowers: `borrower`, `before`."""
    stories: dict[str, Story] = field(default_factory=dict)
    """`verified`, `review`, `linked`, `at_work`, `rivals`."""
    codes: dict[str, bytes] = field(default_factory=dict)
    """Keys of people's authenticator apps, by the same names."""
    clearance: str = ""
    endpoints: dict[str, str] = field(default_factory=dict)

    def api(self, name: str = "full", *, address: str = "203.0.113.5") -> Caller:
        """A server that holds this key."""
        return Caller(self.secrets[name], address=address)

    def of_person(self, name: str) -> Client:
        """The browser of somebody who has signed in."""
        client = Client(raise_request_exception=False)
        client.cookies[settings.SESSION_COOKIE_NAME] = self.cookies[name]
        return client

    def borrower(self, token: str = "") -> Client:
        """A borrower's browser, by default that of `at_work`."""
        client = Client(raise_request_exception=False)
        client.cookies[SESSION] = token or self.cookies["borrower"]
        return client

    def consent(self) -> dict[str, Any]:
        """The form of the consent that the borrower is asked for, filled in."""
        asked = Attempt.objects.filter(verification_id=self.stories["at_work"].id).latest("turn")
        return {"turn": asked.turn, "agreed": "true", "version": CURRENT, "language": "ru"}

    def person(self, name: str) -> User:
        """A person's row."""
        return User.objects.get(pk=self.people[name])

    def factor(self, name: str) -> SecondFactor:
        """The row of a person's second factor."""
        factor: SecondFactor = SecondFactor.objects.get(user=self.people[name])
        return factor

    def key(self, name: str = "full") -> ApiKey:
        """The row of an API key."""
        return ApiKey.objects.get(pk=self.key_ids[name])

    def row_of_lender(self, name: str = "lender") -> Lender:
        """The row of `lender` or `rival`."""
        return Lender.objects.get(pk=getattr(self, name))

    def endpoint(self, name: str = "lender") -> WebhookEndpoint:
        """The row of an endpoint of `lender` or `rival`."""
        return WebhookEndpoint.objects.get(pk=self.endpoints[name])


def play() -> Cast:
    """Plays it, in test mode, with the routes of `insecure_glance`."""
    cast = Cast()
    of, rival = (
        with_two(registered.lender(name=name, bin=number, phone=phone, return_urls=[back]))
        for name, number, phone, back in (
            ("Ақша LLP", "180440012349", "+77270000044", "https://lender.example/back"),
            ("Rival LLP", "180440012350", "+77270000055", "https://rival.example/back"),
        )
    )
    cast.lender, cast.rival = of.pk, rival.pk
    _keys(cast, of, rival)
    for name, owner, url in (("lender", of, HOOK), ("rival", rival, RIVALS_HOOK)):
        cast.endpoints[name] = endpoints.create(owner, mode="test", url=url, events=())[0].pk
    _people(cast, of, rival)
    old = {"profile": "KZ-2021-04"}
    cast.stories = {
        "verified": glanced("clear", "clear", of=of, reference="V-1", iin=IINS[0], **old),
        "review": glanced("clear", "grey", of=of, reference="R-1", iin=IINS[1], **old),
        "linked": begin(of, "L-1", iin=IINS[2]),
        "at_work": begin(of, "W-1", iin=IINS[3]),
        "rivals": begin(rival, "A-1", iin=IINS[4]),
    }
    choose_route(verification_id=cast.stories["at_work"].id, route="eds")
    assert cast.stories["verified"].row().status == "verified"
    assert cast.stories["review"].row().status == "in_review"
    _borrower(cast)
    order_all()
    story = cast.stories["verified"]
    asked = cast.api().post(
        f"/v1/verifications/{story.id}/clearances", {"contract_sha256": CONTRACT}
    )
    cast.clearance = asked.json()["id"]
    story.work()
    order_all()
    assert pump() > 0
    return cast


def _keys(cast: Cast, of: Lender, rival: Lender) -> None:
    narrow: dict[str, Any] = {"scopes": ["verifications:read"], "cidrs": ["203.0.113.0/24"]}
    for name, owner, limits in (
        ("full", of, {}),
        ("narrow", of, narrow),
        ("revoked", of, {}),
        ("rival", rival, {}),
    ):
        issued = keys.issue(owner, mode="test", **limits)
        cast.secrets[name], cast.key_ids[name] = issued.secret, issued.key.pk
        if name == "revoked":
            keys.revoke(issued.key)


def _people(cast: Cast, of: Lender, rival: Lender) -> None:
    for name, role, owner in (
        ("reviewer", "reviewer", of),
        ("second", "reviewer", of),
        ("rivals", "reviewer", rival),
        ("operator", "operator", None),
        ("regulator", "regulator", None),
        ("closed", "reviewer", of),
    ):
        user, credentials = enrol(
            email=f"{name}@example.kz",
            full_name=f"Somebody {name}",
            role=role,
            lender=owner,
            password=PASSWORD,
        )
        cast.people[name], cast.codes[name] = user.pk, credentials.factor.key()
        client = signed_in(user, both_factors=False)
        session = client.session
        sessions.begin(session)
        session["otp_device_id"] = SecondFactor.objects.get(user=user).persistent_id
        session.save()
        cast.cookies[name] = client.cookies[settings.SESSION_COOKIE_NAME].value
    closed = User.objects.get(pk=cast.people["closed"])
    closed.is_active = False
    kept(closed)


def code_of(key: bytes) -> str:
    """The code that an app with this key shows now."""
    totp = TOTP(key, CODE_SECONDS, digits=CODE_DIGITS)
    totp.time = time.time()
    return str(totp.token()).zfill(CODE_DIGITS)


def kept(person: User) -> None:
    """Saves a changed person, on record."""
    with transactions.writing():
        person.save()
        register.keep(person)


def _borrower(cast: Cast) -> None:
    """Opens the link twice, on two devices: the first session ends."""
    story = cast.stories["at_work"]
    for name in ("before", "borrower"):
        client = Client()
        assert client.post("/v/", {"token": story.token}).status_code == 302
        cast.cookies[name] = client.cookies[SESSION].value
        if name == "before":
            minted = cast.api().post(f"/v1/verifications/{story.id}/link", {}).json()
            story = Story(story.lender, story.id, minted["url"].partition("#")[2])


__all__ = ("Cast", "play")
