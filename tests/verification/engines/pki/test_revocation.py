"""Revocation: lists and OCSP answers."""

import secrets
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from hashlib import sha1
from typing import Any

import pytest
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st

from insecure_sandbox import encoding as asn1
from insecure_sandbox.authority import make_crl
from insecure_sandbox.credential import Credential
from insecure_sandbox.keys import signature_algorithm
from insecure_sandbox.minting import seal
from insecure_sandbox.ocsp_responder import (
    GOOD,
    TRY_LATER,
    UNKNOWN,
    Answer,
    certify_responder,
    encode,
    read_question,
    revoked,
)
from tests.proofs import Figures
from tests.verification.engines.pki.world import AT, World, foreign_authority
from verification.core.errors import Refused
from verification.engines.pki import der
from verification.engines.pki.certificate import parse_certificate
from verification.engines.pki.crl import (
    REASONS,
    Entries,
    Entry,
    RevocationList,
    parse_crl,
    read_entries,
    verify_crl,
)
from verification.engines.pki.ocsp import (
    REMOVED_FROM_LIST,
    RevocationStatus,
    State,
    build_request,
    check_response,
    parse_response,
)
from verification.engines.pki.revocation import (
    Answers,
    Limits,
    VerifiedLists,
    find_status,
    look_up,
    require_good,
)

# Answers of responders beside the vectors, and what the library takes more kindly than we do.


NONCE = bytes(range(32))
LIMIT = 32 * 1024
MAX_AGE = timedelta(minutes=5)
SKEW = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
Change = Callable[[World, Answer], Answer]


@cache
def responder(world: World, **changes: object) -> Credential:
    """A responder with this world's spare key."""
    return certify_responder(world.authority, at=AT, key=world.spare_key, **changes)  # type: ignore[arg-type]


def right(world: World) -> Answer:
    """The answer that clears the leaf of a world."""
    signer = responder(world)
    question = read_question(build_request(world.leaf, issuer=world.issuer, nonce=NONCE))
    return Answer(
        signer=signer,
        cert_id=question.cert_id,
        status=GOOD,
        produced_at=AT,
        this_update=AT,
        nonce=question.nonce,
        certificates=(signer.certificate,),
    )


def judge(
    world: World, encoded: bytes, *, nonce: bytes = NONCE, at: datetime = AT
) -> RevocationStatus:
    """What the answer says of the leaf, or why it is not believed."""
    response = parse_response(encoded, max_bytes=LIMIT)
    given = {"certificate": world.leaf, "issuer": world.issuer, "nonce": nonce, "at": at}
    return check_response(response, **given, max_age=MAX_AGE, clock_skew=SKEW)  # type: ignore[arg-type]


def problem(world: World, encoded: bytes, *, nonce: bytes = NONCE, at: datetime = AT) -> str:
    """Why the answer is not believed; fails if it is, or if the code says anything but
    "unknown".
    """
    with pytest.raises(Refused) as refused:
        judge(world, encoded, nonce=nonce, at=at)
    assert refused.value.code == "eds_revocation_unknown"
    return refused.value.detail


def test_the_right_answer_clears(world: World) -> None:
    status = judge(world, encode(right(world)))
    assert (status.state, status.source, status.as_of) == (State.GOOD, "ocsp", AT)


def test_the_question_has_the_hashes_the_serial_and_the_nonce(world: World) -> None:
    question = read_question(build_request(world.leaf, issuer=world.issuer, nonce=NONCE))
    assert (question.serial, question.nonce) == (world.leaf.serial, NONCE)
    with pytest.raises(ValueError, match="32 bytes"):
        build_request(world.leaf, issuer=world.issuer, nonce=b"short")


@pytest.mark.parametrize("reason", [None, 1, 6])
def test_a_revocation_is_told_with_its_reason_and_time(world: World, reason: int | None) -> None:
    since = AT - timedelta(days=1)
    status = judge(world, encode(replace(right(world), status=revoked(since, reason=reason))))
    assert (status.state, status.reason, status.revoked_at) == (State.REVOKED, reason or 0, since)
    assert status.is_hold == (reason == 6)


def _named_by_key(world: World, answer: Answer) -> Answer:
    bits = (
        der.read_tree(parse_certificate(answer.signer.certificate).tbs)
        .children[6]
        .children[1]
        .content[1:]
    )
    return replace(answer, by_key=sha1(bits, usedforsecurity=False).digest())


def _nocheck_with_a_value(world: World, answer: Answer) -> Answer:
    signer = responder(world, nocheck=asn1.null())
    return replace(answer, signer=signer, certificates=(signer.certificate,))


PASSING: dict[str, Change] = {
    "named by its key": _named_by_key,
    "nocheck with a value": _nocheck_with_a_value,
    "an unknown extension": lambda _, a: replace(
        a, response_extensions=(asn1.extension("1.2.3.4", asn1.null()),)
    ),
}


@pytest.mark.parametrize("change", PASSING.values(), ids=PASSING)
def test_what_still_may_be_passes(world: World, change: Change) -> None:
    assert judge(world, encode(change(world, right(world)))).state is State.GOOD


def _sha384_id(world: World, answer: Answer) -> Answer:
    return replace(
        answer,
        cert_id=answer.cert_id.replace(
            asn1.oid("2.16.840.1.101.3.4.2.1"), asn1.oid("2.16.840.1.101.3.4.2.2")
        ),
    )


REFUSED: dict[str, tuple[Change, str]] = {
    "hashes of another kind": (_sha384_id, "another certificate"),
    "produced in the future": (lambda _, a: replace(a, produced_at=AT + SKEW + SECOND), "future"),
}


@pytest.mark.parametrize(("change", "why"), REFUSED.values(), ids=REFUSED)
def test_the_smallest_wrong_change_leaves_the_status_open(
    world: World, change: Change, why: str
) -> None:
    assert why in problem(world, encode(change(world, right(world))))


def test_no_answer_is_believed_without_a_nonce_of_ours(world: World) -> None:
    assert "nonce" in problem(world, encode(replace(right(world), nonce=b"")), nonce=b"")


def test_trailing_bytes_and_oversize_leave_the_status_open(rsa: World) -> None:
    encoded = encode(right(rsa))
    problem(rsa, encoded + b"\0")
    assert parse_response(encoded, max_bytes=len(encoded))
    with pytest.raises(Refused, match="too large"):
        parse_response(encoded, max_bytes=len(encoded) - 1)


Parts = list[bytes]


def _rebuilt(world: World, change: Callable[[Parts, Parts], None]) -> bytes:
    """The right answer with its data or the parts beside them changed; it is not signed."""
    basic = der.read_tree(
        der.read_tree(encode(right(world))).children[1].children[0].children[1].content
    )
    parts, data = (
        [each.raw for each in basic.children],
        [each.raw for each in basic.children[0].children],
    )
    change(parts, data)
    body = asn1.sequence(asn1.sequence(*data), *parts[1:])
    wrapped = asn1.sequence(asn1.oid("1.3.6.1.5.5.7.48.1.1"), asn1.octets(body))
    return asn1.sequence(asn1.element(0x0A, b"\0"), asn1.explicit(0, wrapped))


def _detail(untrusted: bytes) -> str:
    with pytest.raises(Refused) as refused:
        parse_response(untrusted, max_bytes=LIMIT)
    assert refused.value.code == "eds_revocation_unknown"
    return refused.value.detail


def test_an_answer_reads_as_another_reader_reads_it(world: World) -> None:
    found = parse_response(_rebuilt(world, lambda _parts, _data: None), max_bytes=LIMIT)
    assert (found.state, found.reason, found.produced_at, found.this_update) == (
        State.GOOD,
        None,
        AT,
        AT,
    )
    assert (found.nonce, found.cert_id[3]) == (NONCE, world.leaf.serial)
    assert found.certificates == right(world).certificates


@pytest.mark.parametrize("reason", sorted(REASONS - {REMOVED_FROM_LIST}))
def test_a_reason_keeps_its_number(rsa: World, reason: int) -> None:
    encoded = encode(replace(right(rsa), status=revoked(AT, reason=reason)))
    assert parse_response(encoded, max_bytes=LIMIT).reason == reason


def _with_marks(mark: bytes) -> Callable[[Parts, Parts], None]:
    def change(_parts: Parts, data: Parts) -> None:
        data[-1] = asn1.explicit(1, asn1.sequence(mark))

    return change


def _with_critical_status(_parts: Parts, data: Parts) -> None:
    single = der.read_tree(data[2]).children[0].children
    marks = asn1.explicit(1, asn1.sequence(asn1.extension("1.2.3.4", asn1.null(), critical=True)))
    data[2] = asn1.sequence(asn1.sequence(*(each.raw for each in single), marks))


def _with_five_certificates(parts: Parts, _data: Parts) -> None:
    parts[3] = asn1.explicit(
        0, asn1.sequence(*[der.read_tree(parts[3]).children[0].children[0].raw] * 5)
    )


def _with_unused_bits(parts: Parts, _data: Parts) -> None:
    parts[2] = asn1.bits(b"\xf0" * 64, unused=4)


def _with_parameters(parts: Parts, _data: Parts) -> None:
    parts[1] = asn1.sequence(asn1.oid("1.2.3.4"), asn1.integer(3))


KINDER: dict[str, tuple[Callable[[Parts, Parts], None], str]] = {
    "a nonce without its octet string": (
        _with_marks(asn1.extension("1.3.6.1.5.5.7.48.1.2", NONCE)),
        "octet string",
    ),
    "an empty nonce": (_with_marks(asn1.extension("1.3.6.1.5.5.7.48.1.2", b"")), "octet string"),
    "a critical extension": (
        _with_marks(asn1.extension("1.2.3.4", asn1.null(), critical=True)),
        "unknown critical",
    ),
    "a critical extension of the status": (_with_critical_status, "unknown critical"),
    "five certificates": (_with_five_certificates, "too many"),
    "a signature that does not fill its bytes": (_with_unused_bits, "unused bits"),
    "an algorithm with parameters": (_with_parameters, "parameters"),
}


@pytest.mark.parametrize(("change", "why"), KINDER.values(), ids=KINDER)
def test_what_the_library_takes_leaves_the_status_open(
    rsa: World, change: Callable[[Parts, Parts], None], why: str
) -> None:
    encoded = _rebuilt(rsa, change)
    assert ocsp.load_der_ocsp_response(encoded).certificate_status is ocsp.OCSPCertStatus.GOOD
    assert why in _detail(encoded)


def _with_version(number: int) -> Callable[[Parts, Parts], None]:
    return lambda _parts, data: data.insert(0, asn1.explicit(0, asn1.integer(number)))


def _with_no_certificate(parts: Parts, _data: Parts) -> None:
    parts[3] = asn1.explicit(0, asn1.sequence(asn1.null()))


def _with_a_fraction(_parts: Parts, data: Parts) -> None:
    data[1] = asn1.element(0x18, b"20261124120000.5Z")


def _with_another_hash(_parts: Parts, data: Parts) -> None:
    data[2] = data[2].replace(
        asn1.oid("2.16.840.1.101.3.4.2.1"), asn1.oid("2.16.840.1.101.3.4.2.9")
    )


REFUSED_BY_THE_LIBRARY: dict[str, Callable[[Parts, Parts], None]] = {
    "its first version in words": _with_version(0),
    "another version": _with_version(1),
    "something else than a certificate": _with_no_certificate,
    "a fraction of a second": _with_a_fraction,
    "an unknown hash": _with_another_hash,
    "no status": lambda _parts, data: data.__setitem__(2, asn1.sequence()),
    "an extension twice": _with_marks(asn1.extension("1.2.3.4", asn1.null()) * 2),
}


@pytest.mark.parametrize("change", REFUSED_BY_THE_LIBRARY.values(), ids=REFUSED_BY_THE_LIBRARY)
def test_what_the_library_refuses_leaves_the_status_open(
    rsa: World, change: Callable[[Parts, Parts], None]
) -> None:
    assert _detail(_rebuilt(rsa, change)) == "answer: not as RFC 6960 has it"


def test_parameters_nested_until_a_stack_is_full_refuse_before_the_library_sees_them(
    rsa: World,
) -> None:
    def nest(parts: Parts, _data: Parts) -> None:
        pss = asn1.oid("1.2.840.113549.1.1.10")
        for _ in range(300):
            parts[1] = asn1.sequence(pss, asn1.sequence(asn1.explicit(0, parts[1])))

    assert _detail(_rebuilt(rsa, nest)) == "nested too deeply"


def test_a_responder_that_does_not_answer_says_why_whatever_comes_with_it(rsa: World) -> None:
    assert _detail(TRY_LATER) == "the responder says try later"
    answered = encode(right(rsa))
    assert answered.count(b"\x0a\x01\x00") == 1
    assert (
        _detail(answered.replace(b"\x0a\x01\x00", b"\x0a\x01\x03"))
        == "the responder says try later"
    )


# Which word of the authority counts: its responder's, then its freshest lists; and how lists and
# their entries are read.


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


def test_what_was_read_is_what_was_written(world: World) -> None:
    read = parse_crl(crl(world), max_bytes=LIMIT)
    assert (read.this_update, read.next_update, read.number) == (AT - _HOUR, AT + _HOUR, 7)
    assert read.issuer == world.issuer.subject


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
    given: dict[str, Any] = {"crls": [crl(world, 1, 2**159 - 1)], "at": AT + offset}
    if passes:
        assert ask(world, **given).state is State.GOOD
    else:
        open_(world, **given)


def test_an_issuer_that_may_not_sign_lists_is_unknown(world: World) -> None:
    weaker = replace(world.issuer, key_usage=frozenset({"key_cert_sign"}))
    with pytest.raises(Refused, match="may not"):
        verify_crl(parse_crl(crl(world), max_bytes=LIMIT), issuer=weaker)
    with pytest.raises(Refused, match="by another issuer"):
        verify_crl(parse_crl(crl(world), max_bytes=LIMIT), issuer=world.root)


@pytest.mark.parametrize(
    ("version", "rest", "detail"),
    [
        (1, (asn1.sequence(),), ""),
        (0, (asn1.sequence(),), "revocation list: not version 2"),
        (1, (asn1.null(), asn1.null()), "revocation list: unexpected parts"),
    ],
)
def test_a_list_of_another_version_or_with_more_parts_is_unknown(
    world: World, version: int, rest: tuple[bytes, ...], detail: str
) -> None:
    key = world.authority.issuing.private_key
    head = (asn1.integer(version), signature_algorithm(key), world.issuer.subject, asn1.time(AT))
    encoded = seal(asn1.sequence(*head, *rest), key)
    if not detail:
        assert parse_crl(encoded, max_bytes=LIMIT).number is None
        return
    with pytest.raises(Refused) as refused:
        parse_crl(encoded, max_bytes=LIMIT)
    assert (refused.value.code, refused.value.detail) == ("eds_revocation_unknown", detail)


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
    harmless = asn1.extension("1.2.398.99.1", asn1.null())
    assert ask(world, crls=[crl(world, extensions=(harmless,))]).state is State.GOOD
    open_(world, crls=[crl(world, extensions=(extension,))])


@pytest.mark.parametrize(
    "untrusted",
    [b"", b"<html>503</html>", b"\x30\x80\x00\x00", b"\x30\x84\x7f\xff\xff\xff", b"\x30\x00"],
)
def test_what_is_no_list_is_unknown_and_not_the_signers_fault(untrusted: bytes) -> None:
    with pytest.raises(Refused) as refused:
        parse_crl(untrusted, max_bytes=LIMIT)
    assert refused.value.code == "eds_revocation_unknown"


def test_trailing_bytes_and_oversize_refuse(world: World) -> None:
    encoded = crl(world)
    assert isinstance(parse_crl(encoded, max_bytes=len(encoded)), RevocationList)
    for untrusted, limit in ((encoded + b"\0", LIMIT), (encoded, len(encoded) - 1)):
        with pytest.raises(Refused) as refused:
            parse_crl(untrusted, max_bytes=limit)
        assert refused.value.code == "eds_revocation_unknown"


_SINCE = datetime(2026, 11, 24, 11, 30, 15, tzinfo=UTC)
_MILLION = 1_000_000
_MOST_BYTES = 40 * 1000 * 1000


def _read(*encoded: bytes) -> Entries:
    joined = b"".join(encoded)
    return read_entries(joined, 0, len(joined))


def _entry(serial: int, *, since: datetime = _SINCE, extensions: bytes = b"") -> bytes:
    return asn1.sequence(asn1.integer(serial), asn1.time(since), extensions)


def _reason(code: int) -> bytes:
    return asn1.sequence(asn1.extension("2.5.29.21", asn1.element(0x0A, bytes([code]))))


@pytest.mark.parametrize(
    "serial", [0, 1, 127, 128, 255, 2**63, 2**159 - 1, 2**159, 2**167 - 1, -1, -129]
)
def test_every_serial_number_a_list_may_hold_is_found_and_its_neighbours_are_not(
    serial: int,
) -> None:
    entries = _read(_entry(4711), _entry(serial, extensions=_reason(1)), _entry(4713))
    assert len(entries) == 3
    assert entries.find(serial) == Entry(_SINCE, 1)
    assert entries.find(serial + 1 if serial != 2**167 - 1 else serial - 1) is None
    assert entries.find(4711) == Entry(_SINCE, 0)


@pytest.mark.parametrize("serial", [2**167, -(2**167) - 1])
def test_a_longer_serial_number_is_no_entry_and_cannot_be_looked_up(serial: int) -> None:
    with pytest.raises(Refused):
        _read(_entry(serial))
    with pytest.raises(Refused):
        _read(_entry(1)).find(serial)


@pytest.mark.parametrize(
    ("since", "extensions", "reason"),
    [
        (datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC), b"", 0),
        (datetime(2050, 1, 1, tzinfo=UTC), b"", 0),
        (datetime(1999, 1, 1, tzinfo=UTC), _reason(10), 10),
        (_SINCE, _reason(6), 6),
        (
            _SINCE,
            asn1.sequence(asn1.extension("2.5.29.24", asn1.element(0x18, b"20260101000000Z"))),
            0,
        ),
        (
            _SINCE,
            asn1.sequence(
                asn1.extension("2.5.29.24", asn1.element(0x18, b"20260101000000Z")),
                asn1.extension("2.5.29.21", asn1.element(0x0A, b"\x04")),
            ),
            4,
        ),
    ],
)
def test_times_and_reasons_are_read_in_every_shape(
    since: datetime, extensions: bytes, reason: int
) -> None:
    assert _read(_entry(5, since=since, extensions=extensions)).find(5) == Entry(since, reason)


@pytest.mark.parametrize(
    "encoded",
    [
        asn1.sequence(asn1.integer(5)),
        asn1.sequence(asn1.integer(5), asn1.element(0x17, b"2611241130+5Z")),
        asn1.sequence(asn1.integer(5), asn1.element(0x17, b"2611241130150")),
        _entry(5, extensions=_reason(7)),
        _entry(5, extensions=asn1.sequence(asn1.extension("1.2.3", asn1.null(), critical=True))),
        _entry(
            5, extensions=asn1.sequence(asn1.extension("2.5.29.29", asn1.sequence(), critical=True))
        ),
        asn1.octets(b""),
        _entry(5)[:-1],
        b"\x30\x80" + _entry(5)[2:] + b"\0\0",
    ],
)
def test_one_entry_that_is_not_understood_spoils_the_list(encoded: bytes) -> None:
    assert _read(_entry(4), _entry(6)).find(5) is None
    with pytest.raises(Refused):
        _read(_entry(4), encoded, _entry(6))


def test_a_serial_number_that_stands_twice_leaves_it_open(gost: object) -> None:
    entries = _read(_entry(5), _entry(6), _entry(5, extensions=_reason(8)))
    assert entries.find(6)
    with pytest.raises(Refused, match="twice"):
        entries.find(5)


@pytest.mark.parametrize("digits", [b"261324113015", b"260230113015", b"261124240000"])
def test_a_time_that_never_was_leaves_it_open(digits: bytes) -> None:
    entries = _read(asn1.sequence(asn1.integer(5), asn1.element(0x17, digits + b"Z")), _entry(6))
    assert entries.find(6)
    with pytest.raises(Refused, match="no such time"):
        entries.find(5)


@given(
    st.dictionaries(
        st.integers(-(2**167), 2**167 - 1),
        st.tuples(st.integers(0, 2**31 - 1), st.sampled_from([0, 1, 2, 3, 4, 5, 6, 8, 9, 10])),
        max_size=40,
    ),
    st.integers(-(2**167), 2**167 - 1),
)
def test_a_look_up_finds_exactly_what_was_listed(
    listed: dict[int, tuple[int, int]], other: int
) -> None:
    moments = {
        serial: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at)
        for serial, (at, _) in listed.items()
    }
    encoded = (
        _entry(serial, since=moments[serial], extensions=_reason(why))
        for serial, (_, why) in listed.items()
    )
    entries = _read(*encoded)
    for serial, (_, why) in listed.items():
        assert entries.find(serial) == Entry(moments[serial], why)
    assert (entries.find(other) is not None) == (other in listed)


@given(st.binary(max_size=200))
def test_any_bytes_are_entries_or_refused(untrusted: bytes) -> None:
    try:
        read_entries(untrusted, 0, len(untrusted))
    except Refused:
        return


@pytest.mark.proof("eds")
def test_a_million_serial_numbers_take_less_than_40_megabytes(
    proof_scale: float, proof_figures: Figures
) -> None:
    count = int(_MILLION * proof_scale)
    tail = _entry(0)[5:] + _reason(6)
    encoded = b"".join(
        b"\x30" + bytes([22 + len(tail)]) + b"\x02\x14\x45" + secrets.token_bytes(19) + tail
        for _ in range(count)
    )
    tracemalloc.start()
    entries = read_entries(encoded, 0, len(encoded))
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(entries) == count
    assert held < _MOST_BYTES * max(proof_scale, 0.05)
    (
        proof_figures["crl_serials"],
        proof_figures["crl_bytes_held"],
        proof_figures["crl_bytes_peak"],
    ) = (
        count,
        held,
        peak,
    )
