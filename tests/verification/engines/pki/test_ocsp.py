"""Answers of responders beside the vectors, and what the library takes more kindly than we do."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha1

import pytest
from cryptography.x509 import ocsp

from insecure_sandbox import encoding as asn1
from insecure_sandbox.credential import Credential
from insecure_sandbox.ocsp_responder import (
    GOOD,
    TRY_LATER,
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
from verification.engines.pki.crl import REASONS
from verification.engines.pki.ocsp import (
    REMOVED_FROM_LIST,
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


Parts = list[bytes]


def _rebuilt(world: World, change: Callable[[Parts, Parts], None]) -> bytes:
    """The right answer with its data or the parts beside them changed; it is not signed."""
    basic = der.read_tree(
        der.read_tree(encode(right(world))).children[1].children[0].children[1].content
    )
    parts, data = (
        [each.raw for each in basic.children],
        [each.raw for each in basic.children[0].children],
    )
    change(parts, data)
    body = asn1.sequence(asn1.sequence(*data), *parts[1:])
    wrapped = asn1.sequence(asn1.oid("1.3.6.1.5.5.7.48.1.1"), asn1.octets(body))
    return asn1.sequence(asn1.element(0x0A, b"\0"), asn1.explicit(0, wrapped))


def _detail(untrusted: bytes) -> str:
    with pytest.raises(Refused) as refused:
        parse_response(untrusted, max_bytes=LIMIT)
    assert refused.value.code == "eds_revocation_unknown"
    return refused.value.detail


def test_an_answer_reads_as_another_reader_reads_it(world: World) -> None:
    found = parse_response(_rebuilt(world, lambda _parts, _data: None), max_bytes=LIMIT)
    assert (found.state, found.reason, found.produced_at, found.this_update) == (
        State.GOOD,
        None,
        AT,
        AT,
    )
    assert (found.nonce, found.cert_id[3]) == (NONCE, world.leaf.serial)
    assert found.certificates == right(world).certificates


@pytest.mark.parametrize("reason", sorted(REASONS - {REMOVED_FROM_LIST}))
def test_a_reason_keeps_its_number(rsa: World, reason: int) -> None:
    encoded = encode(replace(right(rsa), status=revoked(AT, reason=reason)))
    assert parse_response(encoded, max_bytes=LIMIT).reason == reason


def _with_marks(mark: bytes) -> Callable[[Parts, Parts], None]:
    def change(_parts: Parts, data: Parts) -> None:
        data[-1] = asn1.explicit(1, asn1.sequence(mark))

    return change


def _with_critical_status(_parts: Parts, data: Parts) -> None:
    single = der.read_tree(data[2]).children[0].children
    marks = asn1.explicit(1, asn1.sequence(asn1.extension("1.2.3.4", asn1.null(), critical=True)))
    data[2] = asn1.sequence(asn1.sequence(*(each.raw for each in single), marks))


def _with_five_certificates(parts: Parts, _data: Parts) -> None:
    parts[3] = asn1.explicit(
        0, asn1.sequence(*[der.read_tree(parts[3]).children[0].children[0].raw] * 5)
    )


def _with_unused_bits(parts: Parts, _data: Parts) -> None:
    parts[2] = asn1.bits(b"\xf0" * 64, unused=4)


def _with_parameters(parts: Parts, _data: Parts) -> None:
    parts[1] = asn1.sequence(asn1.oid("1.2.3.4"), asn1.integer(3))


KINDER: dict[str, tuple[Callable[[Parts, Parts], None], str]] = {
    "a nonce without its octet string": (
        _with_marks(asn1.extension("1.3.6.1.5.5.7.48.1.2", NONCE)),
        "octet string",
    ),
    "an empty nonce": (_with_marks(asn1.extension("1.3.6.1.5.5.7.48.1.2", b"")), "octet string"),
    "a critical extension": (
        _with_marks(asn1.extension("1.2.3.4", asn1.null(), critical=True)),
        "unknown critical",
    ),
    "a critical extension of the status": (_with_critical_status, "unknown critical"),
    "five certificates": (_with_five_certificates, "too many"),
    "a signature that does not fill its bytes": (_with_unused_bits, "unused bits"),
    "an algorithm with parameters": (_with_parameters, "parameters"),
}


@pytest.mark.parametrize(("change", "why"), KINDER.values(), ids=KINDER)
def test_what_the_library_takes_leaves_the_status_open(
    rsa: World, change: Callable[[Parts, Parts], None], why: str
) -> None:
    encoded = _rebuilt(rsa, change)
    assert ocsp.load_der_ocsp_response(encoded).certificate_status is ocsp.OCSPCertStatus.GOOD
    assert why in _detail(encoded)


def _with_version(number: int) -> Callable[[Parts, Parts], None]:
    return lambda _parts, data: data.insert(0, asn1.explicit(0, asn1.integer(number)))


def _with_no_certificate(parts: Parts, _data: Parts) -> None:
    parts[3] = asn1.explicit(0, asn1.sequence(asn1.null()))


def _with_a_fraction(_parts: Parts, data: Parts) -> None:
    data[1] = asn1.element(0x18, b"20261124120000.5Z")


def _with_another_hash(_parts: Parts, data: Parts) -> None:
    data[2] = data[2].replace(
        asn1.oid("2.16.840.1.101.3.4.2.1"), asn1.oid("2.16.840.1.101.3.4.2.9")
    )


REFUSED_BY_THE_LIBRARY: dict[str, Callable[[Parts, Parts], None]] = {
    "its first version in words": _with_version(0),
    "another version": _with_version(1),
    "something else than a certificate": _with_no_certificate,
    "a fraction of a second": _with_a_fraction,
    "an unknown hash": _with_another_hash,
    "no status": lambda _parts, data: data.__setitem__(2, asn1.sequence()),
    "an extension twice": _with_marks(asn1.extension("1.2.3.4", asn1.null()) * 2),
}


@pytest.mark.parametrize("change", REFUSED_BY_THE_LIBRARY.values(), ids=REFUSED_BY_THE_LIBRARY)
def test_what_the_library_refuses_leaves_the_status_open(
    rsa: World, change: Callable[[Parts, Parts], None]
) -> None:
    assert _detail(_rebuilt(rsa, change)) == "answer: not as RFC 6960 has it"


def test_parameters_nested_until_a_stack_is_full_refuse_before_the_library_sees_them(
    rsa: World,
) -> None:
    def nest(parts: Parts, _data: Parts) -> None:
        pss = asn1.oid("1.2.840.113549.1.1.10")
        for _ in range(300):
            parts[1] = asn1.sequence(pss, asn1.sequence(asn1.explicit(0, parts[1])))

    assert _detail(_rebuilt(rsa, nest)) == "nested too deeply"


def test_a_responder_that_does_not_answer_says_why_whatever_comes_with_it(rsa: World) -> None:
    assert _detail(TRY_LATER) == "the responder says try later"
    answered = encode(right(rsa))
    assert answered.count(b"\x0a\x01\x00") == 1
    assert (
        _detail(answered.replace(b"\x0a\x01\x00", b"\x0a\x01\x03"))
        == "the responder says try later"
    )
