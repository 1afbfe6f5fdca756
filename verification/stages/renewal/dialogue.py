"""One question: does the borrower still want this money?"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from verification.core.errors import BadInput
from verification.core.route import Memory, Next, Turn, Untrusted
from verification.core.stored import canonical_json
from verification.stages.renewal import policy

ANSWER, SHOWN = "renewal.answer", "renewal.shown"


def prompt_renewal(memory: Memory) -> Mapping[str, Any]:
    """The current text in every language."""
    return {"version": policy.CURRENT, "texts": policy.TEXTS[policy.CURRENT]}


def accept_renewal(memory: Memory, untrusted: Untrusted, at: datetime) -> Turn:
    """The borrower's yes or no, with version, language and hash of the text they said it to, and
    the time.
    """
    agreed, version, language = (
        untrusted.get("agreed"),
        untrusted.get("version"),
        untrusted.get("language"),
    )
    if not isinstance(language, str) or language not in policy.TEXTS[policy.CURRENT]:
        raise BadInput("a consent is to a text in kk, ru or en", code="bad_answer")
    if not isinstance(agreed, bool) or version != policy.CURRENT:
        raise BadInput("a consent is agreed, version and language", code="bad_answer")
    text = policy.text_sha256(version, language)
    answer = {
        "agreed": agreed,
        "version": version,
        "language": language,
        "text_sha256": text,
        "at": at.isoformat(),
    }
    return Turn(next=Next.COLLECT, memory=memory, evidence={ANSWER: canonical_json(answer)})
