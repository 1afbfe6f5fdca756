"""Answers of responders: the right one is believed, and the smallest wrong change leaves the status
open.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha1

import pytest

from insecure_sandbox import encoding as asn1
from insecure_sandbox.credential import Credential
from insecure_sandbox.ocsp_responder import (
    GOOD,
    Answer,
    certify_responder,
    encode,
    read_question,
    revoked,
)
from tests.verification.engines.pki.world import AT, World
from verification.core.errors import Refused
from verification.engines.pki import der
from verification.engines.pki.certificate import parse_certificate
from verification.engines.pki.ocsp import (
    RevocationStatus,
    State,
    build_request,
    check_response,
    parse_response,
)

NONCE = bytes(range(32))
LIMIT = 32 * 1024
MAX_AGE = timedelta(minutes=5)
SKEW = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
Change = Callable[[World, Answer], Answer]


@cache
def responder(world: World, **changes: object) -> Credential:
    """A responder with this world's spare key."""
    return certify_responder(world.authority, at=AT, key=world.spare_key, **changes)  # type: ignore[arg-type]


def right(world: World) -> Answer:
    """The answer that clears the leaf of a world."""
    signer = responder(world)
    question = read_question(build_request(world.leaf, issuer=world.issuer, nonce=NONCE))
    return Answer(
        signer=signer,
        cert_id=question.cert_id,
        status=GOOD,
        produced_at=AT,
        this_update=AT,
        nonce=question.nonce,
        certificates=(signer.certificate,),
    )


def judge(
    world: World, encoded: bytes, *, nonce: bytes = NONCE, at: datetime = AT
) -> RevocationStatus:
    """What the answer says of the leaf, or why it is not believed."""
    response = parse_response(encoded, max_bytes=LIMIT)
    given = {"certificate": world.leaf, "issuer": world.issuer, "nonce": nonce, "at": at}
    return check_response(response, **given, max_age=MAX_AGE, clock_skew=SKEW)  # type: ignore[arg-type]


def problem(world: World, encoded: bytes, *, nonce: bytes = NONCE, at: datetime = AT) -> str:
    """Why the answer is not believed; fails if it is, or if the code says anything but
    "unknown".
    """
    with pytest.raises(Refused) as refused:
        judge(world, encoded, nonce=nonce, at=at)
    assert refused.value.code == "eds_revocation_unknown"
    return refused.value.detail


def test_the_right_answer_clears(world: World) -> None:
    status = judge(world, encode(right(world)))
    assert (status.state, status.source, status.as_of) == (State.GOOD, "ocsp", AT)


def test_the_question_has_the_hashes_the_serial_and_the_nonce(world: World) -> None:
    question = read_question(build_request(world.leaf, issuer=world.issuer, nonce=NONCE))
    assert (question.serial, question.nonce) == (world.leaf.serial, NONCE)
    with pytest.raises(ValueError, match="32 bytes"):
        build_request(world.leaf, issuer=world.issuer, nonce=b"short")


@pytest.mark.parametrize("reason", [None, 1, 6])
def test_a_revocation_is_told_with_its_reason_and_time(world: World, reason: int | None) -> None:
    since = AT - timedelta(days=1)
    status = judge(world, encode(replace(right(world), status=revoked(since, reason=reason))))
    assert (status.state, status.reason, status.revoked_at) == (State.REVOKED, reason or 0, since)
    assert status.is_hold == (reason == 6)


def _named_by_key(world: World, answer: Answer) -> Answer:
    bits = (
        der.read_tree(parse_certificate(answer.signer.certificate).tbs)
        .children[6]
        .children[1]
        .content[1:]
    )
    return replace(answer, by_key=sha1(bits, usedforsecurity=False).digest())


def _nocheck_with_a_value(world: World, answer: Answer) -> Answer:
    signer = responder(world, nocheck=asn1.null())
    return replace(answer, signer=signer, certificates=(signer.certificate,))


PASSING: dict[str, Change] = {
    "named by its key": _named_by_key,
    "nocheck with a value": _nocheck_with_a_value,
    "an unknown extension": lambda _, a: replace(
        a, response_extensions=(asn1.extension("1.2.3.4", asn1.null()),)
    ),
}


@pytest.mark.parametrize("change", PASSING.values(), ids=PASSING)
def test_what_still_may_be_passes(world: World, change: Change) -> None:
    assert judge(world, encode(change(world, right(world)))).state is State.GOOD


def _sha384_id(world: World, answer: Answer) -> Answer:
    return replace(
        answer,
        cert_id=answer.cert_id.replace(
            asn1.oid("2.16.840.1.101.3.4.2.1"), asn1.oid("2.16.840.1.101.3.4.2.2")
        ),
    )


REFUSED: dict[str, tuple[Change, str]] = {
    "hashes of another kind": (_sha384_id, "another certificate"),
    "produced in the future": (lambda _, a: replace(a, produced_at=AT + SKEW + SECOND), "future"),
}


@pytest.mark.parametrize(("change", "why"), REFUSED.values(), ids=REFUSED)
def test_the_smallest_wrong_change_leaves_the_status_open(
    world: World, change: Change, why: str
) -> None:
    assert why in problem(world, encode(change(world, right(world))))


def test_no_answer_is_believed_without_a_nonce_of_ours(world: World) -> None:
    assert "nonce" in problem(world, encode(replace(right(world), nonce=b"")), nonce=b"")


def test_trailing_bytes_and_oversize_leave_the_status_open(rsa: World) -> None:
    encoded = encode(right(rsa))
    problem(rsa, encoded + b"\0")
    assert parse_response(encoded, max_bytes=len(encoded))
    with pytest.raises(Refused, match="too large"):
        parse_response(encoded, max_bytes=len(encoded) - 1)
