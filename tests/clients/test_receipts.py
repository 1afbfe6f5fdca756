"""What the client verifies offline: receipts, heads of the log, webhooks and their fields."""

import asyncio
import base64
import copy
import dataclasses
import json
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest
import standardwebhooks
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from lenders import endpoints
from tests.clients.lender_side import Seen
from tests.scripts.receipt_samples import ACCOUNT, IIN, answer, entry, facts, keys, placed
from tests.scripts.test_verify_receipt import root_file, why_not
from tests.verification.log import naive
from tulga import checkpoints, receipts, webhooks
from tulga.checkpoints import Memory
from tulga.errors import BadAnswer, Refused, Reused
from tulga.fields import parse, spell
from tulga.resources import Check, Clearance, Consistency, Event, Page, Payment
from tulga.webhooks import TOLERANCE_SECONDS, Verifier
from verification.artifacts import signing
from verification.core.decision_receipt import build
from verification.log import checkpoint
from verification.log.checkpoint import Checkpoint, SigningKey

# The client verifies receipts and heads of the log offline.


# The client judges a receipt as scripts/verify_receipt.py does, in what that script's own tests
# leave out.


ABOUT = {"iin": IIN, "payout_account": ACCOUNT}


@pytest.fixture(scope="module")
def live():
    return answer()


def test_a_good_receipt_is_told(live):
    told = receipts.verify(json.dumps(live).encode(), keys(), root=root_file(), about=ABOUT)
    assert (told.status, told.verification, told.releases) == (
        "verified",
        facts().verification,
        ("eds-1",),
    )
    assert (told.profile.id, told.code, told.attempts[0]["outcome"]) == (
        "KZ-2025-01",
        None,
        "passed",
    )
    assert why_not(live) == why_not(live, by_root=False) == why_not(live, about={"iin": None}) == ""


@pytest.mark.parametrize(
    "untrusted",
    [b"", b"[]", b"{}", b'{"receipt": 1, "log": {}}', b'{"receipt": "a.b.c", "log": {}}'],
)
def test_another_answer_is_refused(untrusted):
    with pytest.raises(Refused):
        receipts.verify(untrusted, keys())


def test_one_that_is_too_large_is_refused(live):
    with pytest.raises(Refused, match="large"):
        receipts.verify(json.dumps(live).encode() + b" " * receipts.ANSWER_MAX_BYTES, keys())


@pytest.mark.parametrize("index", [None, 5, 7, 6.0, True, "6", 10**30])
def test_another_place_is_refused(live, index):
    changed = copy.deepcopy(live)
    changed["log"]["index"] = index
    assert why_not(changed)


def test_a_key_of_one_mode_signs_no_receipt_of_another():
    jws = signing.sign_compact(build(facts()), mode="test", type_=signing.RECEIPT_TYPE)
    assert why_not(answer(jws=jws))
    assert why_not(answer(jws=jws), by_root=False)


def test_an_entry_in_another_spelling_is_refused():
    jws = signing.sign_compact(build(facts()), mode="live", type_=signing.RECEIPT_TYPE)
    said = {"receipt": jws, "openings": None}
    spelled = {
        one: json.dumps(entry(facts(), jws), sort_keys=True, separators=(",", one)).encode()
        for one in (":", ": ")
    }
    assert why_not({**said, "log": placed(spelled[":"], mode="live")}, about={}) == ""
    assert why_not({**said, "log": placed(spelled[": "], mode="live")}, about={})


def test_a_proof_in_another_spelling_is_refused(live):
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    line = live["log"]["proof"].split("\n")[2]
    # 32 bytes leave two bits of the last letter unused
    other = f"{line[:-2]}{letters[letters.index(line[-2]) ^ 1]}="
    assert base64.b64decode(other) == base64.b64decode(line)
    changed = copy.deepcopy(live)
    changed["log"]["proof"] = changed["log"]["proof"].replace(line, other)
    assert why_not(changed)


# The client believes a head of the log that its key signed, and none that goes back or
# contradicts the last one.


LEAVES = [b"leaf %d" % number for number in range(20)]


def signed(size, *, leaves=LEAVES, name="tulga.example/log/live", mode="live"):
    key = SigningKey(name=name, seed=settings.TULGA_LOG_KEYS[mode])
    return checkpoint.sign(Checkpoint(name, size, naive.root(leaves[:size])), key=key)


@pytest.fixture
def key():
    return checkpoints.log_key(keys(), mode="live", root=root_file())


def test_a_signed_head_is_believed(key):
    found = checkpoints.verify(signed(11), key=key)
    assert (found.origin, found.size, found.root) == (
        "tulga.example/log/live",
        11,
        naive.root(LEAVES[:11]),
    )


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        signed(11, mode="test"),
        signed(11).replace("11", "12"),
        signed(11).replace("\n11\n", "\n011\n"),
        signed(11).replace("tulga.example", "other.example"),
        signed(11).replace("\u2014", "-"),
        signed(11).rstrip("\n"),
        signed(11).partition("\u2014")[0],
        signed(11) + signed(11).rpartition("\n\n")[2],
        signed(11).replace("live", "l\ud800ve"),
        "\ud800" + signed(11),
    ],
    ids=range(12),
)
def test_anything_else_is_refused(note, key):
    with pytest.raises(Refused):
        checkpoints.verify(note, key=key)


@given(st.integers(0, len(signed(11)) - 1), st.characters())
def test_no_letter_of_it_may_change(place, letter):
    key, note = checkpoints.log_key(keys(), mode="live"), signed(11)
    changed = note[:place] + letter + note[place + 1 :]
    if changed != note:
        with pytest.raises(Refused):
            checkpoints.verify(changed, key=key)


def test_the_keys_of_a_log_are_those_of_its_mode_and_certified():
    published = json.loads(keys())
    with pytest.raises(Refused, match="not one"):
        checkpoints.log_key(
            json.dumps({"log_keys": published["log_keys"] * 2}).encode(), mode="live"
        )
    stolen = {**published["log_keys"][0], "x": published["keys"][0]["x"], "mode": "live"}
    foreign = json.dumps({"log_keys": [stolen]}).encode()
    assert checkpoints.log_key(foreign, mode="live")
    with pytest.raises(Refused, match="certificate"):
        checkpoints.log_key(foreign, mode="live", root=root_file())
    for untrusted in (b"", b"[]", b"{}", b'{"log_keys": [1]}', b'{"log_keys": [{"mode": "live"}]}'):
        with pytest.raises(Refused):
            checkpoints.log_key(untrusted, mode="live")


def proof(first, second, *, leaves=LEAVES):
    """What the API answers, or would of a fork."""
    hashes = naive.consistency(first, leaves[:second])
    return Consistency(hashes=tuple(b64encode(one).decode() for one in hashes))


def test_a_log_that_grows_is_followed(key):
    memory = Memory(key)
    for size, gap in (
        (0, None),
        (3, None),
        (3, None),
        (11, (3, 11)),
        (16, (11, 16)),
        (20, (16, 20)),
    ):
        assert memory.gap(signed(size)) == gap
        assert memory.take(signed(size), proof(*gap) if gap else None).size == size
    assert memory.note == signed(20)
    assert Memory(key, signed(11)).take(signed(12), proof(11, 12)).size == 12


@pytest.mark.parametrize("first", range(1, 20))
def test_every_size_goes_on_from_every_smaller_one_and_from_no_fork(first, key):
    for second in range(first + 1, 21):
        for leaf in {0, first - 1, first // 2}:
            forked = [*LEAVES]
            forked[leaf] = b"another"
            memory = Memory(key, signed(first))
            for given_ in (None, proof(first, second), proof(first, second, leaves=forked)):
                with pytest.raises(Refused, match="are one"):
                    memory.take(signed(second, leaves=forked), given_)
            assert memory.note == signed(first)
        assert Memory(key, signed(first)).take(signed(second), proof(first, second)).size == second


@given(st.data())
def test_no_bit_of_a_proof_may_change_and_none_be_left_out_or_put_in(data):
    second = data.draw(st.integers(2, 20))
    first = data.draw(st.integers(1, second - 1))
    hashes = [b64decode(one) for one in proof(first, second).hashes]
    key, place = (
        checkpoints.log_key(keys(), mode="live"),
        data.draw(st.integers(0, len(hashes) - 1)),
    )
    flipped = bytes([hashes[place][0] ^ 1]) + hashes[place][1:]
    changed = data.draw(
        st.sampled_from(
            (
                [*hashes[:place], flipped, *hashes[place + 1 :]],
                [*hashes[:place], *hashes[place + 1 :]],
                [*hashes[:place], hashes[place], *hashes[place:]],
                [*hashes, bytes(32)],
                hashes[::-1],
            )
        )
    )
    if changed != hashes:
        told = Consistency(hashes=tuple(b64encode(one).decode() for one in changed))
        with pytest.raises(Refused):
            Memory(key, signed(first)).take(signed(second), told)


@pytest.mark.parametrize("hashes", [("",), ("AAAA",), ("*" * 44,), ("A" * 43 + "=",) * 200])
def test_what_is_no_proof_is_refused(hashes, key):
    with pytest.raises(Refused):
        Memory(key, signed(11)).take(signed(12), Consistency(hashes=hashes))


FORK = [b"another", *LEAVES]


@pytest.mark.parametrize(
    ("note", "says"),
    [
        (signed(10), "shrunk"),
        (signed(0), "shrunk"),
        (signed(10, leaves=FORK), "shrunk"),
        (signed(11, leaves=FORK), "are one"),
        (signed(12, leaves=FORK), "are one"),
        (signed(12), "are one"),
        (signed(12, name="tulga.example/log/fork"), "another log"),
        (signed(12, mode="test"), "not signed"),
    ],
)
def test_an_inconsistent_one_is_refused_and_the_last_stays(note, says, key):
    memory = Memory(key, signed(11))
    with pytest.raises(Refused, match=says):
        memory.take(note)
    assert memory.note == signed(11)


def test_a_late_webhook_may_bring_an_older_one_and_no_other(key):
    memory = Memory(key, signed(11))
    assert memory.gap(signed(7)) == (7, 11)
    assert memory.take(signed(7), proof(7, 11), may_be_older=True).size == 7
    assert memory.take(signed(0), may_be_older=True).size == 0
    assert memory.note == signed(11)
    for fork, told in (
        (signed(11, leaves=FORK), None),
        (signed(7, leaves=FORK), proof(7, 11)),
        (signed(7), None),
    ):
        with pytest.raises(Refused, match="are one"):
            memory.take(fork, told, may_be_older=True)


FORKED = [*LEAVES[:3], b"another", *LEAVES[4:]]


def _one_thread(work):
    thread = Thread(target=work)
    thread.start()
    return thread


def _one_task(work):
    return _one_thread(lambda: asyncio.run(asyncio.to_thread(work)))


@pytest.mark.parametrize("begin", [_one_thread, _one_task])
@pytest.mark.parametrize(("size", "leaves"), [(16, LEAVES), (11, FORKED), (16, FORKED)])
def test_a_memory_that_is_shared_neither_goes_back_nor_misses_a_fork(
    key, monkeypatch, begin, size, leaves
):
    memory, taken = Memory(key, signed(3)), []
    others: list[Any] = []
    judge = checkpoints.goes_on

    def take(number, of):
        with suppress(Refused):
            taken.append(memory.take(signed(number, leaves=of), proof(3, number, leaves=of)))

    def judged(*said):
        if not others:  # just as the first is judged, another takes its own
            others.append(None)
            others.append(begin(lambda: take(size, leaves)))
            others[1].join(0.5)
        return judge(*said)

    monkeypatch.setattr(checkpoints, "goes_on", judged)
    take(11, LEAVES)
    others[1].join()
    assert [(one.size, one.root) for one in taken] == [(11, naive.root(LEAVES[:11]))]
    assert memory.note == signed(11)


def test_a_memory_is_of_what_the_key_signed(key):
    with pytest.raises(Refused):
        Memory(key, signed(11, mode="test"))


# The client verifies webhooks, and turns JSON into dataclasses and back.


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
