"""Loans whose money waits, and borrowers who consent to it anew: what the tests of the cooling-off
play.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from config.settings import TULGA_SANDBOX_URL, TULGA_SOURCES
from insecure_sandbox.authority import Authority
from lenders.models import Lender
from tests import registered
from tests.insecure_sandbox_process import SandboxProcess
from tests.lenders.api.clearing import ASK, PAID, READ
from tests.lenders.samples import Caller
from tests.lenders.shapes import hold
from tests.responses import Response
from tests.scenes import IS_OVER, Given, staged
from tests.verification.stages.person.told import codes, tell
from tests.verification.stories.conftest import Issued, crl_of
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.story import BORN, Story, begin, wait_until
from verification import clock
from verification.core import profiles
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.stages.confirmation.policy import RENEWAL

DAY = timedelta(hours=24)
OVER_MCI = 50
"""Two loans of the story are more, one is less."""
_told: dict[str, str] = {}
_ASKED = ("person_registry", "phone_registry", "consent", "sms")


def law(over_mci: int = OVER_MCI) -> profiles.Profile:
    """A law that makes the money wait, and asks for nothing else."""
    own = profiles.get("KZ-2021-04")
    return replace(own, id="KZ-TEST", cooling_off_over_mci=over_mci, cooling_off_hours=24)


def go_by(lender: Lender, monkeypatch: pytest.MonkeyPatch, over_mci: int) -> None:
    """The lender goes by that law from now on."""
    own = law(over_mci)
    monkeypatch.setitem(profiles.PROFILES, own.id, own)
    lender.test_calendar = profiles.calendar_of(own.id)
    registered.saved(lender)


def ask_at(sandbox: SandboxProcess, settings: Settings) -> None:
    """Registers, consents and messages are those of this sandbox, and the route that asks them is
    installed.
    """
    settings.TULGA_ROUTES = ["eds", "renewal"]
    test: dict[str, Any] = TULGA_SOURCES["test"]
    moved = {
        name: {
            "adapter": test[name]["adapter"],
            "options": {
                "url": str(test[name]["options"]["url"]).replace(TULGA_SANDBOX_URL, sandbox.url),
                "seconds": 6,
            },
        }
        for name in _ASKED
    }
    settings.TULGA_SOURCES = settings.TULGA_SOURCES | {
        "test": settings.TULGA_SOURCES["test"] | moved
    }


def _staged(name: str, play: Callable[[], Given], *, seconds: float | None = None) -> Given:
    """A scene of the law that these tests go by."""
    return staged(f"{name} {profiles.PROFILES.get('KZ-TEST')}", play, seconds=seconds)


def verified(lender: Lender, issued: Issued, iin: str, reference: str = "A-1") -> Story:
    """A verification of this person that is told to be verified."""

    def play() -> Story:
        story = begin(lender, reference, iin=iin, profile="KZ-2021-04").to_statement()
        story.sign_to_end(issued(iin=iin))
        return story

    return _staged(f"verified {lender.pk} {iin} {reference}", play, seconds=IS_OVER)


def report(api: Caller, story: Story, *, at: datetime | None = None, **more: str) -> Response:
    """The lender says that the contract was signed, just now or at this time."""
    signed_at = (at or clock.now()).isoformat()
    body = {"signed_at": signed_at, "contract_sha256": PAID["contract_sha256"], **more}
    return api.post(f"/v1/verifications/{story.id}/contract", body)


def link(api: Caller, story: Story) -> Response:
    """The lender asks for a link."""
    return api.post(f"/v1/verifications/{story.id}/link")


def asked_anew(api: Caller, story: Story) -> Story:
    """The new consent that a link leads to."""

    def play() -> Story:
        answer = hold(link(api, story), "/v1/verifications/{verification_id}/link", "post")
        return Story(story.lender, answer["renewal"], answer["url"].partition("#")[2])

    return _staged(f"asked anew {story.id}", play)


def to_renewal(story: Story) -> Story:
    """Its borrower has consented to the check."""
    return _staged(f"to renewal {story.id}", lambda: _to_renewal(story))


def _to_renewal(story: Story) -> Story:
    story.reply(agreed=True, version=CURRENT, language="ru")
    assert story.page().page == "renewal"
    return story


def agree(story: Story, *, agreed: bool = True) -> None:
    """The borrower says whether they want the money."""
    story.reply(agreed=agreed, version=RENEWAL.current, language="kk")


def consent(story: Story, sandbox: SandboxProcess) -> None:
    """The borrower agrees, by document and code."""

    def play() -> None:
        to_question(story).answer(somebody_tells_me=False)
        story.work()
        story.reply(code=codes(sandbox)[-1])

    _staged(f"consent {story.id}", play, seconds=IS_OVER)


def to_question(story: Story) -> Story:
    """Its borrower wants the money, and is asked whether somebody tells them what to press."""
    return _staged(f"to question {story.id}", lambda: _to_question(to_renewal(story)))


def _to_question(story: Story) -> Story:
    agree(story)
    story.reply(document_number="012345678", **BORN)
    return story


def gate(api: Caller, story: Story) -> tuple[str, str | None]:
    """A clearance's status and code once its gates are evaluated."""
    return waiting(api, story)[:2]


def waiting(api: Caller, story: Story) -> tuple[str, str | None, str]:
    """The same, and until when the money waits; empty where it does not."""
    asked = hold(
        api.post(f"/v1/verifications/{story.id}/clearances", {"contract_sha256": "c" * 64}),
        ASK,
        "post",
    )
    story.work()
    told = hold(api.get(f"/v1/clearances/{asked['id']}"), READ, "get")
    waits = next(
        (one["release_not_before"] for one in told["gates"] if one["name"] == "cooling_off"), None
    )
    return told["status"], told["code"], waits or ""


@pytest.fixture(autouse=True)
def half_a_day_ago(
    trusted: type[InsecureRevocation],
    authorities: dict[str, Authority],
    lender: Lender,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A consent of the sandbox, whose clock stays as it is, holds for a day of its own."""
    clock._state.offset -= DAY / 2
    trusted.lists = {
        family: (crl_of(authority, age=1),) for family, authority in authorities.items()
    }
    go_by(lender, monkeypatch, 30)


@pytest.fixture
def asked(trusted: object, sandbox: SandboxProcess, settings: Settings) -> SandboxProcess:
    """Whom the product asks."""
    ask_at(sandbox, settings)
    return sandbox


@pytest.fixture
def iin(asked: SandboxProcess) -> str:
    """A person whom the registers know."""
    if asked.url not in _told:
        _told[asked.url] = tell(asked)
    return _told[asked.url]


@pytest.fixture
def story(lender: Lender, issued: Issued, iin: str) -> Story:
    """Their verification."""
    return verified(lender, issued, iin)


@pytest.fixture
def waited(api: Caller, story: Story) -> Story:
    """Its contract is reported, a clearance was refused, and the wait is over."""

    def play() -> Story:
        assert report(api, story).status_code == 200
        assert gate(api, story) == ("refused", "cooling_off")
        wait_until(clock.now() + DAY)
        return story

    return _staged(f"waited {story.id}", play, seconds=IS_OVER)
