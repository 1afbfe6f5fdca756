"""The stages of a route with ours woven in: consent before the first, the script-breaking question before the last."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from verification.core import consent
from verification.core.canonical import canonical_json
from verification.core.errors import BadInput, Misconfigured
from verification.core.person import Case
from verification.core.results import Failed, Passed, Result
from verification.core.route import Evidence, Memory, Next, Route, Stage, Turn, Untrusted
from verification.routes import get
from verification.workflow import policy


def of(route_name: str) -> tuple[Stage, ...]:
    """The stages of a route in the order the borrower meets them."""
    route: Route = get(route_name)
    return (CONSENT, *route.stages[:-1], QUESTION, route.stages[-1])


def find(route_name: str, stage_name: str) -> Stage:
    """One stage of a route; raises `KeyError` if the route has none of this name."""
    return {stage.name: stage for stage in of(route_name)}[stage_name]


def known(route_name: str, stage_name: str) -> Stage | None:
    """One stage, or None where this installation has no such route or stage any more: for reads and sweeps."""
    try:
        return find(route_name, stage_name) if stage_name else None
    except (Misconfigured, KeyError):
        return None


def after(route_name: str, stage_name: str) -> Stage | None:
    """The stage that follows, or None after the last."""
    stages = of(route_name)
    position = [stage.name for stage in stages].index(stage_name) + 1
    return stages[position] if position < len(stages) else None


def accept_consent(memory: Memory, untrusted: Untrusted, at: datetime) -> Turn:
    """The borrower's yes or no to the consent text, with its version, language and hash as evidence."""
    agreed, version, language = untrusted.get("agreed"), untrusted.get("version"), untrusted.get("language")
    if not isinstance(language, str) or language not in consent.TEXTS[consent.CURRENT]:
        raise BadInput("a consent is to a text in kk, ru or en", code="bad_answer")
    if not isinstance(agreed, bool) or version != consent.CURRENT:
        raise BadInput("a consent is agreed, version and language", code="bad_answer")
    text = consent.text_sha256(version, language)
    answer = {"agreed": agreed, "version": version, "language": language, "text_sha256": text, "at": at.isoformat()}
    return Turn(next=Next.COLLECT, memory=memory, evidence={"consent.answer": canonical_json(answer)})


def prompt_consent(memory: Memory) -> Mapping[str, Any]:
    """The current text in every language."""
    return {"version": consent.CURRENT, "texts": consent.TEXTS[consent.CURRENT]}


def check_consent(case: Case, evidence: Evidence, policy: Any) -> Result:
    """Passed only by an explicit yes."""
    return _yes_or("consent.agreed", evidence.get("consent.answer"), b'"agreed":true', "consent_declined")


def accept_question(memory: Memory, untrusted: Untrusted, at: datetime) -> Turn:
    """The borrower's answer to "is somebody telling you what to press?"."""
    told = untrusted.get("somebody_tells_me")
    if not isinstance(told, bool):
        raise BadInput("the question is answered by yes or no", code="bad_answer")
    answer = canonical_json({"somebody_tells_me": told, "at": at.isoformat()})
    return Turn(next=Next.COLLECT, memory=memory, evidence={"question.answer": answer})


def check_question(case: Case, evidence: Evidence, policy: Any) -> Result:
    """Passed only by an explicit no."""
    return _yes_or("question.free", evidence.get("question.answer"), b'"somebody_tells_me":false', "coercion_reported")


def _yes_or(check: str, answer: bytes | None, wanted: bytes, code: str) -> Result:
    # The answers are our own canonical bytes, so a substring of them is exact.
    return Passed(check) if answer is not None and wanted in answer else Failed(check, code)


CONSENT = Stage(
    name="consent",
    page="consent",
    accept=accept_consent,
    prompt=prompt_consent,
    checks={"consent.agreed": check_consent},
    seconds=policy.CONSENT_SECONDS,
)
QUESTION = Stage(
    name="question",
    page="question",
    accept=accept_question,
    checks={"question.free": check_question},
    seconds=policy.QUESTION_SECONDS,
)
