"""What a worker asks outside before the money leaves: Stop-credit, the account's owner, others'
credits of the day.

1. Nobody is asked but under the borrower's own yes to a text that names these questions, as signed
  entries list it.
2. Each question has an id that nobody has used, on a retry too: an answer is never one that
  somebody kept.
3. The age of an answer counts from the moment before its question.
4. What was answered is evidence of the verification, listed by the entry that the gates stand in.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from verification import clock, transactions
from verification.case import contents, dossier, policy
from verification.core.answers import Basis, parse_account, parse_credits, parse_stop_credit
from verification.core.clearance import Answer
from verification.core.errors import EvidenceUnreadable, SourceUnavailable
from verification.core.keeping import claims
from verification.core.person import Case
from verification.core.profiles import Profile
from verification.core.results import Outcome
from verification.evidence import store
from verification.models import AuditEntry, Verification
from verification.sources import account_owner, credit_bureau, stop_credit
from verification.sources.installed import written
from verification.stages.confirmation import CONSENT
from verification.stages.confirmation.dialogue import CONSENT_ANSWER
from verification.stages.confirmation.measure import payout_basis

_NONCE_BYTES: Final = 16


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What was answered, for the gates, and the raw answers by kind. None where nobody was asked,
    or nobody plays it.

    others_tiyn: what other lenders lent the person online, of several days the most. lacks_consent:
    something had to be asked, and the borrower said yes to no text that names it.
    """

    stop_credit: Answer | None = None
    account_owner: Answer | None = None
    others_tiyn: int | None = None
    lacks_consent: bool = False
    raw: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def ask(
    verification: Verification,
    case: Case,
    laws: Sequence[Profile],
    *,
    sound: Sequence[AuditEntry],
    clearance_id: str,
    days: Collection[date],
) -> Answers:
    """Asks what one of these laws asks for, of whoever is configured. sound: the entries that
    count; days: in Almaty, whose credits are counted.

    Outside of any transaction. Raises `SourceUnavailable`, and `Misconfigured` for a source that
    cannot be built.
    """
    wanted = {
        credit_bureau.SOURCE: any(one.cooling_off_over_mci is not None for one in laws),
        account_owner.SOURCE: any(one.account_owner_max_age_seconds is not None for one in laws),
        stop_credit.SOURCE: any(one.stop_credit_max_age_seconds is not None for one in laws),
    }
    played = {name for name, entry in written(case.mode).items() if entry}
    asked = {name for name, is_wanted in wanted.items() if is_wanted} & played
    if not asked:
        return Answers()
    if (basis := _basis(verification, sound)) is None:
        return Answers(lacks_consent=True)
    questions = _Questions(case, basis, clearance_id, begun_at=clock.now())
    # What may be the least old is asked for last.
    others = questions.credits(sorted(days)) if credit_bureau.SOURCE in asked else None
    owner = questions.owner() if account_owner.SOURCE in asked else None
    refusal = questions.refusal() if stop_credit.SOURCE in asked else None
    return Answers(stop_credit=refusal, account_owner=owner, others_tiyn=others, raw=questions.raw)


def keep(verification: Verification, answers: Answers, *, at: datetime) -> Mapping[str, Any]:
    """Seals what was answered, in the transaction of the entry of this time; gives what that says
    of it.
    """
    if not answers.raw:
        return {}
    kept = store.put_all(contents.key_beside(verification), answers.raw, at=at)
    return {"evidence": store.leaf_list(kept)}


def _basis(verification: Verification, sound: Sequence[AuditEntry]) -> Basis | None:
    """The borrower's yes, by what signed entries list; None where there is none that can be
    read.
    """
    passed = {
        str(one.body["attempt"])
        for one in sound
        if one.type == "attempt.judged"
        and (one.body["stage"], one.body["outcome"]) == (CONSENT.name, Outcome.PASSED)
    }
    listed = [
        claim for one in sound if one.type == "attempt.answered" for claim in claims(one.body)
    ]
    given = [claim for claim in listed if claim.kind == CONSENT_ANSWER and claim.attempt in passed]
    try:
        opened = dossier.proven(given, key=contents.key_beside(verification))
    except EvidenceUnreadable:
        return None
    return next(
        (basis for _, content in opened if (basis := payout_basis(content)) is not None), None
    )


@dataclass
class _Questions:
    """The questions of one clearance; `raw` gathers the answers by kind."""

    case: Case
    basis: Basis
    clearance_id: str
    begun_at: datetime
    raw: dict[str, bytes] = field(default_factory=dict)

    def credits(self, days: Sequence[date]) -> int:
        """Tiyn that other lenders lent the person online, of these days the most."""
        self._before(credit_bureau.SOURCE)
        bureau = credit_bureau.in_use(self.case.mode)
        raw = bureau.credits(days, iin=self.case.person.iin, **self._about(credit_bureau.SOURCE))
        self.raw[f"clearance.{credit_bureau.SOURCE}"] = raw
        return max(parse_credits(raw).tiyn.values())

    def owner(self) -> Answer:
        """Whether the account of the loan is the person's."""
        bank, at = account_owner.in_use(self.case.mode), self._before(account_owner.SOURCE)
        account, iin = self.case.loan.payout_account, self.case.person.iin
        raw = bank.owner(account, iin=iin, **self._about(account_owner.SOURCE))
        self.raw[f"clearance.{account_owner.SOURCE}"] = raw
        return Answer(fits=parse_account(raw).status == "owned", at=at, source=account_owner.SOURCE)

    def refusal(self) -> Answer:
        """Whether the person has not refused all credits."""
        bureau, at = stop_credit.in_use(self.case.mode), self._before(stop_credit.SOURCE)
        raw = bureau.refusal(self.case.person.iin, **self._about(stop_credit.SOURCE))
        self.raw[f"clearance.{stop_credit.SOURCE}"] = raw
        return Answer(
            fits=parse_stop_credit(raw).status == "not_refused", at=at, source=stop_credit.SOURCE
        )

    def _about(self, source: str) -> dict[str, Any]:
        # Of our own ids and chance alone. A known id may be answered as it was before: see
        # docs/sandbox.md.
        request_id = f"{self.clearance_id}:{source}:{secrets.token_hex(_NONCE_BYTES)}"
        return {"lender_bin": self.case.lender.bin, "basis": self.basis, "request_id": request_id}

    def _before(self, source: str) -> datetime:
        """Now; and the database is not kept waiting for the answer. Raises `SourceUnavailable` if
        time is short.
        """
        at = clock.now()
        if at > self.begun_at + timedelta(seconds=policy.INQUIRIES_SECONDS):
            raise SourceUnavailable(source, "those before it took too long")
        transactions.rest()
        return at
