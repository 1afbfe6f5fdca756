"""The entries of a list as sorted arrays: all shapes are read alike, and a million fit into 40
MB.
"""

import secrets
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insecure_sandbox import encoding as asn1
from tests.proofs import Figures
from verification.core.errors import Refused
from verification.engines.pki.crl import Entries, Entry, read_entries

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
