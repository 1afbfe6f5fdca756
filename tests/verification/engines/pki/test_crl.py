"""Revocation lists: a good one clears, a listed number refuses, and every doubt is "unknown"."""

from dataclasses import replace
from datetime import timedelta

import pytest

from insecure_sandbox import encoding as asn1
from insecure_sandbox import keys, profile
from insecure_sandbox.authority import make_crl
from insecure_sandbox.minting import seal
from tests.verification.engines.pki.lists import check_not_revoked
from tests.verification.engines.pki.world import AT, World, foreign_authority
from verification.core.errors import Refused
from verification.engines.pki.crl import RevocationList, parse_crl

_HOUR = timedelta(hours=1)
_LIMIT = 1_000_000
_OTHERS = dict.fromkeys((1, 127, 128, 2**159 - 1), AT - _HOUR)


def _list(world: World, **changes: object) -> bytes:
    given = {
        "revoked": _OTHERS,
        "number": 7,
        "this_update": AT - _HOUR,
        "next_update": AT + _HOUR,
    } | changes
    return make_crl(world.authority, **given)  # type: ignore[arg-type]


def _check(world: World, encoded: bytes, **changes: object) -> None:
    given = {
        "crl": parse_crl(encoded, max_bytes=_LIMIT),
        "issuer": world.issuer,
        "at": AT,
    } | changes
    check_not_revoked(world.leaf, **given)  # type: ignore[arg-type]


def _refusal(world: World, encoded: bytes, **changes: object) -> Refused:
    with pytest.raises(Refused) as refused:
        _check(world, encoded, **changes)
    return refused.value


def test_a_fresh_list_without_the_number_clears(world: World) -> None:
    _check(world, _list(world))
    _check(world, _list(world, revoked={}))


def test_what_was_read_is_what_was_written(world: World) -> None:
    crl = parse_crl(_list(world), max_bytes=_LIMIT)
    assert (crl.this_update, crl.next_update, crl.number) == (AT - _HOUR, AT + _HOUR, 7)
    assert crl.issuer == world.issuer.subject


def test_a_listed_number_refuses(world: World) -> None:
    refused = _refusal(world, _list(world, revoked=_OTHERS | {world.leaf.serial: AT - _HOUR}))
    assert (refused.code, refused.facts) == ("eds_certificate_revoked", {"reason": 0})


@pytest.mark.parametrize("reason", [1, 4, 6])
def test_every_reason_refuses_a_hold_too(world: World, reason: int) -> None:
    serial = world.leaf.serial
    refused = _refusal(world, _list(world, revoked={serial: AT - _HOUR}, reasons={serial: reason}))
    assert (refused.code, refused.facts) == ("eds_certificate_revoked", {"reason": reason})


def test_a_removal_has_no_place_on_a_complete_list(world: World) -> None:
    serial = world.leaf.serial
    assert (
        _refusal(world, _list(world, revoked={serial: AT}, reasons={serial: 8})).code
        == "eds_revocation_unknown"
    )


@pytest.mark.parametrize(
    ("offset", "passes"),
    [
        (-_HOUR, True),
        (-_HOUR - timedelta(seconds=1), False),
        (_HOUR - timedelta(seconds=1), True),
        (_HOUR, False),
        (timedelta(days=365), False),
    ],
)
def test_a_list_counts_from_this_update_until_next_update(
    world: World, offset: timedelta, passes: bool
) -> None:
    if passes:
        _check(world, _list(world), at=AT + offset)
    else:
        assert _refusal(world, _list(world), at=AT + offset).code == "eds_revocation_unknown"


def test_a_stale_list_does_not_even_revoke(world: World) -> None:
    encoded = _list(world, revoked={world.leaf.serial: AT - _HOUR})
    assert _refusal(world, encoded, at=AT + 2 * _HOUR).code == "eds_revocation_unknown"


def test_a_list_without_an_end_is_unknown(world: World) -> None:
    assert _refusal(world, _list(world, next_update=None)).code == "eds_revocation_unknown"


def test_a_list_by_another_issuer_is_unknown(gost: World, rsa: World) -> None:
    assert _refusal(gost, _list(rsa)).detail == "the list is by another issuer"
    assert _refusal(gost, _list(rsa), issuer=rsa.issuer).detail == "the list is by another issuer"
    assert _refusal(gost, _list(gost), issuer=gost.root).detail == "the list is by another issuer"


def test_a_list_by_an_authority_of_the_same_name_is_unknown(world: World) -> None:
    own = foreign_authority(world.family)
    encoded = make_crl(own, revoked={}, number=8, this_update=AT - _HOUR, next_update=AT + _HOUR)
    assert "signature" in _refusal(world, encoded).detail


def test_an_unsigned_or_tampered_list_is_unknown(world: World) -> None:
    encoded = _list(world)
    crl = parse_crl(encoded, max_bytes=_LIMIT)
    unsigned = encoded.replace(crl.signature, bytes(len(crl.signature)))
    emptied = encoded.replace(asn1.integer(127), asn1.integer(126), 1)
    assert emptied != encoded
    for broken in (unsigned, emptied):
        assert _refusal(world, broken).code == "eds_revocation_unknown"


def test_an_issuer_that_may_not_sign_lists_is_unknown(world: World) -> None:
    weaker = replace(world.issuer, key_usage=frozenset({"key_cert_sign"}))
    assert "may not" in _refusal(world, _list(world), issuer=weaker).detail


@pytest.mark.parametrize(
    "extension",
    [
        asn1.extension("2.5.29.27", asn1.integer(6), critical=True),
        asn1.extension("2.5.29.27", asn1.integer(6)),
        asn1.extension("2.5.29.28", asn1.sequence(asn1.element(0x84, b"\xff")), critical=True),
        asn1.extension("2.5.29.28", asn1.sequence()),
        asn1.extension("1.2.398.99.1", asn1.null(), critical=True),
    ],
    ids=["delta", "delta, not critical", "indirect", "partial", "unknown critical"],
)
def test_a_list_that_is_not_complete_or_not_understood_is_unknown(
    world: World, extension: bytes
) -> None:
    _check(world, _list(world, extensions=(asn1.extension("1.2.398.99.1", asn1.null()),)))
    assert _refusal(world, _list(world, extensions=(extension,))).code == "eds_revocation_unknown"


def test_an_entry_for_another_issuers_certificate_is_unknown(world: World) -> None:
    issuing = world.authority.issuing
    indirect = asn1.sequence(asn1.extension("2.5.29.29", asn1.sequence(), critical=True))
    body = asn1.sequence(
        asn1.integer(1),
        keys.signature_algorithm(issuing.private_key),
        world.issuer.subject,
        asn1.time(AT - _HOUR),
        asn1.time(AT + _HOUR),
        asn1.sequence(asn1.sequence(asn1.integer(world.leaf.serial), asn1.time(AT), indirect)),
    )
    assert _refusal(world, seal(body, issuing.private_key)).code == "eds_revocation_unknown"


@pytest.mark.parametrize(
    "untrusted",
    [b"", b"<html>503</html>", b"\x30\x80\x00\x00", b"\x30\x84\x7f\xff\xff\xff", b"\x30\x00"],
)
def test_what_is_no_list_is_unknown_and_not_the_signers_fault(untrusted: bytes) -> None:
    with pytest.raises(Refused) as refused:
        parse_crl(untrusted, max_bytes=_LIMIT)
    assert refused.value.code == "eds_revocation_unknown"


def test_trailing_bytes_and_oversize_refuse(world: World) -> None:
    encoded = _list(world)
    assert isinstance(parse_crl(encoded, max_bytes=len(encoded)), RevocationList)
    for untrusted, limit in ((encoded + b"\0", _LIMIT), (encoded, len(encoded) - 1)):
        with pytest.raises(Refused) as refused:
            parse_crl(untrusted, max_bytes=limit)
        assert refused.value.code == "eds_revocation_unknown"


def test_a_broken_entry_of_the_number_is_unknown(world: World) -> None:
    issuing = world.authority.issuing
    for entry, code in (
        (asn1.sequence(asn1.integer(world.leaf.serial), asn1.time(AT)), "eds_certificate_revoked"),
        (asn1.sequence(asn1.integer(world.leaf.serial)), "eds_revocation_unknown"),
    ):
        body = asn1.sequence(
            asn1.integer(1),
            keys.signature_algorithm(issuing.private_key),
            world.issuer.subject,
            asn1.time(AT - _HOUR),
            asn1.time(AT + _HOUR),
            asn1.sequence(entry),
        )
        assert _refusal(world, seal(body, issuing.private_key)).code == code


def test_the_profile_marks_the_lists_key(world: World) -> None:
    identifier = profile.key_identifier(keys.public_key_info(world.authority.issuing.private_key))
    crl = parse_crl(_list(world), max_bytes=_LIMIT)
    assert identifier in crl.der[crl.tbs_at]
