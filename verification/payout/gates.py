"""Input of a clearance's gates: attestations, the lender's loans of the day, and outside answers.

Only valid entries count. Rows only locate them: an entry of another verification counts if the case
sealed there is this person's and matches its first entry.

The outside questions: Stop-credit, the account's owner, and others' credits of the day.

1. Each needs the borrower's agreement to a text that names it, in signed entries.
2. Each question has a fresh id, also on a retry, so that no stored answer is returned.
3. The age of an answer counts from the moment before its question.
4. Answers are evidence of the verification, listed in the entry with the gates.

Law: O-53, O-55, O-56.
"""

import secrets
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Any, Final

from django.db.models import QuerySet

from verification import clock, transactions
from verification.case import contents, dossier, policy
from verification.core import almaty, profiles
from verification.core.answers import Basis
from verification.core.clearance import AGE, TIYN, VISIT, Answer
from verification.core.errors import EvidenceUnreadable, Misconfigured, SourceUnavailable
from verification.core.events import ATTESTED, BLOCKING, CLEARED, CREDITING, REPORTED
from verification.core.keeping import claims
from verification.core.person import Case
from verification.core.profiles import Profile
from verification.core.results import Outcome
from verification.evidence import store, vault
from verification.log import entries, signatures
from verification.models import AuditEntry, Verification
from verification.sources import account_owner, credit_bureau, stop_credit
from verification.sources.asking import Fetched, Parsed, Question, Source
from verification.sources.installed import written
from verification.stages.confirmation import CONSENT
from verification.stages.confirmation.dialogue import CONSENT_ANSWER
from verification.stages.confirmation.measure import payout_basis

_VERIFIED, _PAID = "verification.verified", "clearance.consumed"
DESK, CREDIT = "desk", "earlier credit"
"""Sources of an answer: an employee's attestation, or an earlier paid credit over the same sum."""

_ASKED, _PAID = "clearance.requested", "clearance.consumed"
_NONCE_BYTES: Final = 16


def attested_answers(
    verification: Verification, laws: Sequence[Profile], *, sound: Sequence[AuditEntry], iin: str
) -> tuple[Answer | None, Answer | None]:
    """The repeated confirmation of consent, and the visit; None without an entry, or if no law
    requires it.

    A visit for another verification with this lender counts, and so does an earlier credit over the
    sum.
    sound: the valid entries of this verification.
    """
    over_mci = min(
        (law.visit_over_mci for law in laws if law.visit_over_mci is not None), default=None
    )
    asks_age = any(law.confirmed_below_years or law.confirmed_from_years for law in laws)
    if over_mci is None and not asks_age:
        return None, None
    visit = (
        None
        if over_mci is None
        else _attested(sound, VISIT) or _earlier(verification, iin, over_mci=over_mci)
    )
    return _attested(sound, AGE), visit


def _earlier(verification: Verification, iin: str, *, over_mci: int) -> Answer | None:
    """An earlier verification here with an attested visit, or with a paid credit over so many MCI
    of its day.

    A worker must have issued the credit's clearance on a valid decision.
    """
    # 1. This person's other verifications, by rows, with an entry that may answer; newest first.
    of_person = _other_cases(verification, iin)
    entries_read = entries.of_cases(of_person, types=(ATTESTED, _PAID), skips_damaged=True)
    # Other attestations there may be numerous.
    telling = [
        entry
        for entry in sorted(entries_read, key=attrgetter("at"), reverse=True)
        if _is_visit(entry) or _is_over(entry, over_mci)
    ]
    ids = list(dict.fromkeys(str(entry.verification_id) for entry in telling))[
        : policy.EARLIER_OPENED
    ]
    rows = of_person.select_related("key").in_bulk(ids)
    for row in (rows[pk] for pk in ids if pk in rows):
        sound = signatures.sound_of(row)
        if any(entry.type in BLOCKING for entry in sound):  # a blocked case is not opened
            continue
        # 2. Whether the case opened there is this person's; an erased one gives no answer.
        opened = [
            str(entry.body["case"]) for entry in sound if entry.type == "verification.created"
        ]
        try:
            cases = [
                contents.read(row, contents.key_beside(row), commitment=case).case
                for case in opened[:1]
            ]
        except EvidenceUnreadable:
            continue
        if [case.person.iin.value for case in cases] != [iin]:
            continue
        # 3. What its valid entries say.
        if visit := _attested(sound, VISIT):
            return visit
        decisions = {entry.pk for entry in sound if entry.type == _VERIFIED}
        issued = {
            entry.body["clearance"]
            for entry in sound
            if entry.type == CLEARED and entry.body["decision"] in decisions
        }
        for entry in sound:
            if (
                entry.type == _PAID
                and entry.body["clearance"] in issued
                and _is_over(entry, over_mci)
            ):
                return Answer(fits=True, at=entry.at, source=CREDIT)
    return None


def _attested(sound: Sequence[AuditEntry], attested: str) -> Answer | None:
    attestations = [
        entry for entry in sound if entry.type == ATTESTED and entry.body["what"] == attested
    ]
    return Answer(fits=True, at=attestations[0].at, source=DESK) if attestations else None


def _is_visit(entry: AuditEntry) -> bool:
    return (
        entry.type == ATTESTED and isinstance(entry.body, dict) and entry.body.get("what") == VISIT
    )


def _is_over(paid: AuditEntry, over_mci: int) -> bool:
    """Whether so much was paid; a value from an untrusted row, or a year without a value, gives
    False.
    """
    amount = paid.body.get("amount") if isinstance(paid.body, dict) else None
    try:
        return (
            isinstance(amount, int)
            and amount > profiles.mci_tenge(over_mci, on=almaty.day_of(paid.at)) * TIYN
        )
    except Misconfigured:
        return False


def most_credit_of_days(
    verification: Verification, iin: str, *, days: Collection[date], at: datetime
) -> int:
    """The largest sum, in tiyn, per day: loans of this lender to the person, without this one.

    A loan counts on the days of its contract, its report and its payout; today, too, while a payout
    is possible.
    """
    other_cases = _other_cases(verification, iin)
    of_loans = defaultdict[str, list[AuditEntry]](list)
    for entry in signatures.sound(entries.of_cases(other_cases, types=CREDITING)):
        of_loans[str(entry.verification_id)].append(entry)
    sums, today = dict.fromkeys(days, 0), almaty.day_of(at)
    for of_loan in of_loans.values():
        counted, open_name, asked_at, until = set[date](), "", at, at
        for entry in of_loan:
            if entry.type == REPORTED:
                counted |= {
                    almaty.day_of(datetime.fromisoformat(entry.body["signed_at"])),
                    almaty.day_of(entry.at),
                }
            elif entry.type == _ASKED:  # the previous one is void
                open_name, asked_at, until = entry.body["clearance"], entry.at, at
            elif entry.type == CLEARED:
                until = datetime.fromisoformat(entry.body["expires_at"])
            else:
                open_name = ""
                counted |= {almaty.day_of(entry.at)} if entry.type == _PAID else set()
        # Of two requests at once, the later evaluation sees the other.
        if open_name and (almaty.day_of(asked_at) == today or until > at):
            counted.add(today)
        cap = max(int(entry.body.get("cap", 0)) for entry in of_loan)
        for day in counted & sums.keys():
            sums[day] += cap
    return max(sums.values(), default=0)


def _other_cases(verification: Verification, iin: str) -> QuerySet[Verification, Verification]:
    """This person's other verifications with the lender, by rows."""
    indexes = list(vault.blind_index(purpose=vault.BORROWER, value=iin).values())
    of_person = Verification.objects.filter(borrower_index__in=indexes, mode=verification.mode)
    return of_person.filter(lender=verification.lender_id).exclude(pk=verification.pk)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Answers for the gates, and the raw answers by kind. None if not asked, or if no source is set
    up.

    others_tiyn: the largest sum that other lenders lent the person online on one of the days.
    lacks_consent: a required question lacks the borrower's agreement to a text that names it.
    """

    stop_credit: Answer | None = None
    account_owner: Answer | None = None
    others_tiyn: int | None = None
    lacks_consent: bool = False
    raw: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def ask_outside(
    verification: Verification,
    case: Case,
    laws: Sequence[Profile],
    *,
    sound: Sequence[AuditEntry],
    clearance_id: str,
    days: Collection[date],
) -> Answers:
    """Asks the configured sources what one of these laws requires.

    sound: the valid entries. days: in Almaty, whose credits count.
    Call it outside any transaction.

    Raises: `SourceUnavailable`, and `Misconfigured` for a source that cannot be built.
    """
    needed = {
        credit_bureau.SOURCE: any(law.cooling_off_over_mci is not None for law in laws),
        account_owner.SOURCE: any(law.account_owner_max_age_seconds is not None for law in laws),
        stop_credit.SOURCE: any(law.stop_credit_max_age_seconds is not None for law in laws),
    }
    played = {name for name, entry in written(case.mode).items() if entry}
    sources = {name for name, is_wanted in needed.items() if is_wanted} & played
    if not sources:
        return Answers()
    if (basis := _basis(verification, sound)) is None:
        return Answers(lacks_consent=True)
    questions = _Questions(case, basis, clearance_id, begun_at=clock.now())
    # The answer with the shortest validity is requested last.
    lent_tiyn = questions.credits(sorted(days)) if credit_bureau.SOURCE in sources else None
    owner = questions.owner() if account_owner.SOURCE in sources else None
    refusal = questions.refusal() if stop_credit.SOURCE in sources else None
    return Answers(
        stop_credit=refusal, account_owner=owner, others_tiyn=lent_tiyn, raw=questions.raw
    )


def keep_answers(
    verification: Verification, answers: Answers, *, at: datetime
) -> Mapping[str, Any]:
    """Seals the answers in the transaction of this entry; returns the entry's items."""
    if not answers.raw:
        return {}
    items = store.put_all(contents.key_beside(verification), answers.raw, at=at)
    return {"evidence": store.leaf_list(items)}


def _basis(verification: Verification, sound: Sequence[AuditEntry]) -> Basis | None:
    """The borrower's agreement from signed entries; None if absent or unreadable."""
    passed_attempts = {
        str(entry.body["attempt"])
        for entry in sound
        if entry.type == "attempt.judged"
        and (entry.body["stage"], entry.body["outcome"]) == (CONSENT.name, Outcome.PASSED)
    }
    listed = [
        claim for entry in sound if entry.type == "attempt.answered" for claim in claims(entry.body)
    ]
    consents = [
        claim
        for claim in listed
        if claim.kind == CONSENT_ANSWER and claim.attempt in passed_attempts
    ]
    try:
        opened = dossier.proven(consents, key=contents.key_beside(verification))
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
        """The most that other lenders lent the person online on one of these days, tiyn."""
        self._ready_to_ask(credit_bureau.SOURCE)
        stated = self._about(credit_bureau.SOURCE)
        question = credit_bureau.CreditsQuestion(days=tuple(days), **stated)
        answer = self._fetch(credit_bureau.BUREAU, question)
        return credit_bureau.most_lent(question, answer)

    def owner(self) -> Answer:
        """Whether the loan's account is the person's."""
        at, stated = self._ready_to_ask(account_owner.SOURCE), self._about(account_owner.SOURCE)
        account = self.case.loan.payout_account
        question = account_owner.AccountQuestion(account=account, **stated)
        answer = self._fetch(account_owner.BANK, question)
        is_owned = answer.parsed.status == "owned"
        return Answer(fits=is_owned, at=at, source=account_owner.SOURCE)

    def refusal(self) -> Answer:
        """Whether the person has registered no refusal of credits."""
        at, stated = self._ready_to_ask(stop_credit.SOURCE), self._about(stop_credit.SOURCE)
        question = stop_credit.RefusalQuestion(**stated)
        answer = self._fetch(stop_credit.BUREAU, question)
        is_free = answer.parsed.status == "not_refused"
        return Answer(fits=is_free, at=at, source=stop_credit.SOURCE)

    def _fetch(self, source: Source[Question, Parsed], question: Question) -> Fetched[Parsed]:
        """The answer, stored raw as evidence.

        Raises: `SourceUnavailable`.
        """
        answer = source.fetch(self.case.mode, question)
        self.raw |= source.as_evidence(f"clearance.{source.name}", answer)
        return answer

    def _about(self, source: str) -> dict[str, Any]:
        # From our ids and chance alone. A repeated id may get its old answer:
        # see docs/operator/sources.md.
        request_id = f"{self.clearance_id}:{source}:{secrets.token_hex(_NONCE_BYTES)}"
        return {
            "request_id": request_id,
            "iin": self.case.person.iin,
            "lender_bin": self.case.lender.bin,
            "basis": self.basis,
        }

    def _ready_to_ask(self, source: str) -> datetime:
        """The present time, with the database released during the question.

        Raises: `SourceUnavailable` if time is short.
        """
        at = clock.now()
        if at > self.begun_at + timedelta(seconds=policy.INQUIRIES_SECONDS):
            raise SourceUnavailable(source, "the earlier questions took too long")
        transactions.end_reading()
        return at
