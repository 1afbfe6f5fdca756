"""Answers as the library reads them: what it takes more kindly than we do leaves the status open
all the same.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.x509 import ocsp

from insecure_sandbox import encoding as asn1
from insecure_sandbox.ocsp_responder import TRY_LATER, encode, revoked
from tests.verification.engines.pki.test_ocsp import LIMIT, NONCE, right
from tests.verification.engines.pki.world import AT, World
from verification.core.errors import Refused
from verification.engines.pki import der
from verification.engines.pki.crl import REASONS
from verification.engines.pki.ocsp import REMOVED_FROM_LIST, State, parse_response

Parts = list[bytes]


def _rebuilt(world: World, change: Callable[[Parts, Parts], None]) -> bytes:
    """The right answer with its data or the parts beside them changed; nobody signed it."""
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


REFUSED: dict[str, Callable[[Parts, Parts], None]] = {
    "its first version in words": _with_version(0),
    "another version": _with_version(1),
    "something else than a certificate": _with_no_certificate,
    "a fraction of a second": _with_a_fraction,
    "a hash that nobody here knows": _with_another_hash,
    "no status": lambda _parts, data: data.__setitem__(2, asn1.sequence()),
    "an extension twice": _with_marks(asn1.extension("1.2.3.4", asn1.null()) * 2),
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
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
