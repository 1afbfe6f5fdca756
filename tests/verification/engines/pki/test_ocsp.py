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
from insecure_sandbox.authority import issue
from insecure_sandbox.credential import Credential
from insecure_sandbox.ocsp_responder import (
    GOOD,
    TRY_LATER,
    UNKNOWN,
    Answer,
    certify_responder,
    encode,
    read_question,
    revoked,
)
from tests.verification.engines.pki.world import AT, PERSON, World, foreign_authority
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


def by(world: World, answer: Answer, **changes: object) -> Answer:
    """The same answer by a responder that differs in this."""
    signer = responder(world, **changes)
    return replace(answer, signer=signer, certificates=(signer.certificate,))


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


def test_an_answer_that_says_unknown_is_believed_and_is_not_good(world: World) -> None:
    assert judge(world, encode(replace(right(world), status=UNKNOWN))).state is State.UNKNOWN


def _by_issuer(world: World, answer: Answer) -> Answer:
    return replace(answer, signer=world.authority.issuing, certificates=())


def _named_by_key(world: World, answer: Answer) -> Answer:
    bits = (
        der.read_tree(parse_certificate(answer.signer.certificate).tbs)
        .children[6]
        .children[1]
        .content[1:]
    )
    return replace(answer, by_key=sha1(bits, usedforsecurity=False).digest())


PASSING: dict[str, Change] = {
    "by the issuer itself": _by_issuer,
    "named by its key": _named_by_key,
    "five minutes old": lambda _, a: replace(a, produced_at=AT - MAX_AGE, this_update=AT - MAX_AGE),
    "a minute ahead": lambda _, a: replace(a, produced_at=AT + SKEW, this_update=AT + SKEW),
    "with nextUpdate": lambda _, a: replace(a, next_update=AT + SECOND),
    "nocheck with a value": lambda w, a: by(w, a, nocheck=asn1.null()),
    "an unknown extension": lambda _, a: replace(
        a, response_extensions=(asn1.extension("1.2.3.4", asn1.null()),)
    ),
}


@pytest.mark.parametrize("change", PASSING.values(), ids=PASSING)
def test_what_still_may_be_passes(world: World, change: Change) -> None:
    assert judge(world, encode(change(world, right(world)))).state is State.GOOD


def _other_authority(world: World, answer: Answer) -> Answer:
    """An authority of the same name certified the responder."""
    signer = certify_responder(foreign_authority(world.family), at=AT, key=world.spare_key)
    return replace(answer, signer=signer, certificates=(signer.certificate,))


def _by_leaf(world: World, answer: Answer) -> Answer:
    return replace(answer, signer=world.person, certificates=(world.person.certificate,))


def _about(world: World, answer: Answer, **changes: object) -> Answer:
    """The answer to the question about another certificate."""
    leaf = replace(world.leaf, **changes)  # type: ignore[arg-type]
    return replace(
        answer, cert_id=read_question(build_request(leaf, issuer=world.issuer, nonce=NONCE)).cert_id
    )


def _of_issuer(world: World, answer: Answer, issuer_der: bytes) -> Answer:
    issuer = parse_certificate(issuer_der)
    return replace(
        answer, cert_id=read_question(build_request(world.leaf, issuer=issuer, nonce=NONCE)).cert_id
    )


def _same_name_other_key(world: World, answer: Answer) -> Answer:
    return _of_issuer(world, answer, foreign_authority(world.family).issuing.certificate)


def _sha384_id(world: World, answer: Answer) -> Answer:
    return replace(
        answer,
        cert_id=answer.cert_id.replace(
            asn1.oid("2.16.840.1.101.3.4.2.1"), asn1.oid("2.16.840.1.101.3.4.2.2")
        ),
    )


def _foreign_key(world: World, answer: Answer) -> Answer:
    return replace(answer, signer=replace(answer.signer, private_key=world.person.private_key))


REFUSED: dict[str, tuple[Change, str]] = {
    "unsigned": (lambda _, a: replace(a, signature=bytes(128)), "signature does not fit"),
    "signed by another key": (_foreign_key, "signature does not fit"),
    "by another authority of that name": (_other_authority, "another authority"),
    "by a borrower's certificate": (_by_leaf, "may not answer"),
    "without ocspSigning": (lambda w, a: by(w, a, purpose="1.3.6.1.5.5.7.3.2"), "may not answer"),
    "without nocheck": (lambda w, a: by(w, a, nocheck=None), "itself is revoked is open"),
    "an unknown critical extension of the responder": (
        lambda w, a: by(w, a, extensions=(asn1.extension("1.2.3.4", asn1.null(), critical=True),)),
        "unknown critical",
    ),
    "an expired responder": (lambda w, a: by(w, a, days=0), "not valid at the time"),
    "the responder's certificate left out": (lambda _, a: replace(a, certificates=()), "not there"),
    "another serial number": (
        lambda w, a: _about(w, a, serial=w.leaf.serial + 1),
        "another certificate",
    ),
    "another issuer": (
        lambda w, a: _of_issuer(w, a, w.authority.root.certificate),
        "another certificate",
    ),
    "an issuer of the same name": (_same_name_other_key, "another certificate"),
    "hashes of another kind": (_sha384_id, "another certificate"),
    "another nonce": (lambda _, a: replace(a, nonce=bytes(32)), "nonce"),
    "no nonce": (lambda _, a: replace(a, nonce=None), "nonce"),
    "older than five minutes": (
        lambda _, a: replace(a, this_update=AT - MAX_AGE - SECOND),
        "stale",
    ),
    "produced long ago": (lambda _, a: replace(a, produced_at=AT - MAX_AGE - SECOND), "stale"),
    "from the future": (lambda _, a: replace(a, this_update=AT + SKEW + SECOND), "future"),
    "produced in the future": (lambda _, a: replace(a, produced_at=AT + SKEW + SECOND), "future"),
    "past its nextUpdate": (lambda _, a: replace(a, next_update=AT), "stale"),
    "an unknown critical extension": (
        lambda _, a: replace(
            a, response_extensions=(asn1.extension("1.2.3.4", asn1.null(), critical=True),)
        ),
        "unknown critical",
    ),
    "removed from a list": (
        lambda _, a: replace(a, status=revoked(AT, reason=8)),
        "no such reason",
    ),
    "a reason that is none": (
        lambda _, a: replace(a, status=revoked(AT, reason=7)),
        "not as RFC 6960 has it",
    ),
    "a good status with content": (
        lambda _, a: replace(a, status=asn1.element(0x80, b"\0")),
        "not as RFC 6960 has it",
    ),
}


@pytest.mark.parametrize(("change", "why"), REFUSED.values(), ids=REFUSED)
def test_the_smallest_wrong_change_leaves_the_status_open(
    world: World, change: Change, why: str
) -> None:
    assert why in problem(world, encode(change(world, right(world))))


def test_no_answer_is_believed_without_a_nonce_of_ours(world: World) -> None:
    assert "nonce" in problem(world, encode(replace(right(world), nonce=b"")), nonce=b"")


@pytest.mark.parametrize(
    ("untrusted", "why"),
    [
        (TRY_LATER, "try later"),
        (asn1.sequence(asn1.element(0x0A, b"\x06")), "unauthorized"),
        (asn1.sequence(asn1.element(0x0A, b"\x63")), "not as RFC 6960 has it"),
        (asn1.sequence(asn1.element(0x0A, b"\0")), "not as RFC 6960 has it"),
        (b"", "not exactly one"),
        (b"<html>503</html>", ""),
        (b"\x30\x80\x0a\x01\x00\x00\x00", "not DER"),
    ],
)
def test_what_is_no_answer_leaves_the_status_open(rsa: World, untrusted: bytes, why: str) -> None:
    assert why in problem(rsa, untrusted)


def test_trailing_bytes_and_oversize_leave_the_status_open(rsa: World) -> None:
    encoded = encode(right(rsa))
    problem(rsa, encoded + b"\0")
    assert parse_response(encoded, max_bytes=len(encoded))
    with pytest.raises(Refused, match="too large"):
        parse_response(encoded, max_bytes=len(encoded) - 1)


def test_an_answer_for_one_person_says_nothing_of_another(world: World) -> None:
    other = parse_certificate(
        issue(world.authority, **PERSON, at=AT, key=world.spare_key).certificate
    )
    with pytest.raises(Refused, match="another certificate"):
        check_response(
            parse_response(encode(right(world)), max_bytes=LIMIT),
            certificate=other,
            issuer=world.issuer,
            nonce=NONCE,
            at=AT,
            max_age=MAX_AGE,
            clock_skew=SKEW,
        )


def test_two_statuses_in_one_answer_leave_the_status_open(rsa: World) -> None:
    encoded = encode(right(rsa))
    body = der.read_tree(
        der.read_tree(encoded).children[1].children[0].children[1].content
    ).children[0]
    single = body.children[2].children[0].raw
    parts = [each.raw for each in body.children]
    parts[2] = asn1.sequence(single, single)
    signer = right(rsa).signer
    basic = asn1.sequence(
        asn1.sequence(*parts), asn1.algorithm("1.2.840.113549.1.1.11"), asn1.bits(b"x")
    )
    wrapped = asn1.sequence(asn1.oid("1.3.6.1.5.5.7.48.1.1"), asn1.octets(basic))
    doubled = asn1.sequence(asn1.element(0x0A, b"\0"), asn1.explicit(0, wrapped))
    assert signer.family == "rsa"
    assert "not as RFC 6960 has it" in problem(rsa, doubled)
