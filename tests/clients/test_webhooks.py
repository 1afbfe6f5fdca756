"""The client verifies webhooks, and turns JSON into dataclasses and back."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from lenders import endpoints
from tests.clients.lender_side import Seen
from tulga import webhooks
from tulga.errors import BadAnswer, Refused, Reused
from tulga.fields import parse, spell
from tulga.resources import Check, Clearance, Event, Page, Payment
from tulga.webhooks import TOLERANCE_SECONDS, Verifier

# The client believes a webhook of Tulga's, by secret or key, once and in its time, and no other.


NOW = 1_764_300_000
SECRET, OTHER = b"s" * 32, b"o" * 32
SEED, PUBLIC = endpoints.new_signing_key()
BODY = json.dumps(
    {
        "version": "2026-11-28",
        "type": "verification.brand_new",
        "timestamp": "2026-11-28T10:00:00.000Z",
        "lender_sequence": 7,
        "data": {
            "verification": "ver_a",
            "client_reference": None,
            "status": "verified",
            "sequence": 3,
            "mode": "test",
        },
        "checkpoint": None,
        "a new field": {},
    }
).encode()


def headers(
    *secrets: bytes,
    body: bytes = BODY,
    at: int = NOW,
    seed: bytes = SEED,
    message_id: str = "evt_a",
) -> dict[str, str]:
    return endpoints.sign(
        message_id=message_id, timestamp=at, body=body, shared_secrets=secrets, seed=seed
    )


def spelled(*secrets: bytes) -> tuple[str, ...]:
    return tuple(endpoints.spell_secret(secret) for secret in secrets)


def both(**more: Any) -> Verifier:
    """One that wants secret and key, and has had no message yet."""
    return Verifier(secrets=spelled(SECRET), public_key=PUBLIC, **more)


@pytest.mark.parametrize(
    "verifier",
    [
        both(),
        Verifier(secrets=spelled(SECRET)),
        Verifier(public_key=PUBLIC),
        Verifier(secrets=spelled(OTHER, SECRET)),
    ],
    ids=["both", "secret", "key", "two secrets"],
)
def test_a_message_of_tulgas_is_told(verifier):
    told = verifier.verify(headers(SECRET), BODY, now=NOW)
    assert (told.type, told.lender_sequence, told.data.verification, told.data.status) == (
        "verification.brand_new",
        7,
        "ver_a",
        "verified",
    )


def test_while_a_secret_is_rotated_either_fits():
    twice = headers(OTHER, SECRET)
    for secret in (SECRET, OTHER):
        assert (
            Verifier(secrets=spelled(secret)).verify(twice, BODY, now=NOW).data.verification
            == "ver_a"
        )


def test_headers_come_in_any_case():
    shouted = {name.upper(): value for name, value in headers(SECRET).items()}
    assert both().verify(shouted, BODY, now=NOW).data.verification == "ver_a"


def test_it_agrees_with_the_library_of_the_standard():
    theirs = standardwebhooks.Webhook(endpoints.spell_secret(SECRET))
    at = datetime.fromtimestamp(NOW)  # it signs wrongly for times with a zone
    signed = {
        "webhook-id": "evt_a",
        "webhook-timestamp": str(NOW),
        "webhook-signature": theirs.sign("evt_a", at, BODY.decode()),
    }
    assert (
        Verifier(secrets=spelled(SECRET)).verify(signed, BODY, now=NOW).data.verification == "ver_a"
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (headers(OTHER), "no v1 signature"),
        (headers(), "no v1 signature"),
        (headers(SECRET, seed=b"x" * 32), "no v1a signature"),
        (headers(SECRET, body=BODY + b" "), "no v1 signature"),
        (headers(SECRET) | {"webhook-id": "evt_b"}, "no v1 signature"),
        (headers(SECRET) | {"webhook-timestamp": str(NOW + 1)}, "no v1 signature"),
        (headers(SECRET) | {"webhook-signature": ""}, "no v1 signature"),
        (headers(SECRET) | {"webhook-signature": "v1"}, "no v1 signature"),
        (headers(SECRET) | {"webhook-signature": "v1, v1a, v1,é"}, "no v1 signature"),
        ({}, "no id or time"),
        (headers(SECRET) | {"webhook-id": ""}, "no id or time"),
        (headers(SECRET) | {"webhook-timestamp": ""}, "no id or time"),
        (headers(SECRET) | {"webhook-timestamp": "-1"}, "no id or time"),
        (headers(SECRET) | {"webhook-timestamp": "٣"}, "no id or time"),
        (headers(SECRET) | {"webhook-timestamp": "9" * 5000}, "no id or time"),
        (headers(SECRET, at=NOW - TOLERANCE_SECONDS - 1), "too old"),
        (headers(SECRET, at=NOW + TOLERANCE_SECONDS + 1), "too old"),
    ],
)
def test_a_wrong_or_an_old_signature_is_refused(given, says):
    is_new = Seen()
    with pytest.raises(Refused, match=says):
        both().verify(given, BODY, now=NOW, is_new=is_new)
    assert not is_new  # a refused webhook uses up no id


@pytest.mark.parametrize("at", [NOW - TOLERANCE_SECONDS, NOW + TOLERANCE_SECONDS])
def test_within_the_tolerance_it_is_taken(at):
    assert both().verify(headers(SECRET, at=at), BODY, now=NOW).data.verification == "ver_a"


def test_one_that_came_before_is_refused():
    verifier, is_new = both(), Seen()
    verifier.verify(headers(SECRET), BODY, now=NOW, is_new=is_new)
    with pytest.raises(Reused):
        verifier.verify(headers(SECRET, at=NOW + 60), BODY, now=NOW + 60, is_new=is_new)
    verifier.verify(headers(SECRET, message_id="evt_b"), BODY, now=NOW, is_new=is_new)
    assert is_new == {"evt_a", "evt_b"}


def test_a_signature_that_came_before_is_refused_without_a_word_from_its_caller():
    verifier, signed = both(), headers(SECRET)
    verifier.verify(signed, BODY, now=NOW)
    other_order = " ".join(reversed(signed["webhook-signature"].split(" ")))
    shouted = {name.upper(): value for name, value in signed.items()}
    spelled_otherwise = signed | {"webhook-timestamp": f"0{NOW}"}
    for again in (signed, shouted, signed | {"webhook-signature": other_order}, spelled_otherwise):
        for now in (NOW, NOW + TOLERANCE_SECONDS):
            with pytest.raises(Refused):
                verifier.verify(again, BODY, now=now)
    # Another try of the same message is signed anew: what failed here is not lost.
    assert (
        verifier.verify(headers(SECRET, at=NOW + 5), BODY, now=NOW + 5).type
        == "verification.brand_new"
    )
    assert both().verify(signed, BODY, now=NOW)


def test_what_is_refused_takes_no_room_and_the_oldest_makes_it(monkeypatch):
    monkeypatch.setattr(webhooks, "SEEN_MAX", 2)
    verifier = both()
    for number in range(5):
        with pytest.raises(Refused, match="no v1 signature"):
            verifier.verify(headers(OTHER, message_id=f"evt_{number}"), BODY, now=NOW)
    for number in range(3):
        verifier.verify(headers(SECRET, message_id=f"evt_{number}"), BODY, now=NOW)
    for number in (1, 1, 2, 2):
        with pytest.raises(Reused):
            verifier.verify(headers(SECRET, message_id=f"evt_{number}"), BODY, now=NOW)
    assert len(verifier.seen) == 2


def test_of_many_threads_with_one_message_one_gets_it():
    verifier, given = both(), headers(SECRET)

    def take(_: int) -> bool:
        try:
            return bool(verifier.verify(given, BODY, now=NOW))
        except Reused:
            return False

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(take, range(64))) == 1


@pytest.mark.parametrize("none", ["", "whsec_"])
def test_a_secret_that_is_empty_lets_nothing_in(none):
    with pytest.raises(ValueError, match="not a webhook secret"):
        Verifier(secrets=(none,), public_key=PUBLIC).verify(headers(b"x"), BODY, now=NOW)


def test_without_anything_to_verify_by_nothing_is_believed():
    with pytest.raises(Refused, match="a secret or a key"):
        Verifier().verify(headers(), BODY, now=NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_*"])
def test_a_secret_that_is_none_is_said_to_be_none(secret):
    with pytest.raises(ValueError):
        Verifier(secrets=(secret,)).verify(headers(b"x"), BODY, now=NOW)


def test_printing_it_shows_no_secret():
    assert endpoints.spell_secret(SECRET) not in repr(both())


def test_what_is_signed_and_no_message_is_said_to_be_none():
    with pytest.raises(BadAnswer):
        both().verify(headers(SECRET, body=b"[]"), b"[]", now=NOW)


@given(place=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
def test_no_bit_of_a_body_may_change(place, bit):
    changed = bytearray(BODY)
    changed[place] ^= 1 << bit
    with pytest.raises(Refused):
        both().verify(headers(SECRET), bytes(changed), now=NOW)


# JSON becomes dataclasses and back: what is new is passed over, what has another type is refused
# and named.


AT = "2026-11-28T10:00:00.000Z"
EVENT = {
    "id": "evt_a",
    "log_index": 4,
    "version": "2026-11-28",
    "type": "something.new",
    "timestamp": AT,
    "lender_sequence": None,
    "data": {"mode": "test", "status": "never heard of"},
}


def page(**changes):
    return json.dumps({"data": [{**EVENT, **changes}], "has_more": False, "next": None}).encode()


def test_unknown_words_and_fields_are_read():
    [event] = parse(Page[Event], page(new={"field": 1})).data
    assert (event.type, event.data.status, event.data.verification) == (
        "something.new",
        "never heard of",
        None,
    )
    assert event.timestamp == datetime(2026, 11, 28, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"log_index": True}, "log_index"),
        ({"log_index": "4"}, "log_index"),
        ({"log_index": None}, "log_index"),
        ({"lender_sequence": 1.5}, "lender_sequence"),
        ({"type": 1}, "type"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": 5}, "timestamp"),
        ({"data": []}, "data"),
        ({"data": {}}, "data has no mode"),
    ],
)
def test_another_type_is_refused_and_its_place_is_named(changes, place):
    with pytest.raises(BadAnswer, match=place):
        parse(Page[Event], page(**changes))


def test_what_is_refused_is_not_quoted():
    with pytest.raises(BadAnswer) as refused:
        parse(Page[Event], page(log_index="990101100010"))
    assert "990101100010" not in str(refused.value)


def test_a_missing_field_is_named():
    with pytest.raises(BadAnswer, match="Page has no data"):
        parse(Page[Event], b"{}")


def test_numbers_are_read_as_they_are_meant():
    said = {
        "id": "chk_a",
        "route": "eds",
        "stage": "statement",
        "attempt": 1,
        "name": "a",
        "outcome": "pass",
    }
    said |= {
        "retryable": False,
        "score": 1,
        "threshold": 0.5,
        "engine": {"name": "x"},
        "created_at": AT,
    }
    check = parse(Check, json.dumps(said).encode())
    assert (check.score, type(check.score), check.threshold, check.engine["name"]) == (
        1.0,
        float,
        0.5,
        "x",
    )
    with pytest.raises(TypeError):
        check.engine["name"] = "y"  # type: ignore[index]
    with pytest.raises(BadAnswer, match="engine"):
        parse(Check, json.dumps({**said, "engine": {"name": 1}}).encode())
    words = dict.fromkeys((f.name for f in dataclasses.fields(Clearance)), "x") | {"created_at": AT}
    with pytest.raises(BadAnswer, match="amount_max"):
        parse(Clearance, json.dumps(words).encode())


def test_a_request_says_what_is_meant_and_nothing_else():
    payment = Payment(amount=Decimal("1E+5"), iin="x", contract_sha256="y", payout_account="z")
    assert spell(payment) == {
        "amount": "100000",
        "iin": "x",
        "contract_sha256": "y",
        "payout_account": "z",
    }
    almaty = datetime(2026, 11, 28, 15, tzinfo=timezone(timedelta(hours=5)))
    assert spell({"at": almaty, "on": date(2026, 1, 2), "none": None, "some": (False, 0)}) == {
        "at": "2026-11-28T10:00:00Z",
        "on": "2026-01-02",
        "some": [False, 0],
    }
    with pytest.raises(ValueError, match="zone"):
        spell(datetime(2026, 11, 28))


def test_what_was_answered_stays_as_it_was():
    [event] = parse(Page[Event], page()).data
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.id = "evt_b"  # type: ignore[misc]
