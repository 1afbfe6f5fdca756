import hashlib

import pytest

from verification.core import events
from verification.core.status import TERMINAL
from verification.core.stored import canonical_json, digest
from verification.stages.confirmation.policy import CONSENT


def test_equal_values_have_one_spelling():
    assert (
        canonical_json({"b": 1, "a": ["ж", True, None]}) == '{"a":["ж",true,null],"b":1}'.encode()
    )
    assert digest({"a": 1}) == hashlib.sha256(b'{"a":1}').hexdigest()


@pytest.mark.parametrize("value", [1.5, {"a": 0.1}, {1: "a"}, b"bytes", {"a": {2}}, object()])
def test_what_has_several_spellings_has_none(value):
    with pytest.raises(TypeError):
        canonical_json(value)


def test_every_terminal_status_is_a_decision_told_to_the_lender():
    assert {name.removeprefix("verification.") for name in events.DECISIONS} == TERMINAL
    assert set(events.DECISIONS) <= set(events.TOLD)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            (
                "IIN",
                "identity document",
                "phone",
                "SMS",
                "photo",
                "face",
                "biometric",
                "signature",
                "1414",
                "five years",
            ),
        ),
        (
            "ru",
            (
                "ИИН",
                "документ",
                "телефон",
                "SMS",
                "фото",
                "лиц",
                "биометрическ",
                "подпис",
                "1414",
                "пять лет",
            ),
        ),
        (
            "kk",
            (
                "ЖСН",
                "құжат",
                "телефон",
                "SMS",
                "фотосурет",
                "жүз",
                "биометрия",
                "қолтаңба",
                "1414",
                "бес жыл",
            ),
        ),
        (
            "en",
            (
                "credit bureau",
                "refused all loans",
                "borrowed online",
                "bank or payment",
                "number of the account",
            ),
        ),
        (
            "ru",
            (
                "кредитное бюро",
                "отказался(лась)",
                "занял(а) онлайн",
                "банк или плат",
                "номер счёта",
            ),
        ),
        (
            "kk",
            (
                "кредиттік бюро",
                "бас тартқан",
                "онлайн қанша қарыз",
                "банктен немесе төлем",
                "шоттың нөмірі",
            ),
        ),
    ],
)
def test_the_consent_says_which_data_from_whom_and_how_long(language, words):
    text = CONSENT.wordings[CONSENT.current][language]
    assert [word for word in words if word not in text] == []


def test_a_text_that_people_consented_to_is_never_edited():
    digests = {
        language: CONSENT.sha256(CONSENT.current, language)[:16] for language in ("kk", "ru", "en")
    }
    assert digests == {"kk": "a73efab626b500d8", "ru": "0f999a8f7dd9fdb1", "en": "0a115724960527bb"}
