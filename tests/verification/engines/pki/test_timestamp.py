"""Time-stamps: the right one proves the time, and the smallest wrong change does not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insecure_sandbox import encoding as asn1
from insecure_sandbox.authority import make_crl
from insecure_sandbox.credential import Credential
from insecure_sandbox.signing import sign_cms
from insecure_sandbox.timestamping import (
    REJECTED,
    Timestamp,
    certify_timestamping,
    encode,
    granted,
    signature_value,
    stamp,
    with_tokens,
)
from tests.verification.engines.pki.statements import verify
from tests.verification.engines.pki.world import AT, LIMIT, STATEMENT, World, foreign_authority
from verification.core.errors import Refused
from verification.engines.gost.streebog import streebog512
from verification.engines.pki import der, keys
from verification.engines.pki.cms import parse_cms
from verification.engines.pki.revocation import Answers, Limits
from verification.engines.pki.signatures import find_token
from verification.engines.pki.timestamp import (
    IMPRINTS,
    ProvenTime,
    TimestampToken,
    TimestampTrust,
    build_request,
    open_response,
    parse_token,
    verify_answer,
    verify_inside,
)

POLICIES = ("1.2.398.3.3.2.6.2", "1.2.398.3.3.2.6.4")
SKEW, SECOND = timedelta(minutes=1), timedelta(seconds=1)
LIMITS = Limits(ocsp_max_bytes=LIMIT, ocsp_max_age=5 * SKEW, crl_max_bytes=LIMIT, clock_skew=SKEW)
Change = Callable[[World, Timestamp], Timestamp]


@cache
def authority(world: World, **changes: object) -> Credential:
    """A time-stamp authority with this world's spare key."""
    given: dict[str, object] = {"at": AT - timedelta(days=30), "key": world.spare_key} | changes
    return certify_timestamping(world.authority, **given)  # type: ignore[arg-type]


@cache
def good_list(world: World) -> bytes:
    """The issuer's list, on which no time-stamp authority stands; it holds as long as anything
    here.
    """
    return make_crl(
        world.authority,
        revoked={},
        number=1,
        this_update=AT - timedelta(hours=1),
        next_update=AT + timedelta(days=400),
    )


@cache
def statement(world: World) -> bytes:
    """The borrower's signed statement, without a time-stamp."""
    return sign_cms(world.person, STATEMENT, signed_at=AT)


def right(world: World) -> Timestamp:
    """The time-stamp of the statement."""
    return stamp(authority(world), signature_value(statement(world)), at=AT)


def trust(world: World, **changes: object) -> TimestampTrust:
    """What the world trusts."""
    given: dict[str, object] = {"anchors": [world.root], "intermediates": [world.issuer]}
    given |= {
        "accepted_policies": POLICIES,
        "max_bytes": LIMIT,
        "clock_skew": SKEW,
        "limits": LIMITS,
    }
    given |= {"answers": Answers(crls=[good_list(world)])} | changes
    return TimestampTrust(**given)  # type: ignore[arg-type]


def judge(
    world: World, *tokens: bytes, in_one: bool = False, at: datetime = AT, **of: object
) -> ProvenTime | None:
    """What is proven by the token in the statement."""
    cms = with_tokens(statement(world), *tokens, in_one=in_one) if tokens else statement(world)
    signed = parse_cms(cms, max_bytes=LIMIT)
    token = find_token(signed)
    return verify_inside(token, signed=signed, trust=trust(world, **of), at=at) if token else None


def refusal(world: World, *tokens: bytes, in_one: bool = False, at: datetime = AT) -> Refused:
    """Why the tokens in the statement prove nothing."""
    with pytest.raises(Refused) as refused:
        judge(world, *tokens, in_one=in_one, at=at)
    return refused.value


def by(timestamp: Timestamp, signer: Credential) -> Timestamp:
    """The same time-stamp by another authority."""
    return replace(timestamp, signer=signer)


def test_the_right_time_stamp_proves_the_time_and_the_statement_still_verifies(
    world: World,
) -> None:
    token = judge(world, encode(right(world)))
    assert token is not None
    assert (token.time, token.policy) == (AT, right(world).policy)
    verify(with_tokens(statement(world), encode(right(world))))


def test_a_statement_without_one_proves_none(world: World) -> None:
    assert judge(world) is None


def _legacy(name: str) -> Change:
    def change(world: World, timestamp: Timestamp) -> Timestamp:
        digest = IMPRINTS[name](signature_value(statement(world)))
        return replace(timestamp, imprint_oid=name, imprint=digest)

    return change


PASSING: dict[str, Change] = {
    "SHA-256": _legacy(keys.SHA256),
    "Streebog-512": _legacy(keys.STREEBOG_512),
    "34.311-95": _legacy(keys.GOST_34311),
    "named by SHA-1": lambda _, t: replace(t, ess="v1"),
    "not named": lambda _, t: replace(t, ess=""),
    "a minute ahead": lambda _, t: replace(t, time=AT + SKEW),
    "at the certificate's beginning": lambda w, t: replace(t, time=w.leaf.not_before),
    "an unknown extension": lambda _, t: replace(
        t, extensions=(asn1.extension("1.2.3.4", asn1.null()),)
    ),
}


@pytest.mark.parametrize("change", PASSING.values(), ids=PASSING)
def test_what_still_may_be_passes(world: World, change: Change) -> None:
    assert judge(world, encode(change(world, right(world)))) is not None


def _imprint_of(content: bytes) -> Change:
    def change(world: World, timestamp: Timestamp) -> Timestamp:
        return replace(timestamp, imprint=keys.ALGORITHMS[world.family].digest(content))

    return change


def _other_root(world: World, timestamp: Timestamp) -> Timestamp:
    other = foreign_authority(world.family)
    return by(timestamp, certify_timestamping(other, at=AT, key=world.spare_key))


def _wrong_key(world: World, timestamp: Timestamp) -> Timestamp:
    return by(timestamp, replace(timestamp.signer, private_key=world.person.private_key))


UNTRUSTED, INVALID, TIME = "eds_timestamp_untrusted", "eds_timestamp_invalid", "eds_timestamp_time"
_EMAIL, _STAMPING = "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.8"
REFUSED: dict[str, tuple[Change, str]] = {
    "over another signature": (_imprint_of(b"another signature"), INVALID),
    "over the statement": (_imprint_of(STATEMENT), INVALID),
    "a hash that is none of ours": (lambda _, t: replace(t, imprint_oid="1.3.14.3.2.26"), INVALID),
    "the hash of one kind under the name of another": (
        lambda w, t: replace(t, imprint_oid=keys.GOST_34311),
        INVALID,
    ),
    "unsigned": (lambda _, t: replace(t, signature=bytes(128)), INVALID),
    "signed by another key": (_wrong_key, INVALID),
    "signed as plain data": (lambda _, t: replace(t, content_type="1.2.840.113549.1.7.1"), INVALID),
    "naming another certificate": (lambda w, t: replace(t, named=w.leaf.der), INVALID),
    "naming another certificate by SHA-1": (
        lambda w, t: replace(t, named=w.leaf.der, ess="v1"),
        INVALID,
    ),
    "version 2": (lambda _, t: replace(t, version=2), INVALID),
    "an unknown critical extension": (
        lambda _, t: replace(
            t, extensions=(asn1.extension("1.2.3.4", asn1.null(), critical=True),)
        ),
        INVALID,
    ),
    "under another root of that name": (_other_root, UNTRUSTED),
    "without the purpose": (lambda w, t: by(t, authority(w, purposes=(_EMAIL,))), UNTRUSTED),
    "with another purpose besides": (
        lambda w, t: by(t, authority(w, purposes=(_STAMPING, _EMAIL))),
        UNTRUSTED,
    ),
    "with a purpose that is not critical": (
        lambda w, t: by(t, authority(w, critical=False)),
        UNTRUSTED,
    ),
    "by an authority that had expired": (lambda w, t: by(t, authority(w, days=2)), UNTRUSTED),
    "by an authority of later days": (
        lambda w, t: by(t, authority(w, at=AT + timedelta(days=2))),
        UNTRUSTED,
    ),
    "by the borrower": (lambda w, t: by(t, w.person), UNTRUSTED),
    "under another policy": (lambda _, t: replace(t, policy="1.2.398.3.3.2.6.9"), UNTRUSTED),
    "in the future": (lambda _, t: replace(t, time=AT + SKEW + SECOND), TIME),
    "before the certificate": (lambda w, t: replace(t, time=w.leaf.not_before - SECOND), TIME),
}


@pytest.mark.parametrize(("change", "code"), REFUSED.values(), ids=REFUSED)
def test_the_smallest_wrong_change_proves_nothing(world: World, change: Change, code: str) -> None:
    assert refusal(world, encode(change(world, right(world)))).code == code


@pytest.mark.parametrize(("late", "code"), [(timedelta(0), ""), (SECOND, TIME)])
def test_a_time_stamp_after_the_certificates_end_proves_nothing(
    world: World, late: timedelta, code: str
) -> None:
    end = world.leaf.not_after
    signer = authority(world, at=end - timedelta(days=1))
    encoded = encode(by(replace(right(world), time=end + late), signer))
    if code:
        assert refusal(world, encoded, at=end + late).code == code
    else:
        assert judge(world, encoded, at=end) is not None


@pytest.mark.parametrize("in_one", [True, False])
def test_two_time_stamps_prove_nothing(world: World, in_one: bool) -> None:
    encoded = encode(right(world))
    assert judge(world, encoded, in_one=in_one) is not None
    assert refusal(world, encoded, encoded, in_one=in_one).code == INVALID


@pytest.mark.parametrize("token", [b"\x30\x00", asn1.null(), asn1.octets(b"x")])
def test_what_is_no_token_proves_nothing(world: World, token: bytes) -> None:
    assert refusal(world, token).code == INVALID


def test_a_token_of_plain_data_proves_nothing(world: World) -> None:
    plain = sign_cms(authority(world), b"", signed_at=AT)
    assert refusal(world, plain).code == INVALID


@pytest.mark.parametrize(
    ("time", "micros"),
    [
        (b"20261124120000.5Z", 500_000),
        (b"20261124120000.123456789Z", 123_456),
        (b"20261124120000Z", 0),
    ],
)
def test_fractions_of_a_second_are_read(world: World, time: bytes, micros: int) -> None:
    assert _with_time(world, time).time == AT.replace(microsecond=micros)


@pytest.mark.parametrize(
    "time", [b"20261124120000.50Z", b"20261124120000.Z", b"20261124120000", b"20261324120000Z"]
)
def test_other_spellings_of_a_time_are_refused(world: World, time: bytes) -> None:
    with pytest.raises(Refused):
        _with_time(world, time)


def _with_time(world: World, time: bytes) -> TimestampToken:
    """The token read with this genTime; its signature does not fit any more."""
    encoded = encode(right(world))
    wrapped = (
        der.read_tree(encoded).children[1].children[0].children[2].children[1].children[0].content
    )
    old = der.read_tree(wrapped).children[4].raw
    info = asn1.sequence(
        *(each.raw if each.raw != old else asn1.element(0x18, time) for each in _parts(wrapped))
    )
    return parse_token(_replaced(encoded, wrapped, info), max_bytes=LIMIT)


def _parts(info: bytes) -> list[der.Element]:
    return der.read_tree(info).children


def _replaced(encoded: bytes, old: bytes, new: bytes) -> bytes:
    kind, wrapped = der.read_tree(encoded).children
    parts = [each.raw for each in wrapped.children[0].children]
    content = der.read_tree(parts[2]).children[0].raw
    parts[2] = asn1.sequence(content, asn1.explicit(0, asn1.octets(new)))
    assert old in encoded
    return asn1.sequence(kind.raw, asn1.explicit(0, asn1.sequence(*parts)))


def test_the_question_is_over_the_signature_value_and_carries_the_nonce(world: World) -> None:
    oid = keys.ALGORITHMS[world.family].digest_oid
    parts = der.read_tree(build_request(b"signature", imprint_oid=oid, nonce=77)).children
    digest = (
        streebog512(b"signature") if world.family == "gost512" else sha256(b"signature").digest()
    )
    assert parts[1].children[1].content == digest
    assert (parts[2].content, parts[3].content) == (b"\x4d", b"\xff")


@pytest.mark.parametrize(("nonce", "passes"), [(77, True), (78, False), (None, False)])
def test_what_we_asked_for_must_carry_our_nonce_and_is_otherwise_our_fault(
    world: World, nonce: int | None, passes: bool
) -> None:
    answer = granted(encode(replace(right(world), nonce=nonce)))
    signed = parse_cms(statement(world), max_bytes=LIMIT)
    if passes:
        assert verify_answer(answer, nonce=77, signed=signed, trust=trust(world), at=AT).time == AT
        return
    with pytest.raises(Refused) as refused:
        verify_answer(answer, nonce=77, signed=signed, trust=trust(world), at=AT)
    assert refused.value.code == "eds_timestamp_unavailable"


@pytest.mark.parametrize(
    "answer", [REJECTED, b"", b"<html>", asn1.sequence(asn1.sequence(asn1.integer(0)))]
)
def test_an_answer_without_a_token_is_our_fault(rsa: World, answer: bytes) -> None:
    signed = parse_cms(statement(rsa), max_bytes=LIMIT)
    with pytest.raises(Refused) as refused:
        verify_answer(answer, nonce=77, signed=signed, trust=trust(rsa), at=AT)
    assert refused.value.code == "eds_timestamp_unavailable"


def test_an_answer_that_is_too_large_is_refused() -> None:
    with pytest.raises(Refused, match="too large"):
        open_response(bytes(LIMIT + 1), max_bytes=LIMIT)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_token_or_refused(untrusted: bytes) -> None:
    for read in (parse_token, open_response):
        with pytest.raises(Refused):
            read(untrusted, max_bytes=LIMIT)
