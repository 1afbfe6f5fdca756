"""Revocation lists: a good one clears, a listed number refuses, and every doubt is "unknown"."""

from dataclasses import replace
from datetime import timedelta

import pytest

from insecure_sandbox import encoding as asn1
from insecure_sandbox.authority import make_crl
from tests.verification.engines.pki.lists import check_not_revoked
from tests.verification.engines.pki.world import AT, World
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


def test_what_was_read_is_what_was_written(world: World) -> None:
    crl = parse_crl(_list(world), max_bytes=_LIMIT)
    assert (crl.this_update, crl.next_update, crl.number) == (AT - _HOUR, AT + _HOUR, 7)
    assert crl.issuer == world.issuer.subject


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
