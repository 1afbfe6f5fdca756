"""A time-stamp token and its answer, parsed into plain values. Parsing implies no trust.

Source: RFC 3161 §2.4.2; RFC 5652 §5.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256

from verification.core.errors import Refused
from verification.engines.pki import certificate, der
from verification.engines.pki.certificate import algorithm_oid
from verification.engines.pki.cms import SignedToken, parse_token_cms
from verification.engines.pki.der import Element, malformed

TST_INFO = "1.2.840.113549.1.9.16.1.4"

# RFC 3161 §2.4.2: a fraction has no trailing zero, and an all-zero one is omitted with its point.
_TIME = re.compile(rb"(\d{14})(?:\.(\d{0,8}[1-9]))?Z")
# RFC 3161 §2.4.2: with any other status there is no token.
_GRANTED = frozenset({0, 1})  # granted, grantedWithMods


@dataclass(frozen=True)
class TimestampToken:
    """The content of a token: bytes of this hash existed at this time. Not verified yet.

    `imprint_oid` names the hash; `nonce` is the question's, None if absent; `sha256` is of the
    token.
    """

    sha256: str
    policy: str
    imprint_oid: str
    imprint: bytes = field(repr=False)
    time: datetime
    nonce: int | None = field(repr=False)
    info: bytes = field(repr=False)
    signed: SignedToken


def invalid(detail: str) -> Refused:
    """The refusal of a malformed token."""
    return Refused("eds_timestamp_invalid", detail)


def parse_token(untrusted: bytes, *, max_bytes: int) -> TimestampToken:
    """The token in DER bytes.

    Raises: `Refused` (eds_timestamp_invalid) for any defect.
    """
    try:
        signed = parse_token_cms(untrusted, max_bytes=max_bytes)
        if signed.content_type != TST_INFO or not signed.encapsulated:
            raise malformed("the content is no time-stamp")
        info = der.read_strict(signed.encapsulated, "time-stamp")
        version, policy, imprint, serial, time, *rest = der.items(
            info, der.SEQUENCE, "time-stamp", at_least=5, at_most=10
        )
        if der.integer(version, "version") != 1:
            raise malformed("time-stamp: not version 1")
        der.integer(serial, "serial number")
        hashed, value = der.items(imprint, der.SEQUENCE, "imprint", at_least=2, at_most=2)
        return TimestampToken(
            sha256=sha256(untrusted).hexdigest(),
            policy=der.oid(policy, "policy"),
            imprint_oid=algorithm_oid(hashed),
            imprint=der.octets(value, "imprint"),
            time=_time(time),
            nonce=_nonce(rest),
            info=signed.encapsulated,
            signed=signed,
        )
    except Refused as refused:
        raise invalid(refused.detail) from refused


def _time(element: Element) -> datetime:
    """genTime, which unlike other times may have fractions of a second; below a microsecond they
    are cut.
    """
    match = _TIME.fullmatch(der.octets(element, "time", tag=der.GENERALIZED_TIME))
    if match is None:
        raise malformed("time-stamp: not a time")
    try:
        moment = datetime.strptime(match[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise malformed("time-stamp: no such time") from None
    return moment.replace(microsecond=int((match[2] or b"").ljust(6, b"0")[:6]))


def _nonce(elements: list[Element]) -> int | None:
    """The nonce among accuracy, ordering, nonce, tsa and extensions, all optional and in this
    order.
    """
    order = [der.SEQUENCE, der.BOOLEAN, der.INTEGER, der.CONTEXT_0, der.CONTEXT_1]
    tags = [element.tag for element in elements]
    if tags != [tag for tag in order if tag in tags]:
        raise malformed("time-stamp: unexpected parts")
    by_tag = {element.tag: element for element in elements}
    if der.CONTEXT_1 in by_tag:
        # RFC 3161 tags them implicitly: [1] replaces the tag of SEQUENCE.
        listed = replace(by_tag[der.CONTEXT_1], tag=der.SEQUENCE)
        if any(element.critical for element in certificate.parse_extensions(listed).values()):
            raise malformed("time-stamp: an unknown critical extension")
    return der.integer(by_tag[der.INTEGER], "nonce") if der.INTEGER in by_tag else None


def open_response(untrusted: bytes, *, max_bytes: int) -> bytes:
    """The token in an authority's answer.

    Raises: `Refused` (eds_timestamp_invalid), also without a token.
    """
    if len(untrusted) > max_bytes:
        raise invalid("the authority's answer is too large")
    try:
        parts = der.items(der.read_tree(untrusted), der.SEQUENCE, "answer", at_least=1, at_most=2)
        status = der.items(parts[0], der.SEQUENCE, "status", at_least=1, at_most=3)
        if der.integer(status[0], "status") not in _GRANTED or len(parts) != 2:
            raise malformed("the authority gave no time-stamp")
        return parts[1].raw
    except Refused as refused:
        raise invalid(refused.detail) from refused
