"""What a verdict and a payment rest on, read plainly: another reader than the course, which knows
no state.
"""

from collections.abc import Iterator, Sequence

from verification.core import profiles, releases
from verification.core.releases import Release
from verification.course.entry import Entry, listed, number, text


def wrong(history: Sequence[Entry]) -> Iterator[str]:
    """What a signed verdict of a history, or a payment by it, lacks."""
    signed = [entry for entry in history if entry.is_signed]
    verdict = next((entry for entry in signed if entry.type == "verification.verified"), None)
    if verdict is not None:
        yield from _lacking(signed[: signed.index(verdict)], verdict)
        yield from _unheld(history[: history.index(verdict) + 1])
    for entry in signed:
        if entry.type == "clearance.consumed":
            yield from _unpaid(signed[: signed.index(entry)], entry, verdict)


def _lacking(earlier: Sequence[Entry], verdict: Entry) -> Iterator[str]:
    opened = next((entry for entry in earlier if entry.type == "verification.created"), None)
    if opened is None:
        yield "an opening"
        return
    law = profiles.pinned(text(opened.body, "profile_sha256"))
    routes = tuple(listed(verdict.body, "routes"))
    if not any(
        set(names) <= set(routes)
        for names in law.combinations
        if list(names) in opened.body["combinations"]
    ):
        yield "a combination of its law"
    for name in listed(verdict.body, "releases"):
        release, place = releases.RELEASES[name], -1
        for stage in release.names:
            passed = [
                at for at in _passes(earlier, release, stage) if at > place or stage == "consent"
            ]
            if not passed:
                yield f"{stage} of {release.route}"
            place = max([place, *(passed[-1:] if stage != "consent" else passed[:1])])


def _unheld(entries: Sequence[Entry]) -> Iterator[str]:
    """What is missing of one lender for all entries and, for each answer, of the newest session."""
    if len({entry.lender for entry in entries if entry.is_signed}) > 1:
        yield "one lender"
    session = ""
    for entry in entries:
        if entry.type == "link.spent" and "link" in entry.body:
            session = text(entry.body, "session")
        elif (
            entry.type == "attempt.answered"
            and entry.is_signed
            and text(entry.body, "session") != session
        ):
            yield "the session of an answer"


def _passes(entries: Sequence[Entry], release: Release, stage: str) -> Iterator[int]:
    """The places at which a stage was passed; consent counts on any route."""
    for place, entry in enumerate(entries):
        name = text(entry.body, "attempt")
        if (
            entry.type not in ("attempt.judged", "attempt.reviewed")
            or entry.body.get("outcome") != "passed"
        ):
            continue
        of_attempt = [other for other in entries[:place] if text(other.body, "attempt") == name]
        opened = [other for other in of_attempt if other.type == "attempt.opened"]
        if not any(text(other.body, "stage") == stage for other in opened):
            continue
        if stage != "consent" and not any(
            text(other.body, "route") == release.route for other in opened
        ):
            continue
        if not any(other.type == "attempt.answered" for other in of_attempt):
            continue
        judged = entry if entry.type == "attempt.judged" else _last_judgement(of_attempt)
        if judged is None or not _suffices(judged, stage, may_be_left=judged is not entry):
            continue
        if judged is entry or _votes(entries[:place], name) >= 2:
            yield place


def _last_judgement(of_attempt: Sequence[Entry]) -> Entry | None:
    return next((other for other in reversed(of_attempt) if other.type == "attempt.judged"), None)


def _suffices(judged: Entry, stage: str, *, may_be_left: bool) -> bool:
    """Whether each check of its release passed, or was left to people where it may be."""
    release = releases.RELEASES[text(judged.body, "release")]
    outcomes = {check["check"]: check["outcome"] for check in listed(judged.body, "checks")}
    allowed = {"pass", "inconclusive"} if may_be_left else {"pass"}
    return (
        all(outcomes.get(name) in allowed for name in release.checks(stage))
        and set(outcomes.values()) <= allowed
    )


def _votes(entries: Sequence[Entry], attempt: str) -> int:
    """How many people passed it who had sent no link; none where one did not."""
    senders = {text(entry.body, "person") for entry in entries if entry.type == "link.minted"}
    votes = {
        text(entry.body, "person"): entry.body.get("outcome") == "passed"
        for entry in entries
        if entry.type == "review.voted" and text(entry.body, "attempt") == attempt
        if entry.body.get("outcome") in ("passed", "failed")
    }
    return len(votes.keys() - senders) if all(votes.values()) else 0


def _unpaid(earlier: Sequence[Entry], paid: Entry, verdict: Entry | None) -> Iterator[str]:
    """What a payment lacks."""
    name = text(paid.body, "clearance")
    of_name = [entry for entry in earlier if text(entry.body, "clearance") == name]
    issued = next((entry for entry in of_name if entry.type == "clearance.issued"), None)
    if issued is None or verdict is None:
        yield "a clearance"
        return
    if text(issued.body, "decision") != verdict.id or verdict not in earlier:
        yield "the decision of its clearance"
    if not any(entry.type == "clearance.requested" for entry in of_name):
        yield "a request"
    if any(entry.type == "verification.disputed" for entry in earlier):
        yield "a borrower who does not dispute it"
    if not 0 < number(paid.body, "amount") <= number(issued.body, "cap"):
        yield "a sum that is let"
