"""Answers of the authority's own test responder: believed in their time, and no flipped bit is."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from tests.proofs import Figures
from verification.core.errors import Refused
from verification.engines.pki import der
from verification.engines.pki.certificate import Certificate, parse_certificate
from verification.engines.pki.crl import parse_crl, verify_crl
from verification.engines.pki.ocsp import (
    OcspResponse,
    RevocationStatus,
    State,
    check_response,
    parse_response,
)
from verification.engines.pki.revocation import look_up

_LIMIT = 32 * 1024
_FLIPS = 10_000
_NAMES = ["ocsp_response_ceo_2015_revoked.bin", "ocsp_response_individual_2015.bin"]


@pytest.fixture(scope="module")
def samples(shared_data: Path) -> Path:
    """The folder of EDS samples."""
    return shared_data / "eds"


@pytest.fixture(scope="module")
def issuer(samples: Path) -> Certificate:
    """The issuing authority of the test system."""
    return parse_certificate((samples / "ncanode" / "ca" / "nca_gost2015_test.cer").read_bytes())


def _judge(
    encoded: bytes, *, issuer: Certificate, asked: OcspResponse, late: timedelta
) -> RevocationStatus:
    """The answer to the question that `asked` answers; of the leaf only its serial number matters
    here.
    """
    return check_response(
        parse_response(encoded, max_bytes=_LIMIT),
        certificate=replace(issuer, serial=asked.cert_id[3]),
        issuer=issuer,
        nonce=asked.nonce or b"",
        at=asked.produced_at + late,
        max_age=timedelta(minutes=5),
        clock_skew=timedelta(0),
    )


@pytest.mark.parametrize("name", _NAMES)
def test_the_real_answers_are_believed_for_five_minutes_and_are_holds(
    samples: Path, issuer: Certificate, name: str
) -> None:
    encoded = (samples / "ncanode" / "ocsp" / name).read_bytes()
    asked = parse_response(encoded, max_bytes=_LIMIT)
    for minutes in (0, 5):
        status = _judge(encoded, issuer=issuer, asked=asked, late=timedelta(minutes=minutes))
        assert (status.state, status.is_hold) == (State.REVOKED, True)
    with pytest.raises(Refused, match="stale"):
        _judge(encoded, issuer=issuer, asked=asked, late=timedelta(minutes=5, seconds=1))


def test_a_certificate_the_authority_never_issued_is_a_hold_since_1970(
    samples: Path, issuer: Certificate
) -> None:
    """RFC 6960 §2.2, extended revoke: the responder says so of a serial number it does not know."""
    encoded = (samples / "ncanode" / "ocsp" / _NAMES[1]).read_bytes()
    asked = parse_response(encoded, max_bytes=_LIMIT)
    status = _judge(encoded, issuer=issuer, asked=asked, late=timedelta(0))
    assert status.revoked_at is not None
    assert status.revoked_at.year == 1970


def _signed_spans(encoded: bytes) -> list[range]:
    """Where the answer's data and its signature stand; the rest is wrapping and the responder's
    certificate.
    """
    octets = der.read_tree(encoded).children[1].children[0].children[1]
    basic = der.read_tree(octets.content)
    parts = (basic.children[0], basic.children[2])
    return [range(octets.body + part.start, octets.body + part.end) for part in parts]


@pytest.mark.proof("eds")
@pytest.mark.parametrize("name", _NAMES)
def test_no_flipped_bit_in_what_is_signed_is_believed(
    samples: Path,
    issuer: Certificate,
    name: str,
    proof_scale: float,
    proof_seed: int,
    proof_figures: Figures,
) -> None:
    encoded = (samples / "ncanode" / "ocsp" / name).read_bytes()
    asked = parse_response(encoded, max_bytes=_LIMIT)
    bits = [
        8 * place + bit for span in _signed_spans(encoded) for place in span for bit in range(8)
    ]
    chosen = Random(proof_seed).sample(bits, min(len(bits), int(_FLIPS * proof_scale)))
    for bit in chosen:
        flipped = bytearray(encoded)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Refused):
            _judge(bytes(flipped), issuer=issuer, asked=asked, late=timedelta(0))
    proof_figures[f"ocsp_bits_{name.split('_')[2]}"] = len(chosen)


def test_the_real_delta_list_belongs_to_the_real_list_though_it_is_numbered_apart(
    samples: Path,
) -> None:
    folder = samples / "nca_test_2026"
    authority = parse_certificate((folder / "nca_gost2022_test.cer").read_bytes())
    complete, delta = (
        verify_crl(parse_crl((folder / name).read_bytes(), max_bytes=_LIMIT), issuer=authority)
        for name in ("nca_gost2022_test.crl", "nca_gost2022_d_test.crl")
    )
    assert (complete.number, delta.base_number, delta.number) == (14, 14, 10)
    at = delta.this_update + timedelta(days=1)
    listed = int("1b012ca203b8d2b8525f2d993399c6fcaae42f78", 16)
    for serial, state in ((listed, State.REVOKED), (listed + 1, State.GOOD)):
        assert look_up(serial, complete=[complete], deltas=[delta], at=at).state is state
