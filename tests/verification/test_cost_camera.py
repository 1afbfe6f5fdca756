"""What a verification before a camera costs: statements and log entries of each answer and each
step, by stage.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from tests.insecure_sandbox_process import SandboxProcess
from tests.statements import APART
from tests.verification.stories import camera_story as camera
from tests.verification.stories.story import Story, begin, lender
from verification import tasks
from verification.access import answers
from verification.models import AuditEntry, Verification

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.service,
    pytest.mark.usefixtures("seen_once"),
]

# As in tests/verification/test_cost.py. What one more frame costs is nothing: evidence is one
# statement a step.
COSTS = {
    "answer consent": (8, 1),
    "judge consent": (13, 2),
    "answer question": (8, 1),
    "judge question": (15, 2),
    "prepare live_capture": (12, 1),
    "answer live_capture": (8, 1),
    # With the words by which the capture is known when it comes again, and those of its looks
    # before: the log says which they are together, or one could be taken away. And with its
    # entries, by which the frames are known.
    "look live_capture": (14, 1),
    # And whose words it shares (two more if any); its receipt, and what it names.
    "judge live_capture": (17, 3),
}


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, int]]:
    """Fills with the most that a call of each name has cost."""
    found: dict[str, tuple[int, int]] = {}

    def metered(do: Callable[..., Any], word: str, case: Callable[..., str]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            row, before = (
                Verification.objects.get(pk=case(*args, **named)),
                AuditEntry.objects.count(),
            )
            with CaptureQueriesContext(connection) as asked:
                given = do(*args, **named)
            name = f"{word or row.step} {row.stage}"
            sent = sum(not APART.match(one["sql"]) for one in asked.captured_queries)
            cost = sent, AuditEntry.objects.count() - before
            found[name] = max(found.get(name, (0, 0)), cost)
            return given

        return call

    monkeypatch.setattr(tasks, "advance", metered(tasks.advance, "", lambda case: str(case)))
    answered = metered(
        answers.answer, "answer", lambda *, verification_id, **_: str(verification_id)
    )
    monkeypatch.setattr(answers, "answer", answered)
    return found


def test_a_live_capture_costs_what_is_listed(
    spent: dict[str, tuple[int, int]], sandbox: SandboxProcess, settings: Settings
) -> None:
    settings.TULGA_ROUTES = ["biometric"]
    camera.ask_at(sandbox, settings)
    camera.register(sandbox)
    story: Story = begin(lender())
    camera.agree(story)
    camera.free(story)
    camera.capture(story)
    assert story.row().status == "verified"
    assert spent == COSTS
