"""Under what a bureau and a bank are asked: a yes to a text of ours that names them, and nothing
else.
"""

import json

import pytest

from verification.core.payout_answers import Basis
from verification.stages.consent import policy
from verification.stages.consent.measure import payout_basis

GIVEN = {
    "agreed": True,
    "version": policy.CURRENT,
    "language": "kk",
    "text_sha256": policy.text_sha256(policy.CURRENT, "kk"),
    "at": "2026-11-28T10:00:00+00:00",
}


def test_a_yes_to_the_current_text_names_them() -> None:
    assert payout_basis(json.dumps(GIVEN).encode()) == Basis(
        version=policy.CURRENT,
        language="kk",
        text_sha256=policy.text_sha256(policy.CURRENT, "kk"),
        at="2026-11-28T10:00:00+00:00",
    )


@pytest.mark.parametrize(
    "answer",
    [
        *(
            json.dumps(GIVEN | changes).encode()
            for changes in ({"agreed": False}, {"agreed": "true"}, {"agreed": 1})
        ),
        json.dumps(GIVEN | {"version": "2026-11-28"}).encode(),
        json.dumps(GIVEN | {"language": "de"}).encode(),
        json.dumps(GIVEN | {"language": "ru"}).encode(),
        json.dumps(GIVEN | {"text_sha256": "ab" * 32}).encode(),
        *(
            json.dumps({name: GIVEN[name] for name in GIVEN if name != gone}).encode()
            for gone in GIVEN
        ),
        b"",
        b"[]",
        b"null",
        b'"yes"',
        b"\xff",
    ],
)
def test_anything_else_is_none(answer: bytes) -> None:
    assert payout_basis(answer) is None
