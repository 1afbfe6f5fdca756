"""Whose time-stamps are believed: the authority behind a token, its right to sign one, and whether it was revoked.

1 its key is for time-stamps alone, and its certificate says so critically · 2 the certificate itself is pinned, and
then nobody is asked about it · 3 or it has a path, at the token's time, to a pinned anchor or to a pinned authority
that stands above time-stamp authorities alone · 4 its issuer's responder or list, as of now, clears it, or revoked it
after the token for a reason that leaves older tokens standing.
Source: RFC 3161 §2.3, §4; EN 319 102-1 V1.3.1 §5.6.3 (past validation), of which this is the part without archives.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeGuard

from verification.core.errors import Refused
from verification.engines.pki.certificate import EXTENDED_KEY_USAGE, Certificate, TimestampCertificate
from verification.engines.pki.path import build_timestamp_path
from verification.engines.pki.revocation import Answers, Limits, find_status
from verification.engines.pki.revocation_status import RevocationStatus, State, unknown
from verification.engines.pki.timestamp_token import TimestampToken

TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
# RFC 3161 §4: an authority that goes out of use with its key intact. A reason left out, which a list cannot tell from
# reason 0, and every other one refuse all its tokens.
_AFFILIATION_CHANGED, _SUPERSEDED, _CESSATION_OF_OPERATION = 3, 4, 5
_KEY_INTACT = frozenset({_AFFILIATION_CHANGED, _SUPERSEDED, _CESSATION_OF_OPERATION})


@dataclass(frozen=True, kw_only=True)
class TimestampTrust:
    """Whose tokens are believed, and what was said of them.

    `pinned`: certificates of time-stamp authorities that need no path, and of authorities that stand above such and
    nobody else. `answers` are about the token's signer, `above` are lists about whoever stands between it and the
    anchor. `accepts_unknown_revocation`: a status that nobody can tell does not refuse, a revocation still does.
    """

    anchors: Collection[TimestampCertificate]
    intermediates: Collection[TimestampCertificate]
    pinned: Collection[TimestampCertificate] = ()
    accepted_policies: Collection[str]
    max_bytes: int
    clock_skew: timedelta
    answers: Answers = field(default_factory=Answers)
    above: Collection[bytes] = ()
    limits: Limits
    accepts_unknown_revocation: bool = False


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a token's signer stands with its issuer: `word` is good, pinned, unknown, or why an older token still stands.

    The status is that of who was asked, None where nobody was or nobody could tell.
    """

    word: str
    status: RevocationStatus | None = None


def untrusted(detail: str) -> Refused:
    """The refusal of a token whose signer is nobody that we trust for it."""
    return Refused("eds_timestamp_untrusted", detail)


def timestamp_path(token: TimestampToken, *, trust: TimestampTrust) -> tuple[TimestampCertificate, ...]:
    """Steps 1–3: who signed, then who stands above; just the first if it is pinned itself.

    Raises `Refused` (eds_timestamp_untrusted).
    """
    authority = token.signed.signer
    # 1
    if not authority.extensions.get(EXTENDED_KEY_USAGE) or authority.extended_key_usage != {TIME_STAMPING}:
        raise untrusted("the key is not for time-stamps alone, or does not say so critically")
    if authority.key_usage and not authority.key_usage & {"digital_signature", "non_repudiation"}:
        raise untrusted("the key is not for signatures")
    # 2
    if authority.sha256 in {each.sha256 for each in trust.pinned}:
        if not authority.not_before <= token.time <= authority.not_after or authority.unknown_critical:
            raise untrusted("the authority was not valid at the time")
        return (authority,)
    # 3
    anchors = [*trust.anchors, *(each for each in trust.pinned if each.is_ca)]
    try:
        return build_timestamp_path(authority, anchors=anchors, intermediates=trust.intermediates, at=token.time)
    except Refused as refused:
        raise untrusted(refused.detail) from refused


def askable(path: tuple[TimestampCertificate, ...]) -> tuple[Certificate, Certificate] | None:
    """The signer of a `timestamp_path` and its issuer, who can be asked about it; None where nobody can.

    Nobody is asked about a pinned one, and of the old algorithms neither a list nor an answer is accepted.
    """
    if len(path) > 1 and _is_current(path[0]) and _is_current(path[1]):
        return path[0], path[1]
    return None


def check_standing(token: TimestampToken, *, trust: TimestampTrust, at: datetime) -> Standing:
    """Steps 1–4: how the token's signer stands `at` this time, now.

    Raises `Refused`: eds_timestamp_untrusted, or eds_revocation_unknown if nobody can tell and that does not do.
    """
    path = timestamp_path(token, trust=trust)
    if len(path) == 1:
        return Standing(word="pinned")
    # 4
    try:
        asked = askable(path)
        if asked:
            authority, issuer = asked
            status = find_status(authority, issuer=issuer, answers=trust.answers, limits=trust.limits, at=at)
            standing = Standing(word=_judge(status, time=token.time), status=status)
        elif trust.accepts_unknown_revocation:
            standing = Standing(word="unknown")
        else:
            # Lists and answers signed with the old algorithms are accepted of nobody: waiting for one helps nobody.
            raise untrusted("nobody can tell whether an authority of the old algorithms is revoked: it must be pinned")
        # What stands between the signer and the anchor is held to the same, by the lists of whoever certified it.
        lists = Answers(crls=tuple(trust.above))
        for below, above in pairwise(path[1:]) if trust.above else ():
            if _is_current(below) and _is_current(above):
                status = find_status(below, issuer=above, answers=lists, limits=trust.limits, at=at)
                _judge(status, time=token.time)
    except Refused as refused:
        if refused.code != "eds_revocation_unknown":
            raise
        if not trust.accepts_unknown_revocation:
            raise unknown(f"of the time-stamp authority: {refused.detail}") from refused
        return Standing(word="unknown")
    return standing


def _judge(status: RevocationStatus, *, time: datetime) -> str:
    if status.state is State.UNKNOWN:
        raise unknown("the responder does not know the time-stamp authority")
    if status.state is State.GOOD:
        return "good"
    if status.reason in _KEY_INTACT and status.revoked_at is not None and status.revoked_at > time:
        return "revoked after the time-stamp"
    when = status.revoked_at.isoformat() if status.revoked_at else ""
    facts: dict[str, str | int] = {"reason": status.reason or 0, "revoked_at": when}
    raise Refused("eds_timestamp_untrusted", "the time-stamp authority is revoked", facts=facts)


def _is_current(certificate: TimestampCertificate) -> TypeGuard[Certificate]:
    return certificate.family != "gost2004"
