"""Time-stamps of today and of old authorities."""

import base64
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insecure_sandbox import encoding as asn1
from insecure_sandbox.authority import make_crl, person_template
from insecure_sandbox.credential import Credential
from insecure_sandbox.keys import OldKey, generate_old_key, public_key_info, sign
from insecure_sandbox.minting import certify
from insecure_sandbox.signing import sign_cms
from insecure_sandbox.timestamping import (
    Timestamp,
    certify_timestamping,
    create_old_root,
    encode,
    signature_value,
    stamp,
    with_tokens,
)
from tests.verification.engines.pki.statements import verify
from tests.verification.engines.pki.world import AT, LIMIT, PERSON, STATEMENT, World
from verification.core.errors import Refused
from verification.engines.gost.curves import PARAM_SET_B_256
from verification.engines.gost.gost34310 import OldPublicKey
from verification.engines.gost.streebog import streebog512
from verification.engines.pki import der, keys
from verification.engines.pki.certificate import (
    TimestampCertificate,
    parse_certificate,
    parse_timestamp_certificate,
)
from verification.engines.pki.cms import parse_cms, parse_token_cms
from verification.engines.pki.crl import parse_crl
from verification.engines.pki.der import Element
from verification.engines.pki.path import build_path, build_timestamp_path
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

# Time-stamps beside the vectors: their times, their question, who may issue them, and the old
# GOST, which tokens alone may carry.


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
    harmless = asn1.extension("1.2.3.4", asn1.null())
    assert judge(world, encode(replace(right(world), extensions=(harmless,)))).time == AT
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


def test_a_token_with_another_time_written_in_proves_nothing(world: World) -> None:
    with pytest.raises(Refused, match="other bytes than the time-stamp's content") as refused:
        judge(world, _changed(world, time=b"20261124115959Z"))
    assert refused.value.code == "eds_timestamp_invalid"


def _with_time(world: World, time: bytes) -> TimestampToken:
    return parse_token(_changed(world, time=time), max_bytes=LIMIT)


def _changed(world: World, *, time: bytes) -> bytes:
    """The token with this genTime; its signature does not fit any more."""
    encoded = encode(right(world))
    wrapped = (
        der.read_tree(encoded).children[1].children[0].children[2].children[1].children[0].content
    )
    old = der.read_tree(wrapped).children[4].raw
    info = asn1.sequence(
        *(each.raw if each.raw != old else asn1.element(0x18, time) for each in _parts(wrapped))
    )
    return _replaced(encoded, wrapped, info)


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


HOUR = timedelta(hours=1)


def test_a_pinned_authority_needs_no_path_but_its_purpose_and_dates(world: World) -> None:
    pinned = parse_certificate(authority(world).certificate)
    unlisted: dict[str, Any] = {"anchors": [], "intermediates": [], "pinned": [pinned]}
    assert judge(world, encode(right(world)), **unlisted) is not None
    with pytest.raises(Refused, match="no issuer"):
        judge(world, encode(right(world)), **unlisted | {"pinned": []})
    unfit = authority(world, critical=False)
    pins = {"pinned": [parse_certificate(unfit.certificate)]}
    with pytest.raises(Refused, match="critically"):
        judge(world, encode(by(right(world), unfit)), **unlisted | pins)


def root_list(world: World, *serials: int, reason: int = 1, since: timedelta = -HOUR) -> bytes:
    """What the root says of the authorities under it."""
    return make_crl(
        world.authority,
        revoked=dict.fromkeys(serials, AT + since),
        reasons=dict.fromkeys(serials, reason),
        number=1,
        this_update=AT - HOUR,
        next_update=AT + HOUR,
        by=world.authority.root,
    )


def test_who_certified_the_authority_is_held_to_the_same(world: World) -> None:
    token, issuer = encode(right(world)), world.issuer.serial
    later = root_list(world, issuer, reason=5, since=timedelta(seconds=1))
    for good in (root_list(world), later):
        assert judge(world, token, above=[good]).standing.word == "good"
    for gone in (root_list(world, issuer), root_list(world, issuer, reason=5)):
        with pytest.raises(Refused, match="revoked") as refused:
            judge(world, token, above=[gone])
        assert refused.value.code == "eds_timestamp_untrusted"


def test_without_a_list_of_the_issuers_issuer_the_authority_is_open(world: World) -> None:
    token, of_issuer = (
        encode(right(world)),
        make_crl(
            world.authority, revoked={}, number=1, this_update=AT - HOUR, next_update=AT + HOUR
        ),
    )
    with pytest.raises(Refused) as refused:
        judge(world, token, above=[of_issuer])
    assert refused.value.code == "eds_revocation_unknown"
    proven = judge(world, token, above=[of_issuer], accepts_unknown_revocation=True)
    assert proven.report() == {
        "time": AT.isoformat(),
        "policy": right(world).policy,
        "authority": "unknown",
    }


_POINT = PARAM_SET_B_256.x.to_bytes(32, "little") + PARAM_SET_B_256.y.to_bytes(32, "little")
_MESSAGE = b"a token"


def _old_key_info(point: bytes = _POINT, *, hash_name: str = keys.GOST_34311_PARAMETERS) -> Element:
    parameters = asn1.sequence(asn1.oid(keys.GOST_2004_PARAMETERS), asn1.oid(hash_name))
    identifier = asn1.sequence(asn1.oid(keys.GOST_2004_KEY), parameters)
    return der.read_tree(asn1.sequence(identifier, asn1.bits(asn1.octets(point))))


def test_an_old_key_parses_for_time_stamps_alone() -> None:
    key = keys.parse_key(_old_key_info(), gost=keys.TIMESTAMP_GOST)
    assert isinstance(key, OldPublicKey)
    assert key.family == "gost2004"
    with pytest.raises(Refused) as refused:
        keys.parse_key(_old_key_info(), gost=keys.GOST)
    assert refused.value.code == "eds_algorithm_refused"


@pytest.mark.parametrize(
    "info",
    [
        _old_key_info(_POINT + _POINT),
        _old_key_info(_POINT[:-1]),
        _old_key_info(bytes(64)),
        _old_key_info(_POINT[::-1]),
        _old_key_info(hash_name=keys.STREEBOG_512),
        _old_key_info(hash_name=keys.GOST_34311),
    ],
    ids=[
        "too long",
        "too short",
        "zeros",
        "backwards",
        "the new hash",
        "a hash without parameters",
    ],
)
def test_an_old_key_with_another_point_or_other_parameters_refuses(info: Element) -> None:
    with pytest.raises(Refused) as refused:
        keys.parse_key(info, gost=keys.TIMESTAMP_GOST)
    assert refused.value.code == "eds_algorithm_refused"


def test_current_keys_serve_time_stamps_as_they_serve_borrowers() -> None:
    key = keys.parse_key(der.read_tree(public_key_info(12345)), gost=keys.TIMESTAMP_GOST)
    assert key.family == "gost512"
    keys.verify_timestamp(key, _MESSAGE, signature=sign(12345, _MESSAGE))
    with pytest.raises(Refused) as refused:
        keys.verify_timestamp(key, _MESSAGE, signature=sign(12346, _MESSAGE))
    assert refused.value.code == "eds_signature_invalid"


def test_no_table_for_borrowers_names_the_old_algorithms() -> None:
    assert set(keys.ALGORITHMS) == {"gost512", "rsa"}
    assert set(keys.TIMESTAMP_ALGORITHMS) == {"gost512", "rsa", "gost2004"}
    assert keys.GOST_34311 not in keys.DIGESTS
    assert not any(
        keys.GOST_2004_SIGNATURE in each.certificate_signatures for each in keys.ALGORITHMS.values()
    )
    old = {"digest_oid": keys.GOST_34311, "signature_oid": keys.GOST_2004_SIGNATURE}
    keys.require_algorithms(keys.TIMESTAMP_ALGORITHMS["gost2004"], **old)
    for family in ("gost512", "rsa"):
        with pytest.raises(Refused):
            keys.require_algorithms(keys.ALGORITHMS[family], **old)


def _parts_of(path: Path) -> tuple[bytes, bytes, Element]:
    """To-be-signed bytes, signature and key of a certificate that the ordinary parser refuses."""
    content = path.read_bytes()
    if content.startswith(b"-----"):
        content = base64.b64decode(b"".join(content.splitlines()[1:-1]))
    with pytest.raises(Refused) as refused:
        parse_certificate(content)
    assert refused.value.code == "eds_algorithm_refused"
    body, _, signature = der.read_tree(content).children
    return body.raw, der.whole_bits(signature, "signature"), body.children[6]


@pytest.mark.parametrize("name", ["root_gost_2020", "btsd_gost", "ucgo_gost"])
def test_the_real_root_of_2020_signed_the_authorities_below_it(
    shared_data: Path, name: str
) -> None:
    folder = shared_data / "eds" / "production_ca"
    root = keys.parse_key(_parts_of(folder / "root_gost_2020.cer")[2], gost=keys.TIMESTAMP_GOST)
    signed, signature, _ = _parts_of(folder / f"{name}.cer")
    keys.verify_timestamp(root, signed, signature=signature)
    for wrong in (signature[32:] + signature[:32], signature[::-1]):
        with pytest.raises(Refused):
            keys.verify_timestamp(root, signed, signature=wrong)
    with pytest.raises(Refused) as refused:
        keys.verify_timestamp(root, signed[:-1] + bytes([signed[-1] ^ 1]), signature=signature)
    assert refused.value.code == "eds_signature_invalid"


# Tokens of the old GOST: believed where their authority is pinned or under a pinned root.
# Nothing else of it is.


MONTH = timedelta(days=30)
ACCEPTED = (*POLICIES, "1.2.398.3.3.2.6.1", "1.2.398.3.3.2.6.3")


@cache
def old_root() -> Credential:
    """A root of the old GOST."""
    return create_old_root(at=AT)


@cache
def old_authority(world: World, **changes: object) -> Credential:
    """A time-stamp authority under the old root."""
    given: dict[str, object] = {
        "at": AT - MONTH,
        "key": generate_old_key(),
        "by": old_root(),
    } | changes
    return certify_timestamping(world.authority, **given)  # type: ignore[arg-type]


def old_stamp(world: World) -> Timestamp:
    """The old authority's time-stamp of the statement, over and signed with the old algorithms."""
    return stamp(old_authority(world), signature_value(statement(world)), at=AT)


def old_certificate(credential: Credential) -> TimestampCertificate:
    """Its certificate, for time-stamps."""
    return parse_timestamp_certificate(credential.certificate)


def old_code(world: World, timestamp: Timestamp, **trust: Any) -> str:
    """Why the token in the statement proves nothing; empty if it does."""
    given: dict[str, Any] = {
        "accepted_policies": ACCEPTED,
        "accepts_unknown_revocation": True,
    } | trust
    try:
        judge(world, encode(timestamp), **given)
    except Refused as refused:
        return refused.code
    return ""


def test_a_list_of_the_old_root_clears_no_certificate(world: World) -> None:
    times: dict[str, Any] = {
        "this_update": AT - timedelta(hours=1),
        "next_update": AT + timedelta(hours=1),
    }
    encoded = make_crl(world.authority, revoked={}, number=1, by=old_root(), **times)
    given: dict[str, Any] = {
        "accepted_policies": ACCEPTED,
        "pinned": [old_certificate(old_root())],
        "answers": Answers(crls=[encoded]),
    }
    with pytest.raises(Refused, match="must be pinned"):
        judge(world, encode(old_stamp(world)), **given)


def test_the_smallest_wrong_change_proves_nothing(world: World) -> None:
    pins = {"pinned": [old_certificate(old_root())]}
    assert old_code(world, old_stamp(world), **pins) == ""
    assert old_code(world, old_stamp(world)) == "eds_timestamp_untrusted"
    assert (
        old_code(world, old_stamp(world), **pins, accepted_policies=POLICIES)
        == "eds_timestamp_untrusted"
    )
    other = create_old_root(at=AT)
    assert (
        old_code(world, old_stamp(world), pinned=[old_certificate(other)])
        == "eds_timestamp_untrusted"
    )
    wrong = {
        "unsigned": replace(old_stamp(world), signature=bytes(64)),
        "by another key": replace(
            old_stamp(world),
            signer=replace(old_stamp(world).signer, private_key=generate_old_key()),
        ),
        "over another imprint": replace(old_stamp(world), imprint=bytes(32)),
        "naming another certificate": replace(old_stamp(world), named=world.leaf.der),
    }
    assert {name: old_code(world, each, **pins) for name, each in wrong.items()} == dict.fromkeys(
        wrong, "eds_timestamp_invalid"
    )
    for changes in ({"critical": False}, {"purposes": ("1.3.6.1.5.5.7.3.4",)}, {"days": 2}):
        unfit = replace(old_stamp(world), signer=old_authority(world, **changes))
        assert old_code(world, unfit, **pins) == "eds_timestamp_untrusted"


def test_an_old_authority_under_a_current_issuer_and_a_current_one_under_an_old_root_have_paths(
    gost: World,
) -> None:
    mixed = old_certificate(old_authority(gost, by=gost.authority.issuing))
    assert (
        len(build_timestamp_path(mixed, anchors=[gost.root], intermediates=[gost.issuer], at=AT))
        == 3
    )
    current = old_certificate(old_authority(gost, key=gost.spare_key))
    path = build_timestamp_path(
        current, anchors=[old_certificate(old_root())], intermediates=[], at=AT
    )
    assert len(path) == 2


def test_every_reader_but_that_of_tokens_refuses_an_old_certificate_by_name(world: World) -> None:
    borrower = certify(
        person_template(world.family, **PERSON, at=AT),
        generate_old_key(),
        by=world.authority.issuing,
    )
    for credential in (old_root(), old_authority(world), borrower):
        with pytest.raises(Refused) as refused:
            parse_certificate(credential.certificate)
        assert refused.value.code == "eds_algorithm_refused"
        assert old_certificate(credential).sha256
    cms = sign_cms(borrower, STATEMENT, signed_at=AT)
    with pytest.raises(Refused) as refused:
        parse_cms(cms, max_bytes=LIMIT)
    assert refused.value.code == "eds_algorithm_refused"
    assert parse_token_cms(cms, max_bytes=LIMIT).signer.sha256 == old_certificate(borrower).sha256


def test_a_borrower_under_the_old_root_has_no_path_though_the_key_is_current(world: World) -> None:
    leaf = certify(person_template(world.family, **PERSON, at=AT), world.spare_key, by=old_root())
    with pytest.raises(Refused) as refused:
        build_path(
            parse_certificate(leaf.certificate),
            anchors=[world.root],
            intermediates=[world.issuer],
            at=AT,
        )
    assert refused.value.code == "eds_algorithm_refused"


def test_a_list_signed_with_the_old_key_is_read_and_names_an_algorithm_of_no_family(
    world: World,
) -> None:
    encoded = make_crl(
        world.authority, revoked={}, number=1, by=old_root(), this_update=AT, next_update=AT + MONTH
    )
    found = parse_crl(encoded, max_bytes=LIMIT)
    assert found.signature_oid == "1.2.398.3.10.1.1.1.2"
    assert isinstance(old_root().private_key, OldKey)
