"""The stages woven into every route take what a page may send, and refuse the rest as
unreadable.
"""

from datetime import UTC, datetime

import pytest

from verification.case import stages
from verification.core.errors import BadInput, Misconfigured
from verification.core.route import Route
from verification.routes import ROUTES
from verification.stages import code, person
from verification.stages.confirmation import CONSENT
from verification.stages.confirmation.policy import CONSENT as TEXTS
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
AGREED = {"agreed": True, "version": CURRENT, "language": "kk"}
WRONG: dict[str, tuple[object, ...]] = {
    "language": ([], {}, None, 1, "de", ""),
    "version": ([], {}, None, "2026-11"),
    "agreed": ([], "true", 1, None),
}


@pytest.mark.parametrize(
    "changes", [{name: wrong} for name, values in WRONG.items() for wrong in values]
)
def test_a_consent_that_cannot_be_read_is_none(changes):
    with pytest.raises(BadInput):
        CONSENT.accept({}, AGREED | changes, NOW)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_consent_is_taken_in_every_language_of_its_text(language):
    assert language in TEXTS.wordings[CURRENT]
    assert (
        b'"agreed":true'
        in CONSENT.accept({}, AGREED | {"language": language}, NOW).evidence["consent.answer"]
    )


def test_a_route_with_two_stages_of_one_name_is_refused(monkeypatch, settings):
    settings.TULGA_ROUTES = ["twice"]
    way = (code.STAGE, person.STAGE, code.STAGE)
    twice = Route(name="twice", title="x", label="x", explanation="x", stages=way)
    monkeypatch.setitem(ROUTES, "twice", twice)
    with pytest.raises(Misconfigured, match="two stages of one name"):
        stages.installed("twice")
