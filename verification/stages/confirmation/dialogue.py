"""One question: this text, yes or no."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from verification.core.errors import BadInput
from verification.core.route import Memory, Next, Turn, Untrusted
from verification.core.stored import canonical_json
from verification.stages.confirmation.policy import Texts

CONSENT_ANSWER, QUESTION_ANSWER, RENEWAL_ANSWER = (
    "consent.answer",
    "question.answer",
    "renewal.answer",
)
RENEWAL_SHOWN = "renewal.shown"


def prompt_text(texts: Texts, memory: Memory) -> Mapping[str, Any]:
    """The current text in every language."""
    return {"version": texts.current, "texts": texts.wordings[texts.current]}


def accept_agreement(
    texts: Texts, kind: str, memory: Memory, untrusted: Untrusted, at: datetime
) -> Turn:
    """The borrower's yes or no to the current text, with its version, language and hash.

    kind: of its evidence.
    """
    agreed, version, language = (
        untrusted.get("agreed"),
        untrusted.get("version"),
        untrusted.get("language"),
    )
    if not isinstance(language, str) or language not in texts.wordings[texts.current]:
        raise BadInput("a consent is to a text in kk, ru or en", code="bad_answer")
    if not isinstance(agreed, bool) or version != texts.current:
        raise BadInput("a consent is agreed, version and language", code="bad_answer")
    answer = {
        "agreed": agreed,
        "version": version,
        "language": language,
        "text_sha256": texts.sha256(version, language),
        "at": at.isoformat(),
    }
    return Turn(next=Next.COLLECT, memory=memory, evidence={kind: canonical_json(answer)})


def accept_question(memory: Memory, untrusted: Untrusted, at: datetime) -> Turn:
    """The borrower's answer to "is somebody telling you what to press?"."""
    is_told = untrusted.get("somebody_tells_me")
    if not isinstance(is_told, bool):
        raise BadInput("the question is answered by yes or no", code="bad_answer")
    answer = canonical_json({"somebody_tells_me": is_told, "at": at.isoformat()})
    return Turn(next=Next.COLLECT, memory=memory, evidence={QUESTION_ANSWER: answer})
