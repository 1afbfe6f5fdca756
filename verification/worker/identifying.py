"""Judges the signature under a person's request to read their data.

The procedure is that of the EDS stage: format, content, signature, path, usage, IIN, revocation,
time-stamp, text. The result is a signed entry. It says nothing of what is kept: no case is looked
up here.
"""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import F, Q, QuerySet

from verification import clock, transactions
from verification.access import rates, subjects
from verification.access.subjects import Asked
from verification.case import policy
from verification.core.errors import FenceLost, TulgaError, Unavailable
from verification.core.events import IDENTIFIED, UNIDENTIFIED
from verification.core.results import Outcome, decide
from verification.core.route import Evidence
from verification.core.stored import canonical_json
from verification.evidence import vault
from verification.log import log
from verification.models import SubjectRequest
from verification.stages.statement import STAGE, dialogue
from verification.stages.statement.checks import CHECKS
from verification.stages.statement.collect import collect_signed
from verification.stages.statement.measure import Signatory, measure_signed
from verification.stages.statement.policy import POLICY

TOO_OFTEN: Final = "subject_too_often"
"""The code of a refusal: this key has signed too many requests in an hour."""
OUR_FAULT: Final = "retries_exhausted"
"""The code of a refusal: the authority did not answer. It says nothing about the person."""


def reserve(*, limit: int, at: datetime) -> list[str]:
    """Reserves some due requests for a few seconds; gives their ids, the oldest first."""
    if not _free(at).exists():
        return []
    with transactions.writing():
        rows = _free(at).select_for_update(skip_locked=True).order_by("due_at")
        ids = list(rows.values_list("pk", flat=True)[:limit])
        until = at + timedelta(seconds=policy.RESERVED_SECONDS)
        # Without the fence of a worker that died: `claim` begins a reserved row by that alone.
        SubjectRequest.objects.filter(pk__in=ids).update(lease_until=until, fence="")
    return ids


def judge(row: SubjectRequest) -> str:
    """Judges a claimed request; gives the refusal's code, or `identified`.

    Raises: errors of a silent authority; `EvidenceUnreadable` for a row that web did not seal;
    `FenceLost`.
    """
    asked = subjects.unseal(row.pk, row.sealed)
    signature, signed_at = subjects.unseal_signature(row)
    transactions.end_reading()
    # 1 The text is written again from the sealed request, so each of its bytes is ours.
    items = {
        dialogue.TEXT: asked.text(),
        dialogue.SIGNATURE: signature,
        dialogue.ANSWER: canonical_json({"at": signed_at.isoformat()}),
    }
    # 2 Ask the authorities, then measure and judge at the time of their answers.
    evidence = Evidence(items=items, at=clock.now())
    collected = collect_signed(asked.mode, evidence)
    evidence = replace(evidence, items=items | collected, at=clock.now())
    facts = measure_signed(
        Signatory(asked.mode, asked.iin), evidence, POLICY, read_ours=lambda text: asked.data
    )
    decision = decide(STAGE.judge(facts, POLICY), required=tuple(CHECKS))
    if decision.outcome is Outcome.RETRY:
        raise Unavailable(decision.code, code=decision.code)
    code = "" if decision.outcome is Outcome.PASSED else decision.code
    # 3 Only a signature that holds counts against its key: an attacker cannot use up another's.
    if not code and _is_too_often(facts.signer):
        code = TOO_OFTEN
    _end(row, asked, code=code)
    return code or "identified"


def _is_too_often(signer: Mapping[str, str]) -> bool:
    certificate = vault.blind_index(purpose="subject key", value=signer["certificate_sha256"])
    name = f"subject {next(iter(certificate.values())).hex()[:40]}"
    seconds = policy.SUBJECT_SIGNATURES_SECONDS
    return rates.count(name, seconds=seconds) > policy.SUBJECT_SIGNATURES


def _end(row: SubjectRequest, asked: Asked, *, code: str) -> None:
    """Writes the entry behind the fence, and names it in the row."""
    at = clock.now()
    until = min(at + timedelta(seconds=policy.SUBJECT_READ_SECONDS), row.expires_at)
    body: dict[str, Any] = {"request": row.pk, "session": asked.session}
    body["subject"] = subjects.marks(row.pk, asked.iin)[0]
    body |= {"code": code} if code else {"until": until.isoformat()}
    with transactions.writing():
        if _mine(row).update(due_at=None, lease_until=None, fence="", faults=0) != 1:
            raise FenceLost(f"{row.pk}: the lease ran out")
        entry_type = UNIDENTIFIED if code else IDENTIFIED
        entry = log.append(log=asked.mode, type=entry_type, body=body, at=at)
        SubjectRequest.objects.filter(pk=row.pk).update(entry=entry.pk)


def claim(request_id: str) -> SubjectRequest | None:
    """Claims a due request: a lease, a random fence, one fault counted. None if it is not free."""
    fence, at = secrets.token_hex(16), clock.now()
    until = at + timedelta(seconds=policy.LEASE_SECONDS)
    with transactions.writing():
        # A reserved row has no fence yet, and may be begun.
        due = SubjectRequest.objects.filter(pk=request_id, due_at__lte=at, expires_at__gt=at)
        mine = due.filter(Q(lease_until=None) | Q(lease_until__lt=at) | Q(fence=""))
        if mine.update(fence=fence, lease_until=until, faults=F("faults") + 1) != 1:
            return None
        return SubjectRequest.objects.get(pk=request_id)


def release(row: SubjectRequest) -> None:
    """Due again after a while; after the last fault the person reads that it is ours."""
    if row.faults >= policy.FAULTS_MAX:
        try:
            return _end(row, subjects.unseal(row.pk, row.sealed), code=OUR_FAULT)
        except TulgaError:  # a row that web never sealed: it is left to its hour
            _mine(row).update(due_at=None, lease_until=None, fence="")
            return None
    due_at = clock.now() + timedelta(seconds=policy.backoff(row.faults))
    with transactions.writing():
        _mine(row).update(due_at=due_at, lease_until=None, fence="")
    return None


def _mine(row: SubjectRequest) -> QuerySet[SubjectRequest, SubjectRequest]:
    return SubjectRequest.objects.filter(pk=row.pk, fence=row.fence).exclude(fence="")


def _free(at: datetime) -> QuerySet[SubjectRequest, SubjectRequest]:
    free = Q(lease_until=None) | Q(lease_until__lt=at)
    return SubjectRequest.objects.filter(free, due_at__lte=at, expires_at__gt=at)
