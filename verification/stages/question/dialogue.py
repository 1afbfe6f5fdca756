"""One question with two answers."""

from datetime import datetime

from verification.core.errors import BadInput
from verification.core.route import Memory, Next, Turn, Untrusted
from verification.core.stored import canonical_json

ANSWER = "question.answer"


def accept_question(memory: Memory, untrusted: Untrusted, at: datetime) -> Turn:
    """The borrower's answer to "is somebody telling you what to press?"."""
    is_told = untrusted.get("somebody_tells_me")
    if not isinstance(is_told, bool):
        raise BadInput("the question is answered by yes or no", code="bad_answer")
    answer = canonical_json({"somebody_tells_me": is_told, "at": at.isoformat()})
    return Turn(next=Next.COLLECT, memory=memory, evidence={ANSWER: answer})
