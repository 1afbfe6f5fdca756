"""Under what a bureau and a bank are asked: a yes to a text of ours that names them, and nothing
else.
"""

import json

import pytest

from verification.core.answers import Basis
from verification.stages.confirmation.measure import payout_basis
from verification.stages.confirmation.policy import CONSENT

GIVEN = {
    "agreed": True,
    "version": CONSENT.current,
    "language": "kk",
    "text_sha256": CONSENT.sha256(CONSENT.current, "kk"),
    "at": "2026-11-28T10:00:00+00:00",
}


def test_a_yes_to_the_current_text_names_them() -> None:
    assert payout_basis(json.dumps(GIVEN).encode()) == Basis(
        version=CONSENT.current,
        language="kk",
        text_sha256=CONSENT.sha256(CONSENT.current, "kk"),
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
