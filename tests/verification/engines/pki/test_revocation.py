"""Which word of the authority counts: its responder's, then its freshest lists; and nothing else
does.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from insecure_sandbox.authority import make_crl
from insecure_sandbox.ocsp_responder import TRY_LATER, UNKNOWN, encode, revoked
from tests.verification.engines.pki.test_ocsp import LIMIT, MAX_AGE, NONCE, SKEW, right
from tests.verification.engines.pki.world import AT, World, foreign_authority
from verification.core.errors import Refused
from verification.engines.pki.crl import parse_crl, verify_crl
from verification.engines.pki.ocsp import RevocationStatus, State
from verification.engines.pki.revocation import (
    Answers,
    Limits,
    VerifiedLists,
    find_status,
    look_up,
    require_good,
)

_HOUR = timedelta(hours=1)
_LIMITS = Limits(
    ocsp_max_bytes=LIMIT, ocsp_max_age=MAX_AGE, crl_max_bytes=1_000_000, clock_skew=SKEW
)


def crl(
    world: World, *serials: int, number: int = 7, reason: int | None = None, **changes: object
) -> bytes:
    """A complete list with these serial numbers; `base_number` makes it a list of changes."""
    given: dict[str, object] = {"this_update": AT - _HOUR, "next_update": AT + _HOUR} | changes
    since, why = (
        dict.fromkeys(serials, AT - 2 * _HOUR),
        dict.fromkeys(serials, reason) if reason else None,
    )
    return make_crl(world.authority, revoked=since, reasons=why, number=number, **given)  # type: ignore[arg-type]


def ask(world: World, *, at: datetime = AT, **answers: object) -> RevocationStatus:
    """The status of the leaf by these answers, with nothing remembered."""
    given = Answers(ocsp_nonce=NONCE, **answers)  # type: ignore[arg-type]
    return find_status(
        world.leaf,
        issuer=world.issuer,
        answers=given,
        limits=_LIMITS,
        at=at,
        verified=VerifiedLists(),
    )


def open_(world: World, *, at: datetime = AT, **answers: object) -> str:
    """Why these answers leave the status open."""
    with pytest.raises(Refused) as refused:
        ask(world, at=at, **answers)
    assert refused.value.code == "eds_revocation_unknown"
    return refused.value.detail


def test_the_responders_word_goes_before_the_lists(world: World) -> None:
    serial = world.leaf.serial
    good, gone = encode(right(world)), encode(replace(right(world), status=revoked(AT - _HOUR)))
    assert ask(world, ocsp=good, crls=[crl(world, serial)]).state is State.GOOD
    assert ask(world, ocsp=gone, crls=[crl(world)]).state is State.REVOKED


def test_a_responder_that_does_not_know_the_certificate_is_not_overruled_by_a_list(
    world: World,
) -> None:
    """A list cannot name what the authority never issued."""
    status = ask(world, ocsp=encode(replace(right(world), status=UNKNOWN)), crls=[crl(world)])
    with pytest.raises(Refused) as refused:
        require_good(status, reference=AT)
    assert refused.value.code == "eds_revocation_unknown"


@pytest.mark.parametrize("unusable", [TRY_LATER, b"<html>503</html>", b""])
def test_an_answer_that_cannot_be_believed_gives_way_to_the_list(
    world: World, unusable: bytes
) -> None:
    assert ask(world, ocsp=unusable, crls=[crl(world)]).source == "crl"
    assert ask(world, ocsp=unusable, crls=[crl(world, world.leaf.serial)]).state is State.REVOKED
    open_(world, ocsp=unusable)


def test_lists_of_others_are_no_answer(world: World, gost: World, rsa: World) -> None:
    other = rsa if world is gost else gost
    assert ask(world, crls=[crl(other), crl(world)]).state is State.GOOD
    assert open_(world, crls=[crl(other)]) == "no list of this issuer"


@pytest.mark.parametrize("fault", ["unsigned", "stale", "empty", "of the same name"])
def test_one_wrong_list_of_the_issuer_leaves_it_open_beside_a_right_one(
    world: World, fault: str
) -> None:
    good = crl(world)
    made = foreign_authority(world.family)
    wrong = {
        "unsigned": good[:-8] + bytes(8),
        "stale": crl(world, next_update=AT),
        "empty": b"",
        "of the same name": make_crl(
            made, revoked={}, number=8, this_update=AT, next_update=AT + _HOUR
        ),
    }
    open_(world, crls=[good, wrong[fault]])


def test_of_two_lists_the_fresher_counts(world: World) -> None:
    hold = crl(world, world.leaf.serial, reason=6, number=7, this_update=AT - 2 * _HOUR)
    released = crl(world, number=8)
    assert ask(world, crls=[hold, released]).state is State.GOOD
    assert (
        ask(world, crls=[released, crl(world, world.leaf.serial, reason=6, number=9)]).state
        is State.REVOKED
    )


def test_changes_to_a_list_without_a_number_leave_it_open(world: World) -> None:
    read = (
        parse_crl(each, max_bytes=LIMIT)
        for each in (crl(world), crl(world, number=8, base_number=7))
    )
    complete, delta = (verify_crl(each, issuer=world.issuer) for each in read)
    assert look_up(1, complete=[complete], deltas=[delta], at=AT).state is State.GOOD
    with pytest.raises(Refused) as refused:
        look_up(1, complete=[replace(complete, number=None)], deltas=[delta], at=AT)
    assert refused.value.code == "eds_revocation_unknown"


def test_of_two_lists_of_changes_the_fresher_counts(world: World) -> None:
    complete, before = crl(world, this_update=AT - 3 * _HOUR), AT - 2 * _HOUR
    hold = crl(world, world.leaf.serial, reason=6, number=8, base_number=7, this_update=before)
    assert ask(world, crls=[complete], deltas=[hold]).state is State.REVOKED
    for deltas in ([hold, later := crl(world, number=9, base_number=7)], [later, hold]):
        assert ask(world, crls=[complete], deltas=deltas).state is State.GOOD


@pytest.mark.parametrize("reason", [1, 6])
def test_a_revocation_refuses_before_and_after_the_reference_and_says_which(
    world: World, reason: int
) -> None:
    status = ask(world, ocsp=encode(replace(right(world), status=revoked(AT, reason=reason))))
    for reference, said in ((AT - _HOUR, "after the signature"), (AT, "before the signature")):
        with pytest.raises(Refused) as refused:
            require_good(status, reference=reference)
        assert (refused.value.code, refused.value.facts["revoked"]) == (
            "eds_certificate_revoked",
            said,
        )


def test_only_a_policy_accepts_a_later_revocation_and_never_a_hold(world: World) -> None:
    later = replace(right(world), status=revoked(AT, reason=1))
    require_good(ask(world, ocsp=encode(later)), reference=AT - _HOUR, is_later_accepted=True)
    for reference, reason in ((AT, 1), (AT - _HOUR, 6)):
        status = ask(world, ocsp=encode(replace(later, status=revoked(AT, reason=reason))))
        with pytest.raises(Refused):
            require_good(status, reference=reference, is_later_accepted=True)


def test_a_list_is_remembered_by_its_bytes_and_issuer_only_after_it_was_verified(
    world: World,
) -> None:
    memory, encoded = VerifiedLists(capacity=2), crl(world)
    first = memory.get(encoded, issuer=world.issuer, max_bytes=LIMIT)
    assert memory.get(encoded, issuer=world.issuer, max_bytes=LIMIT) is first
    assert memory.get(encoded, issuer=world.root, max_bytes=LIMIT) is None
    for wrong in (encoded[:-8] + bytes(8), encoded + b"\0", b""):
        with pytest.raises(Refused):
            memory.get(wrong, issuer=world.issuer, max_bytes=LIMIT)
    assert len(memory) == 1


def test_the_memory_is_bounded_and_keeps_what_was_used_last(world: World) -> None:
    memory = VerifiedLists(capacity=2)
    get = partial(memory.get, issuer=world.issuer, max_bytes=LIMIT)
    one, two, three = (crl(world, number=number) for number in (1, 2, 3))
    kept = get(one)
    get(two)
    assert get(one) is kept
    get(three)
    assert len(memory) == 2
    assert get(one) is kept
