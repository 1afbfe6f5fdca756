"""The command checks the people, says what happened in one line, and refuses by a sentence."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django_otp.plugins.otp_totp.models import TOTPDevice

from people.enrolment import enrol
from people.models import User
from tests.verification.stories.insecure_glance import glanced
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import lender
from verification.models import AuditEntry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("glances")]

ONE, OTHER = "one@example.kz", "other@example.kz"
REASON = "The same scar above the left eye"


def add(email, *, role="reviewer", of=None):
    return enrol(email=email, full_name="Айгүл", role=role, lender=of)[0]


@pytest.fixture
def story():
    """A case that needs only its reviewers, who exist."""
    found = glanced("clear", "grey", profile="KZ-2021-04")
    for email in (ONE, OTHER):
        add(email, of=found.lender)
    return found


def run(*arguments):
    out = StringIO()
    call_command("review", *arguments, stdout=out)
    return out.getvalue()


SAID = "the votes are recorded, and a worker decides by them"


def reviewers(*emails):
    return [word for email in emails for word in ("--reviewer", email)]


def test_two_reviewers_pass_and_are_named_in_the_log_by_id(story):
    assert (
        run(story.id, "--pass", *reviewers(ONE, OTHER), "--reason", REASON)
        == f"{story.id}: {SAID}\n"
    )
    story.work()
    assert story.row().status == "verified"
    votes = AuditEntry.objects.filter(type="review.voted").order_by("verification_sequence")
    named = [vote.body["person"] for vote in votes]
    assert named == [User.objects.get(email=email).pk for email in (ONE, OTHER)]
    assert not any("@" in str(body) for body in AuditEntry.objects.values_list("body", flat=True))


def test_the_reason_may_come_by_stdin(story, monkeypatch):
    monkeypatch.setattr("sys.stdin", StringIO(f"{REASON}\n"))
    assert run(story.id, "--fail", *reviewers(ONE), "--reason", "-") == f"{story.id}: {SAID}\n"
    story.work()
    assert story.row().status == "declined"


@pytest.mark.parametrize(
    ("emails", "says"),
    [
        ((ONE,), "reviewers_too_few: this needs 2"),
        ((ONE, ONE), "reviewer_repeated"),
        ((ONE, f" {ONE.upper()}"), "reviewer_repeated"),
        ((ONE, "unknown@example.kz"), "reviewer 2: this e-mail address is unknown"),
        (("closed@example.kz", ONE), "reviewer 1: this account is closed"),
        ((ONE, "regulator@example.kz"), "reviewer 2: this person may not review"),
        ((ONE, "operator@example.kz"), "reviewer 2: this person may not review"),
        ((ONE, "bare@example.kz"), "reviewer 2: this person has no second factor"),
        ((ONE, "unconfirmed@example.kz"), "reviewer 2: this person has no second factor"),
        ((ONE, "rival@example.kz"), "not_found"),
    ],
)
def test_people_who_may_not_review_this_are_refused_and_nothing_is_written(story, emails, says):
    add("regulator@example.kz", role="regulator")
    add("operator@example.kz", role="operator")
    add("rival@example.kz", of=lender("Rival", number=500))
    for name in ("closed", "bare", "unconfirmed"):
        add(f"{name}@example.kz", of=story.lender)
    User.objects.filter(email="closed@example.kz").update(is_active=False)
    TOTPDevice.objects.filter(user__email="bare@example.kz").delete()
    TOTPDevice.objects.filter(user__email="unconfirmed@example.kz").update(confirmed=False)
    before = AuditEntry.objects.count()
    with pytest.raises(CommandError, match=says) as caught:
        run(story.id, "--pass", *reviewers(*emails), "--reason", REASON)
    assert caught.value.returncode == 1
    assert "@" not in str(caught.value)
    assert (story.row().status, AuditEntry.objects.count()) == ("in_review", before)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--pass", "--fail", "--reviewer", ONE, "--reason", REASON), "not allowed with"),
        (("--reviewer", ONE, "--reason", REASON), "required"),
        (("--fail", "--reason", REASON), "--reviewer"),
        (("--fail", "--reviewer", ONE), "--reason"),
        (("--fail", "--reviewer", ONE, "--reason", "short"), "reason_malformed"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_sentence(story, arguments, says):
    with pytest.raises(CommandError, match=says):
        run(story.id, *arguments)
    assert story.row().status == "in_review"
