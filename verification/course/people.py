"""Decisions of the lender's people on attempts that the checks leave to them."""

from datetime import timedelta

from verification.core.codes import REASONS
from verification.core.results import Outcome
from verification.course import policy
from verification.course.attempts import closed, passed_on
from verification.course.entry import MOVE, REASON, TIME, VOTES, Entry, Fault, replace, text
from verification.course.opening import same_law
from verification.course.state import REVIEW, Closing, State, Step, Vote


def in_review(state: State, entry: Entry) -> Step:
    """It reaches people through an attempt that its checks left to them."""
    attempt, faults = state.newest(REVIEW), []
    if attempt is None or state.is_held():
        faults.append(Fault(MOVE, "no judgement left it to people"))
    elif attempt.code != text(entry.body, "code"):
        faults.append(Fault(REASON, "its reason for review is not the reason of the judgement"))
    until = state.time(entry) + timedelta(seconds=policy.REVIEW_SECONDS)
    return replace(state, in_review=True, until=until), faults + same_law(state, entry)


def voted(state: State, entry: Entry) -> Step:
    """A person of the lender without a part in the case votes, once."""
    person, name = text(entry.body, "person"), text(entry.body, "attempt")
    outcome, attempt = text(entry.body, "outcome"), state.attempts.get(name)
    if attempt is None or not _is_before_people(state, name):
        return state, [Fault(MOVE, "a vote on an attempt that is not in review")]
    if not person or person in attempt.votes or person in state.senders:
        detail = "a vote of a person who had voted before, or had sent the borrower a link"
        return state, [Fault(MOVE, detail)]
    if state.until is None or state.time(entry) > state.until:
        return state, [Fault(TIME, "a vote after the end of the review")]
    if entry.is_signed and outcome in (Outcome.PASSED, Outcome.FAILED):
        vote = Vote(outcome == Outcome.PASSED, entry.id, entry.at)
        votes = {**attempt.votes, person: vote}
        state = state.put(name, replace(attempt, votes=votes))
    return state, []


def reviewed(state: State, entry: Entry) -> Step:
    """The result of the votes: enough people passed it without another vote, or one person
    refused it.
    """
    name, outcome, faults = text(entry.body, "attempt"), text(entry.body, "outcome"), []
    attempt = state.attempts.get(name)
    if not _is_before_people(state, name):
        faults.append(Fault(MOVE, "the attempt that people decided was not in review"))
    if attempt is None:
        return state, faults
    votes = attempt.votes.values()
    is_unanimous = all(vote.passes for vote in votes)
    is_voted = not is_unanimous
    if outcome == Outcome.PASSED:
        is_voted = is_unanimous and len(votes) >= policy.VOTES_TO_PASS
    if not is_voted:
        faults.append(Fault(VOTES, "the votes before it have another result"))
    if outcome not in (Outcome.PASSED, Outcome.FAILED):
        faults.append(Fault(MOVE, "people can pass or refuse only"))
    is_lawful = attempt.is_lawful and is_voted and entry.is_signed
    reason = REASONS.get(text(entry.body, "code"))
    burns = outcome == Outcome.FAILED and reason is not None and reason.burns
    attempt, more = closed(replace(attempt, is_lawful=is_lawful), entry, burns=burns)
    last = Closing(outcome, attempt.code)
    state = state.put(name, attempt, last=last, in_review=False, until=state.opening.expires_at)
    if outcome == Outcome.PASSED:
        state = passed_on(state, entry, name)
    return state, faults + more


def _is_before_people(state: State, name: str) -> bool:
    """Whether people vote on this attempt."""
    attempt = state.attempts.get(name)
    is_left = attempt is not None and attempt.phase == REVIEW
    return is_left and state.in_review and not state.is_stopped
