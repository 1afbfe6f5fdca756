"""Time-stamps: the right one proves the time, and the smallest wrong change does not."""

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
    Timestamp,
    certify_timestamping,
    encode,
    signature_value,
    stamp,
    with_tokens,
)
from tests.verification.engines.pki.statements import verify
from tests.verification.engines.pki.world import AT, LIMIT, STATEMENT, World
from verification.core.errors import Refused
from verification.engines.gost.streebog import streebog512
from verification.engines.pki import der, keys
from verification.engines.pki.cms import parse_cms
from verification.engines.pki.revocation import Answers, Limits
from verification.engines.pki.signatures import find_token
from verification.engines.pki.timestamp import (
    ProvenTime,
    TimestampToken,
    TimestampTrust,
    build_request,
    open_response,
    parse_token,
    verify_inside,
)

POLICIES = ("1.2.398.3.3.2.6.2", "1.2.398.3.3.2.6.4")
SKEW, SECOND = timedelta(minutes=1), timedelta(seconds=1)
LIMITS = Limits(ocsp_max_bytes=LIMIT, ocsp_max_age=5 * SKEW, crl_max_bytes=LIMIT, clock_skew=SKEW)


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


def judge(world: World, token: bytes, *, at: datetime = AT, **of: object) -> ProvenTime:
    """What is proven by the token in the statement."""
    signed = parse_cms(with_tokens(statement(world), token), max_bytes=LIMIT)
    inside = find_token(signed) or b""
    return verify_inside(inside, signed=signed, trust=trust(world, **of), at=at)


def by(timestamp: Timestamp, signer: Credential) -> Timestamp:
    """The same time-stamp by another authority."""
    return replace(timestamp, signer=signer)


def test_the_right_time_stamp_proves_the_time_and_the_statement_still_verifies(
    world: World,
) -> None:
    token = judge(world, encode(right(world)))
    assert (token.time, token.policy) == (AT, right(world).policy)
    verify(with_tokens(statement(world), encode(right(world))))


@pytest.mark.parametrize(("late", "code"), [(timedelta(0), ""), (SECOND, "eds_timestamp_time")])
def test_a_time_stamp_after_the_certificates_end_proves_nothing(
    world: World, late: timedelta, code: str
) -> None:
    end = world.leaf.not_after
    signer = authority(world, at=end - timedelta(days=1))
    encoded = encode(by(replace(right(world), time=end + late), signer))
    if not code:
        assert judge(world, encoded, at=end).time == end
        return
    with pytest.raises(Refused) as refused:
        judge(world, encoded, at=end + late)
    assert refused.value.code == code


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


def test_an_answer_that_is_too_large_is_refused() -> None:
    with pytest.raises(Refused, match="too large"):
        open_response(bytes(LIMIT + 1), max_bytes=LIMIT)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_token_or_refused(untrusted: bytes) -> None:
    for read in (parse_token, open_response):
        with pytest.raises(Refused):
            read(untrusted, max_bytes=LIMIT)
