"""Answers of the registers are read whole or not at all, whatever the other side sent."""

import json
import random
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from tests.verification.core.answer_samples import (
    ACCOUNT,
    ACCOUNT_OWNER,
    CONSENT,
    CONSENT_ID,
    CREDITS,
    IIN,
    JPEG,
    LENDER_BIN,
    OWNERSHIP,
    PERSON,
    PHONE,
    PHOTO,
    REFERENCE,
    REQUEST_ID,
    SMS,
    STOP_CREDIT,
    spelled,
)
from tests.verification.core.document_samples import CASE
from verification.core.answers import (
    PHOTO_ANSWER_MAX_BYTES,
    PHOTO_MAX_BYTES,
    TEXT_MAX_BYTES,
    ConsentAnswer,
    consent_id_to,
    parse_account,
    parse_consent,
    parse_credits,
    parse_ownership,
    parse_person,
    parse_photo,
    parse_sms,
    parse_stop_credit,
)
from verification.core.errors import BadInput, ConsentMissing
from verification.core.ids import Iin, Phone

Parser = Callable[[bytes], object]
KINDS: list[tuple[Parser, dict[str, Any]]] = [
    (parse_person, PERSON),
    (parse_photo, PHOTO),
    (parse_ownership, OWNERSHIP),
    (parse_consent, CONSENT),
    (parse_sms, SMS),
    (parse_stop_credit, STOP_CREDIT),
    (parse_account, ACCOUNT_OWNER),
    (parse_credits, CREDITS),
]
ABOUT = {"request_id": REQUEST_ID, "iin": IIN}


def test_a_person_is_read_as_the_register_spells_them() -> None:
    answer = parse_person(spelled(PERSON))
    assert (answer.request_id, answer.status, answer.iin) == (REQUEST_ID, "found", Iin(IIN))
    assert answer.person is not None
    assert (answer.person.surname, answer.person.patronymic) == ("ӘБДІҒАЛИЕВА", "")
    assert (answer.person.birth_date, answer.person.life_status) == (date(1899, 1, 1), "alive")
    document = answer.person.documents[0]
    assert (document.type, document.number, document.valid_to) == ("id_card", "098765432", None)


def test_a_photo_is_read_with_its_origin() -> None:
    answer = parse_photo(spelled(PHOTO))
    assert (answer.source, answer.taken_on, answer.jpeg) == ("STATE", date(2020, 1, 1), JPEG)


def test_an_ownership_is_read() -> None:
    answer = parse_ownership(spelled(OWNERSHIP))
    assert (answer.status, answer.phone, answer.owned_since) == (
        "owned",
        Phone(PHONE),
        date(2021, 5, 6),
    )


def test_a_consent_is_read_with_its_terms() -> None:
    terms = parse_consent(spelled(CONSENT)).terms
    assert terms is not None
    assert (terms.consent_id, terms.services, terms.language) == (
        CONSENT_ID,
        ("person", "photo"),
        "kk",
    )
    assert terms.expires_at == terms.created_at == datetime(2026, 11, 24, 10, tzinfo=UTC)


def test_a_sent_message_has_an_id_and_a_refused_one_has_none() -> None:
    assert parse_sms(spelled(SMS)).message_id == "sms_0123456789"
    assert parse_sms(spelled({"request_id": REQUEST_ID, "status": "refused"})).message_id == ""


@pytest.mark.parametrize(
    ("parse", "fields", "status"),
    [
        (parse_person, ABOUT, "not_found"),
        (parse_person, ABOUT, "consent_refused"),
        (parse_photo, ABOUT, "not_found"),
        (parse_photo, ABOUT, "no_photo"),
        (parse_photo, ABOUT, "consent_refused"),
        (parse_ownership, ABOUT | {"phone": PHONE}, "owned_by_another"),
        (parse_ownership, ABOUT | {"phone": PHONE}, "not_found"),
        (parse_ownership, ABOUT | {"phone": PHONE}, "consent_refused"),
        (parse_stop_credit, ABOUT, "refused"),
        (parse_stop_credit, ABOUT, "consent_refused"),
        (parse_account, ACCOUNT_OWNER, "owned_by_another"),
        (parse_account, ACCOUNT_OWNER, "not_found"),
        (parse_account, ACCOUNT_OWNER, "consent_refused"),
        (parse_credits, ABOUT, "consent_refused"),
        (parse_consent, ABOUT, "not_found"),
        (parse_consent, ABOUT, "error"),
        (parse_consent, CONSENT, "pending"),
        (parse_consent, CONSENT, "invalid"),
        (parse_consent, CONSENT, "timeout"),
    ],
)
def test_an_answer_that_is_no_yes_is_read(
    parse: Callable[[bytes], Any], fields: dict[str, Any], status: str
) -> None:
    assert parse(spelled(fields | {"status": status})).status == status


@pytest.mark.parametrize(("parse", "sample"), KINDS)
def test_a_missing_an_unknown_and_a_wrong_field_refuse(
    parse: Parser, sample: dict[str, Any]
) -> None:
    parse(spelled(sample))
    for name in sample:
        for broken in (
            {key: value for key, value in sample.items() if key != name},
            sample | {name: {}},
        ):
            with pytest.raises(BadInput):
                parse(spelled(broken))
    with pytest.raises(BadInput):
        parse(spelled(sample | {"more": "x"}))


def with_photo(jpeg: bytes, **changes: str) -> bytes:
    encoded = {"photo": b64encode(jpeg).decode(), "sha256": sha256(jpeg).hexdigest()}
    return spelled(PHOTO | encoded | changes)


DOCUMENT = PERSON["documents"][0]
NO_PERSON: list[dict[str, Any]] = [
    {"iin": "990101100011"},
    {"life_status": "undead"},
    {"name": ""},
    {"surname": "Ә" * 101},
    {"birth_date": "1899-02-30"},
    {"documents": [DOCUMENT] * 21},
    {"documents": [DOCUMENT | {"more": "x"}]},
    {"documents": [DOCUMENT | {"type": "driving_licence"}]},
    {"documents": [DOCUMENT | {"number": ""}]},
]
IMPOSSIBLE: dict[str, tuple[Parser, bytes]] = {
    **{
        f"person {number}": (parse_person, spelled(PERSON | changes))
        for number, changes in enumerate(NO_PERSON)
    },
    "photo of the borrower": (parse_photo, with_photo(JPEG, source="BORROWER")),
    "photo of the lender": (parse_photo, with_photo(JPEG, source="LENDER")),
    "photo without a source": (parse_photo, with_photo(JPEG, source="")),
    "photo of another type": (parse_photo, with_photo(JPEG, media_type="image/png")),
    "photo under another hash": (parse_photo, with_photo(JPEG, sha256="00" * 32)),
    "photo cut": (parse_photo, with_photo(JPEG[:-1])),
    "photo that begins otherwise": (parse_photo, with_photo(b"\x89PNG\r\n" + JPEG)),
    "photo with a tail": (parse_photo, with_photo(JPEG + b"<script>")),
    "photo of no bytes": (parse_photo, with_photo(b"")),
    "photo too large": (
        parse_photo,
        with_photo(b"\xff\xd8\xff" + bytes(PHOTO_MAX_BYTES - 4) + b"\xff\xd9"),
    ),
    **{
        f"account {account!r}": (parse_account, spelled(ACCOUNT_OWNER | {"account": account}))
        for account in ("", "K" * 41, "KZ86\u202e125", "KZ86\n", None, 5)
    },
    **{
        f"sum {tiyn!r}": (parse_credits, spelled(CREDITS | {"credits": {"2026-11-24": tiyn}}))
        for tiyn in (
            *("", "-1", "+1", "1.00", "1,000", "1 000", "007", "1e3", "0x1", "٣", "²", "9" * 16),
            *(5, None, ["1"]),
        )
    },
    **{
        f"day {day!r}": (parse_credits, spelled(CREDITS | {"credits": {day: "0"}}))
        for day in ("2026-11-31", "2026-W48-2", "24.11.2026", "", "2026-11-24 ", None)
    },
    **{
        f"sums {sums!r}": (parse_credits, spelled(CREDITS | {"credits": sums}))
        for sums in (None, "0", [], ["2026-11-24"], {"2026-11-24": {"2026-11-24": "0"}})
    },
    "no person, with a name": (parse_person, spelled(PERSON | {"status": "not_found"})),
    "no photo with a photo": (parse_photo, spelled(PHOTO | {"status": "no_photo"})),
}


@pytest.mark.parametrize(("parse", "raw"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_an_answer_that_cannot_be_is_refused(parse: Parser, raw: bytes) -> None:
    with pytest.raises(BadInput):
        parse(raw)


def test_an_account_is_read_as_it_is_spelled() -> None:
    answer = parse_account(spelled(ACCOUNT_OWNER))
    assert (answer.status, answer.account) == ("owned", ACCOUNT)


def test_a_sum_of_a_day_is_read_to_the_tiyn() -> None:
    assert parse_credits(spelled(CREDITS)).tiyn == {"2026-11-24": 12_345_600}
    two = {"2026-11-24": "0", "2026-11-25": "9" * 15}
    assert parse_credits(spelled(CREDITS | {"credits": two})).tiyn == {
        "2026-11-24": 0,
        "2026-11-25": 10**15 - 1,
    }


def test_the_largest_photo_fits_into_the_largest_answer() -> None:
    jpeg = b"\xff\xd8\xff" + bytes(PHOTO_MAX_BYTES - 5) + b"\xff\xd9"
    raw = with_photo(jpeg)
    assert len(raw) <= PHOTO_ANSWER_MAX_BYTES
    assert parse_photo(raw).jpeg == jpeg


@pytest.mark.parametrize(
    ("parse", "sample"), [(parse_person, PERSON), (parse_credits, CREDITS)], ids=["text", "sums"]
)
def test_an_answer_longer_than_its_limit_is_refused(parse: Parser, sample: dict[str, Any]) -> None:
    padding = b" " * (TEXT_MAX_BYTES - len(spelled(sample)))
    assert parse(spelled(sample) + padding)
    with pytest.raises(BadInput):
        parse(spelled(sample) + padding + b" ")


def test_printing_an_answer_shows_nothing_personal() -> None:
    shown = repr([parse(spelled(sample)) for parse, sample in KINDS])
    for secret in (
        IIN,
        PHONE,
        "АЙГҮЛ",
        "ӘБДІҒАЛИЕВА",
        "098765432",
        "1899",
        repr(JPEG),
        ACCOUNT,
        "12345600",
    ):
        assert secret not in shown


AT = datetime(2026, 11, 24, 9, 59, 59, tzinfo=UTC)


def looked_up_by(
    consent: ConsentAnswer, *, services: Sequence[str] = ("person",), iin: str = IIN, later: int = 0
) -> str:
    """The id with which the person of a case that the sample's consent was given for may be looked
    up.
    """
    lender, person = replace(CASE.lender, bin=LENDER_BIN), replace(CASE.person, iin=Iin(iin))
    case = replace(
        CASE, verification_id=REFERENCE, lender=lender, person=person, purpose=CONSENT["purpose"]
    )
    text, at = CONSENT["text_sha256"], AT + timedelta(seconds=later)
    return consent_id_to(consent, services=services, case=case, text_sha256=text, at=at)


def test_a_valid_consent_lets_its_person_be_looked_up() -> None:
    consent = parse_consent(spelled(CONSENT))
    assert (
        looked_up_by(consent) == looked_up_by(consent, services=("person", "photo")) == CONSENT_ID
    )


@pytest.mark.parametrize(
    ("changes", "services", "iin", "later"),
    [
        ({"status": "pending"}, ("person",), IIN, 0),
        ({"status": "invalid"}, ("person",), IIN, 0),
        ({"status": "timeout"}, ("person",), IIN, 0),
        ({}, ("phone",), IIN, 0),
        ({}, ("person", "phone"), IIN, 0),
        ({}, ("person",), "990101100020", 0),
        ({}, ("person",), IIN, 1),
        ({"reference": "ver_of_another"}, ("person",), IIN, 0),
        ({"lender_bin": "180440012349"}, ("person",), IIN, 0),
        ({"purpose": "another"}, ("person",), IIN, 0),
        ({"text_sha256": "cd" * 32}, ("person",), IIN, 0),
    ],
)
def test_a_consent_that_does_not_hold_allows_no_look_up(
    changes: dict[str, str], services: tuple[str, ...], iin: str, later: int
) -> None:
    consent = parse_consent(spelled(CONSENT | changes))
    with pytest.raises(ConsentMissing):
        looked_up_by(consent, services=services, iin=iin, later=later)


@pytest.mark.parametrize("status", ["not_found", "error"])
def test_an_absent_consent_allows_no_look_up(status: str) -> None:
    with pytest.raises(ConsentMissing):
        looked_up_by(parse_consent(spelled(ABOUT | {"status": status})))


def damaged(raw: bytes, dice: random.Random) -> bytes:
    """The answer with one to four bytes changed, lost or doubled."""
    content = bytearray(raw)
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(content))
        match dice.randrange(4):
            case 0:
                content[place] = dice.randrange(256)
            case 1:
                del content[place : place + dice.randint(1, 20)]
            case 2:
                content[place:place] = content[place : place + dice.randint(1, 20)]
            case _:
                content[place:place] = dice.randbytes(dice.randint(1, 8))
        content = content or bytearray(b"{")
    return bytes(content)


def any_value(dice: random.Random, depth: int = 0) -> object:
    """Some JSON value, often an odd one."""
    kinds: list[object] = [
        None,
        True,
        "",
        "x" * 300,
        "\ud800",
        "\x00",
        "found",
        IIN,
        7,
        1e300,
        10**400,
        [],
        {},
    ]
    if depth < 3 and dice.random() < 0.3:
        inner = any_value(dice, depth + 1)
        return dice.choice([[inner] * dice.randint(1, 4), {"a": inner}])
    return dice.choice(kinds)


@pytest.mark.parametrize(("parse", "sample"), KINDS)
def test_a_damaged_answer_is_read_or_refused_and_nothing_else(
    parse: Parser, sample: dict[str, Any]
) -> None:
    dice, refusals = random.Random(20261124), []
    for _ in range(400):
        raw = damaged(spelled(sample), dice)
        if dice.random() < 0.3:
            raw = json.dumps(sample | {dice.choice(list(sample)): any_value(dice)}).encode()
        try:
            parse(raw)
        except BadInput as refusal:
            refusals.append(str(refusal))
    assert len(refusals) > 200
    assert not any(secret in "".join(refusals) for secret in (IIN, PHONE, "АЙГҮЛ", "ӘБДІҒАЛИЕВА"))
