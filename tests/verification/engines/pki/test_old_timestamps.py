"""Tokens of the old GOST: believed where their authority is pinned or under a pinned root. Nothing
else of it is.
"""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from insecure_sandbox.authority import person_template
from insecure_sandbox.credential import Credential
from insecure_sandbox.keys import OldKey, generate_old_key
from insecure_sandbox.minting import certify
from insecure_sandbox.revocation_list import make_crl
from insecure_sandbox.signing import sign_cms
from insecure_sandbox.timestamping import (
    Timestamp,
    certify_timestamping,
    create_old_root,
    encode,
    signature_value,
    stamp,
)
from tests.verification.engines.pki.test_timestamp import POLICIES, judge, statement
from tests.verification.engines.pki.world import AT, LIMIT, PERSON, STATEMENT, World
from verification.core.errors import Refused
from verification.engines.pki.certificate import (
    TimestampCertificate,
    parse_certificate,
    parse_timestamp_certificate,
)
from verification.engines.pki.cms import parse_cms, parse_token_cms
from verification.engines.pki.crl import parse_crl
from verification.engines.pki.path import build_path, build_timestamp_path
from verification.engines.pki.revocation import Answers

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


def right(world: World) -> Timestamp:
    """The old authority's time-stamp of the statement, over and signed with the old algorithms."""
    return stamp(old_authority(world), signature_value(statement(world)), at=AT)


def old(credential: Credential) -> TimestampCertificate:
    """Its certificate, for time-stamps."""
    return parse_timestamp_certificate(credential.certificate)


def code(world: World, timestamp: Timestamp, **trust: Any) -> str:
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
        "pinned": [old(old_root())],
        "answers": Answers(crls=[encoded]),
    }
    with pytest.raises(Refused, match="must be pinned"):
        judge(world, encode(right(world)), **given)


def test_the_smallest_wrong_change_proves_nothing(world: World) -> None:
    pins = {"pinned": [old(old_root())]}
    assert code(world, right(world), **pins) == ""
    assert code(world, right(world)) == "eds_timestamp_untrusted"
    assert (
        code(world, right(world), **pins, accepted_policies=POLICIES) == "eds_timestamp_untrusted"
    )
    other = create_old_root(at=AT)
    assert code(world, right(world), pinned=[old(other)]) == "eds_timestamp_untrusted"
    wrong = {
        "unsigned": replace(right(world), signature=bytes(64)),
        "by another key": replace(
            right(world), signer=replace(right(world).signer, private_key=generate_old_key())
        ),
        "over another imprint": replace(right(world), imprint=bytes(32)),
        "naming another certificate": replace(right(world), named=world.leaf.der),
    }
    assert {name: code(world, each, **pins) for name, each in wrong.items()} == dict.fromkeys(
        wrong, "eds_timestamp_invalid"
    )
    for changes in ({"critical": False}, {"purposes": ("1.3.6.1.5.5.7.3.4",)}, {"days": 2}):
        unfit = replace(right(world), signer=old_authority(world, **changes))
        assert code(world, unfit, **pins) == "eds_timestamp_untrusted"


def test_an_old_authority_under_a_current_issuer_and_a_current_one_under_an_old_root_have_paths(
    gost: World,
) -> None:
    mixed = old(old_authority(gost, by=gost.authority.issuing))
    assert (
        len(build_timestamp_path(mixed, anchors=[gost.root], intermediates=[gost.issuer], at=AT))
        == 3
    )
    current = old(old_authority(gost, key=gost.spare_key))
    path = build_timestamp_path(current, anchors=[old(old_root())], intermediates=[], at=AT)
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
        assert old(credential).sha256
    cms = sign_cms(borrower, STATEMENT, signed_at=AT)
    with pytest.raises(Refused) as refused:
        parse_cms(cms, max_bytes=LIMIT)
    assert refused.value.code == "eds_algorithm_refused"
    assert parse_token_cms(cms, max_bytes=LIMIT).signer.sha256 == old(borrower).sha256


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
