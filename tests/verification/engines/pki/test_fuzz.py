"""Whatever bytes come in, only `Refused` comes out: seeded mutations of real encodings."""

import random
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from insecure_sandbox.authority import make_crl
from insecure_sandbox.signing import sign_cms
from tests.verification.engines.pki.lists import check_not_revoked
from tests.verification.engines.pki.statements import verify
from tests.verification.engines.pki.world import AT, LIMIT, STATEMENT, World
from verification.core.errors import Refused
from verification.engines.pki.cms import parse_cms
from verification.engines.pki.crl import parse_crl
from verification.engines.pki.path import build_path

_ROUNDS = 400


def _mutations(encoded: bytes, *, seed: int, rounds: int = _ROUNDS) -> Iterator[bytes]:
    """Flipped, cut, doubled, dropped and overwritten bytes; lengths and tags are hit as often as
    content.
    """
    chance = random.Random(seed)
    for _ in range(rounds):
        changed = bytearray(encoded)
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            at = chance.randrange(max(len(changed), 2))
            if at >= len(changed):
                break
            span = slice(at, at + chance.randrange(1, 9))
            match chance.randrange(6):
                case 0:
                    changed[at] ^= 1 << chance.randrange(8)
                case 1:
                    changed[at] = chance.choice(
                        (0x00, 0x7F, 0x80, 0x81, 0x84, 0xFF, 0x30, 0x31, 0xA0)
                    )
                case 2:
                    del changed[span]
                case 3:
                    changed[at:at] = changed[span]
                case 4:
                    del changed[max(at, 1) :]
                case _:
                    changed[span] = chance.randbytes(len(changed[span]))
        yield bytes(changed)


def _survivors(measure: Callable[[bytes], object], mutations: Iterator[bytes]) -> int:
    """How many mutations were accepted. Anything but `Refused` fails the test by itself."""
    accepted = 0
    for mutation in mutations:
        try:
            measure(mutation)
        except Refused:
            continue
        accepted += 1
    return accepted


@pytest.mark.parametrize("seed", range(3))
def test_no_mutation_of_what_is_signed_verifies(world: World, seed: int) -> None:
    encoded = sign_cms(world.person, STATEMENT, attached=False, signed_at=AT)
    signed = parse_cms(encoded, max_bytes=LIMIT)
    start = encoded.index(signed.signed_attributes)
    head, tail = encoded[:start], encoded[start:]
    verify(encoded)
    changed = (each for each in _mutations(tail, seed=seed, rounds=60) if each != tail)
    assert _survivors(verify, (head + each for each in changed)) == 0


def test_a_mutation_that_passes_everything_has_the_same_signer_and_signature(world: World) -> None:
    """Versions and the list of hashes outside the SignerInfo are signed by nobody; nothing else may
    change.
    """
    encoded = sign_cms(world.person, STATEMENT, signed_at=AT)
    whole = parse_cms(encoded, max_bytes=LIMIT)

    def read(untrusted: bytes) -> None:
        verify(untrusted)
        signed = parse_cms(untrusted, max_bytes=LIMIT)
        build_path(signed.signer, anchors=[world.root], intermediates=[world.issuer], at=AT)
        assert (signed.signer.der, signed.signature) == (whole.signer.der, whole.signature)

    assert _survivors(read, iter([encoded])) == 1
    assert _survivors(read, _mutations(encoded, seed=4)) < _ROUNDS // 10


def test_a_mutated_list_is_read_or_refused(world: World) -> None:
    encoded = make_crl(
        world.authority,
        revoked=dict.fromkeys(range(1, 20), AT),
        number=1,
        this_update=AT,
        next_update=AT + timedelta(days=1),
    )

    def read(untrusted: bytes) -> None:
        crl = parse_crl(untrusted, max_bytes=LIMIT)
        check_not_revoked(world.leaf, crl=crl, issuer=world.issuer, at=AT)

    assert _survivors(read, iter([encoded])) == 1
    changed = (each for each in _mutations(encoded, seed=3) if each != encoded)
    assert _survivors(read, changed) == 0
