"""A fourth route of known stages: its entry, its name in the settings, and a profile that counts
it.

Its line in the table of releases besides, which `test_releases.py` prints. That each story here was
lawful by it is asked at its end, as of every story.
"""

from datetime import date

import pytest
from pytest_django import Settings

from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.checks_on_record import passed
from tests.verification.stages.person.told import codes, other_than
from tests.verification.stories import camera_story
from tests.verification.stories.conftest import Issued
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.story import Story, begin, lender
from verification import routes
from verification.core import profiles
from verification.core.profiles import Profile, Status
from verification.core.route import Route
from verification.stages import code, statement
from verification.stages.code.checks import CHECKS as CODE
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.stages.statement.checks import CHECKS as STATEMENT
from verification.worker.replay import Verdict, replay

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.service,
    pytest.mark.usefixtures("seen_once"),
]

# Who signed is known by the signature, so no register of phones is asked: there is no consent to
# ask one.
SIGNED_CODE = Route(
    name="signed_code",
    title="EDS and a code",
    label="Signature and code",
    explanation="Your own key, then a code by SMS.",
    stages=(
        statement.STAGE,
        code.STAGE.differing(
            checks={name: check for name, check in CODE.items() if name != "code.owner"}
        ),
    ),
)
PROFILE = Profile(
    id="TEST-1",
    status=Status.IN_FORCE,
    since=date(2026, 1, 1),
    combinations=(("signed_code",),),
    replaced_max=0,
    source="no law: a test of ours",
)


@pytest.fixture(autouse=True)
def _fourth(
    trusted: type[InsecureRevocation],
    sandbox: SandboxProcess,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(routes.ROUTES, "signed_code", SIGNED_CODE)
    monkeypatch.setitem(profiles.PROFILES, PROFILE.id, PROFILE)
    settings.TULGA_ROUTES = ["signed_code"]
    for_signatures = dict(settings.TULGA_SOURCES["test"])
    camera_story.ask_at(sandbox, settings)
    settings.TULGA_SOURCES = {"test": for_signatures | settings.TULGA_SOURCES["test"], "live": {}}


def at_the_code(issued: Issued) -> Story:
    story = begin(lender(), profile=PROFILE.id)
    story.answer(agreed=True, version=CURRENT, language="ru")
    story.work()
    assert story.page().page == "statement"
    story.sign(issued())
    story.work()
    story.answer(somebody_tells_me=False)
    story.work()
    assert (story.page().page, story.page().step, story.page().steps) == ("code", 4, 4)
    return story


def test_a_signature_and_a_code_verify_end_to_end_and_are_judged_the_same_again(
    issued: Issued, sandbox: SandboxProcess
) -> None:
    story = at_the_code(issued)
    story.answer(code=codes(sandbox)[-1])
    story.work()
    row = story.row()
    assert (row.status, row.passed_routes) == ("verified", ["signed_code"])
    assert passed(verification=story.id) == {
        "consent.agreed",
        "question.free",
        "code.sent",
        "code.guess",
        *STATEMENT,
    }
    assert {one.verdict for one in replay(verification_id=story.id)} == {Verdict.SAME}


def test_its_code_alone_is_not_enough(issued: Issued, sandbox: SandboxProcess) -> None:
    story = at_the_code(issued)
    for _ in range(5):
        story.answer(code=other_than(codes(sandbox)[-1]))
        story.work()
    assert (story.row().status, story.row().code) == ("declined", "attempts_exhausted")
