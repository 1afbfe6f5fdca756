"""What the authority says of one certificate, by whichever way it was asked, and whether that lets it pass.

1 a verified answer of the responder decides, also one that says unknown: a list cannot know what the authority never
issued · 2 without one the freshest verified list of the issuer decides, together with its delta · 3 without either
nobody can tell · 4 revoked refuses, on hold too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from verification.core.errors import Refused
from verification.engines.pki.certificate import Certificate
from verification.engines.pki.crl import VERIFIED, VerifiedLists, look_up
from verification.engines.pki.ocsp import check_response, parse_response
from verification.engines.pki.revocation_status import RevocationStatus, State, unknown


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How large an answer may be, bytes, how old one of the responder, and how far the authority's clock from ours."""

    ocsp_max_bytes: int
    ocsp_max_age: timedelta
    crl_max_bytes: int
    clock_skew: timedelta


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Raw answers as they came. With any `deltas`, one of the certificate's issuer must be among them: were its absence
    allowed, whoever stands between could repeat the complete list in its place."""

    ocsp: bytes | None = field(default=None, repr=False)
    ocsp_nonce: bytes = field(default=b"", repr=False)
    crls: Sequence[bytes] = field(default=(), repr=False)
    deltas: Sequence[bytes] = field(default=(), repr=False)


def find_status(
    certificate: Certificate,
    *,
    issuer: Certificate,
    answers: Answers,
    limits: Limits,
    at: datetime,
    verified: VerifiedLists = VERIFIED,
) -> RevocationStatus:
    """Steps 1–3. `issuer` must have passed `build_path`.

    Raises `Refused` (eds_revocation_unknown) if no answer can be believed; the detail tells of the last one tried.
    """
    # 1
    problem = "no answer and no list of this issuer"
    if answers.ocsp is not None:
        try:
            return ask_responder(certificate, issuer=issuer, answers=answers, limits=limits, at=at)
        except Refused as refused:
            problem = refused.detail
    # 3, where there is nothing for 2: no answer is never "good", or whoever cuts the line would undo a revocation
    if not answers.crls:
        raise unknown(problem)
    # 2
    lists = [verified.get(each, issuer=issuer, max_bytes=limits.crl_max_bytes) for each in answers.crls]
    complete = [each for each in lists if each is not None and each.base_number is None]
    lists = [verified.get(each, issuer=issuer, max_bytes=limits.crl_max_bytes) for each in answers.deltas]
    deltas = [each for each in lists if each is not None and each.base_number is not None]
    if not complete:
        raise unknown("no list of this issuer")
    if answers.deltas and not deltas:
        raise unknown("no delta list of this issuer")
    return look_up(certificate.serial, complete=complete, deltas=deltas, at=at)


def ask_responder(
    certificate: Certificate, *, issuer: Certificate, answers: Answers, limits: Limits, at: datetime
) -> RevocationStatus:
    """What a verified answer of the responder says; its state may be unknown.

    Raises `Refused` (eds_revocation_unknown) if the answer cannot be believed: then lists may be asked.
    """
    response = parse_response(answers.ocsp or b"", max_bytes=limits.ocsp_max_bytes)
    return check_response(
        response,
        certificate=certificate,
        issuer=issuer,
        nonce=answers.ocsp_nonce,
        at=at,
        max_age=limits.ocsp_max_age,
        clock_skew=limits.clock_skew,
    )


def require_good(status: RevocationStatus, *, reference: datetime, is_later_accepted: bool = False) -> None:
    """Step 4: return if the status lets a signature pass that is known to have existed at the time `reference`.

    `is_later_accepted`: a revocation after `reference` does not refuse; a hold, whose end is open, always does.
    Raises `Refused`: eds_certificate_revoked (facts: reason, revoked_at, and whether before or after), or
    eds_revocation_unknown.
    """
    if status.state is State.UNKNOWN:
        raise unknown("the responder does not know the certificate")
    if status.state is State.GOOD:
        return
    is_later = status.revoked_at is not None and status.revoked_at > reference
    if is_later and is_later_accepted and not status.is_hold:
        return
    when = status.revoked_at.isoformat() if status.revoked_at else ""
    facts: dict[str, str | int] = {"reason": status.reason or 0, "revoked_at": when}
    raise Refused(
        "eds_certificate_revoked",
        "the certificate is on hold" if status.is_hold else "the certificate is revoked",
        facts=facts | {"revoked": "after the signature" if is_later else "before the signature"},
    )


def check_authorities(path: Sequence[Certificate], *, lists: Sequence[bytes], limits: Limits, at: datetime) -> None:
    """Return if every authority of a path but its anchor is cleared by a list of whoever certified it.

    Raises `Refused`: eds_issuer_revoked, or eds_revocation_unknown also where the list of one is missing.
    """
    for authority, above in pairwise(path[1:]):
        status = find_status(authority, issuer=above, answers=Answers(crls=lists), limits=limits, at=at)
        try:
            require_good(status, reference=at)
        except Refused as refused:
            if refused.code != "eds_certificate_revoked":
                raise
            raise Refused("eds_issuer_revoked", refused.detail, facts=refused.facts) from refused
