"""The number of the script-breaking question. Reviewed 2026-11-26."""

from dataclasses import dataclass


@dataclass(frozen=True)
class QuestionPolicy:
    """How long the question stands."""

    version: str = "question-2026-11"
    # Time to read and answer, seconds. Ours: short, for it is one tap.
    seconds: int = 10 * 60


POLICY = QuestionPolicy()
