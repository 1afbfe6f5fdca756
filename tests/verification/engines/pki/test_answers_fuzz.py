"""Whatever bytes come in the place of an answer, a list or a time-stamp, only `Refused` comes
out.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from insecure_sandbox import ocsp_responder, timestamping
from insecure_sandbox.timestamping import signature_value
from tests.proofs import Figures
from tests.verification.engines.pki import (
    test_ocsp,
    test_old_timestamps,
    test_revocation,
    test_timestamp,
)
from tests.verification.engines.pki.test_fuzz import _mutations, _survivors
from tests.verification.engines.pki.world import AT, LIMIT, World
from verification.core.errors import Refused
from verification.engines.pki.cms import parse_cms
from verification.engines.pki.revocation import VerifiedLists
from verification.engines.pki.timestamp import check_token, parse_token, verify_answer

_ROUNDS = 20_000
Judge = Callable[[bytes], object]


def _answer(world: World) -> tuple[bytes, Judge]:
    return ocsp_responder.encode(test_ocsp.right(world)), lambda each: test_ocsp.judge(world, each)


def _list(world: World) -> tuple[bytes, Judge]:
    encoded = test_revocation.crl(world, 1, 2**150, reason=6, number=8, base_number=7)
    return encoded, lambda each: _require(
        VerifiedLists().get(each, issuer=world.issuer, max_bytes=LIMIT)
    )


def _require(found: object) -> None:
    if found is None:
        raise Refused("eds_revocation_unknown", "by another issuer")


def _token(world: World) -> tuple[bytes, Judge]:
    encoded = timestamping.encode(test_timestamp.right(world))
    return encoded, lambda each: parse_token(each, max_bytes=LIMIT)


def _granted(world: World) -> tuple[bytes, Judge]:
    signed = parse_cms(test_timestamp.statement(world), max_bytes=LIMIT)
    encoded = timestamping.granted(
        timestamping.encode(replace(test_timestamp.right(world), nonce=77))
    )
    trust = test_timestamp.trust(world)
    return encoded, lambda each: verify_answer(each, nonce=77, signed=signed, trust=trust, at=AT)


def _old_token(world: World) -> tuple[bytes, Judge]:
    """Of the old GOST, by a pinned authority, judged as if it had come inside the statement."""
    right = test_old_timestamps.right(world)
    pins, policies = [test_old_timestamps.old(right.signer)], test_old_timestamps.ACCEPTED
    trust = test_timestamp.trust(world, pinned=pins, accepted_policies=policies)
    given = {"signature": signature_value(test_timestamp.statement(world)), "signer": world.leaf}

    def judge(untrusted: bytes) -> object:
        return check_token(parse_token(untrusted, max_bytes=LIMIT), trust=trust, at=AT, **given)  # type: ignore[arg-type]

    return timestamping.encode(right), judge


@pytest.mark.proof("eds")
@pytest.mark.parametrize(
    "make",
    [_answer, _list, _token, _old_token, _granted],
    ids=["ocsp", "crl", "token", "old", "answer"],
)
def test_a_mutation_is_judged_or_refused(
    world: World,
    make: Callable[[World], tuple[bytes, Judge]],
    proof_scale: float,
    proof_seed: int,
    proof_figures: Figures,
) -> None:
    encoded, judge = make(world)
    assert _survivors(judge, iter([encoded])) == 1
    rounds = int(_ROUNDS * proof_scale)
    assert _survivors(judge, _mutations(encoded, seed=proof_seed, rounds=rounds)) < rounds
    proof_figures["answers_fuzzed"] = int(proof_figures.get("answers_fuzzed", 0)) + rounds
