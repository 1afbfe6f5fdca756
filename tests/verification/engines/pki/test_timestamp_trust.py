"""Whose time-stamps are believed: a pinned authority without a question, any other only if no
authority above it was revoked.
"""

from datetime import timedelta
from typing import Any

import pytest

from insecure_sandbox.authority import make_crl
from insecure_sandbox.timestamping import encode
from tests.verification.engines.pki.test_timestamp import authority, by, judge, right
from tests.verification.engines.pki.world import AT, World
from verification.core.errors import Refused
from verification.engines.pki.certificate import parse_certificate

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
