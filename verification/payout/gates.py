"""What the gates of a clearance rest on: what employees attested, what the lender lent the person
that day, and what a worker asks outside.

By entries that count alone. Rows only say where to look: an entry of another verification counts if
the case that was opened there is sealed as its first entry says, and is this person's.

Outside are Stop-credit, the account's owner and others' credits of the day:

1. Each is asked only under the borrower's own yes to a text that names these questions, as signed
   entries list it.
2. Each question has a fresh id, on a retry too: an answer is never one that was kept.
3. The age of an answer counts from the moment before its question.
4. What was answered is evidence of the verification, listed by the entry that the gates stand in.

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
from verification.core.events import ATTESTED, CLEARED, CREDITING, REPORTED
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
"""Where the answer is from: an employee's word, or a credit over the same sum that was paid
before.
"""

_ASKED, _PAID = "clearance.requested", "clearance.consumed"
_NONCE_BYTES: Final = 16


def attested_answers(
    verification: Verification, laws: Sequence[Profile], *, sound: Sequence[AuditEntry], iin: str
) -> tuple[Answer | None, Answer | None]:
    """That consent was confirmed once more, and that the person came; None where no entry says so,
    or no law asks.

    Who came to this lender for another verification, or had a credit over the sum from it before,
    has come. sound: the entries of this one that count.
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
    """By an earlier verification here: an attested visit, or a credit over so many MCI of its day,
    paid by a clearance that a worker issued on a decision that counts.
    """
    # 1. Other verifications of what rows call this person, that have an entry which may answer;
    #    newest first.
    of_person = _other_cases(verification, iin)
    entries_read = entries.of_cases(of_person, types=(ATTESTED, _PAID), skips_damaged=True)
    # Of another thing that was attested there may be any number since.
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
        # 2. Whether the case that was opened there is this person's; one that is erased tells
        #    nothing.
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
        # 3. What its entries that count say.
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
    """Whether so much was paid; what any writer of rows can have written, or of a year without a
    value, says nothing.
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
    """The sum, in tiyn, of the day on which it is most: of loans of this lender to the person but
    for this one.

    A loan counts on the days on which its contract was signed and reported, and its money left;
    today, too, if its money may still leave.
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
            elif entry.type == _ASKED:  # the one before is void
                open_name, asked_at, until = entry.body["clearance"], entry.at, at
            elif entry.type == CLEARED:
                until = datetime.fromisoformat(entry.body["expires_at"])
            else:
                open_name = ""
                counted |= {almaty.day_of(entry.at)} if entry.type == _PAID else set()
        # Of two that are asked for at once the later to be evaluated sees the other.
        if open_name and (almaty.day_of(asked_at) == today or until > at):
            counted.add(today)
        cap = max(int(entry.body.get("cap", 0)) for entry in of_loan)
        for day in counted & sums.keys():
            sums[day] += cap
    return max(sums.values(), default=0)


def _other_cases(verification: Verification, iin: str) -> QuerySet[Verification, Verification]:
    """What rows call this person's other verifications with the lender."""
    indexes = list(vault.blind_index(purpose=vault.BORROWER, value=iin).values())
    of_person = Verification.objects.filter(borrower_index__in=indexes, mode=verification.mode)
    return of_person.filter(lender=verification.lender_id).exclude(pk=verification.pk)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What was answered, for the gates, and the raw answers by kind. None where no source was
    asked, or is set up.

    others_tiyn: what other lenders lent the person online, of several days the most. lacks_consent:
    something had to be asked, and the borrower said yes to no text that names it.
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
    """Asks what one of these laws asks for, of the sources that are set up. sound: the entries that
    count; days: in Almaty, whose credits are counted.

    Outside of any transaction. Raises `SourceUnavailable`, and `Misconfigured` for a source that
    cannot be built.
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
    # What may be the least old is asked for last.
    lent_tiyn = questions.credits(sorted(days)) if credit_bureau.SOURCE in sources else None
    owner = questions.owner() if account_owner.SOURCE in sources else None
    refusal = questions.refusal() if stop_credit.SOURCE in sources else None
    return Answers(
        stop_credit=refusal, account_owner=owner, others_tiyn=lent_tiyn, raw=questions.raw
    )


def keep_answers(
    verification: Verification, answers: Answers, *, at: datetime
) -> Mapping[str, Any]:
    """Seals what was answered, in the transaction of the entry of this time; gives what that says
    of it.
    """
    if not answers.raw:
        return {}
    items = store.put_all(contents.key_beside(verification), answers.raw, at=at)
    return {"evidence": store.leaf_list(items)}


def _basis(verification: Verification, sound: Sequence[AuditEntry]) -> Basis | None:
    """The borrower's yes, by what signed entries list; None where there is none that can be
    read.
    """
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
        """Tiyn that other lenders lent the person online, of these days the most."""
        self._ready_to_ask(credit_bureau.SOURCE)
        stated = self._about(credit_bureau.SOURCE)
        question = credit_bureau.CreditsQuestion(days=tuple(days), **stated)
        answer = self._fetch(credit_bureau.BUREAU, question)
        return credit_bureau.most_lent(question, answer)

    def owner(self) -> Answer:
        """Whether the account of the loan is the person's."""
        at, stated = self._ready_to_ask(account_owner.SOURCE), self._about(account_owner.SOURCE)
        account = self.case.loan.payout_account
        question = account_owner.AccountQuestion(account=account, **stated)
        answer = self._fetch(account_owner.BANK, question)
        is_owned = answer.parsed.status == "owned"
        return Answer(fits=is_owned, at=at, source=account_owner.SOURCE)

    def refusal(self) -> Answer:
        """Whether the person has not refused all credits."""
        at, stated = self._ready_to_ask(stop_credit.SOURCE), self._about(stop_credit.SOURCE)
        question = stop_credit.RefusalQuestion(**stated)
        answer = self._fetch(stop_credit.BUREAU, question)
        is_free = answer.parsed.status == "not_refused"
        return Answer(fits=is_free, at=at, source=stop_credit.SOURCE)

    def _fetch(self, source: Source[Question, Parsed], question: Question) -> Fetched[Parsed]:
        """The answer, which is kept raw as evidence. Raises `SourceUnavailable`."""
        answer = source.fetch(self.case.mode, question)
        self.raw |= source.as_evidence(f"clearance.{source.name}", answer)
        return answer

    def _about(self, source: str) -> dict[str, Any]:
        # Of our own ids and chance alone. A known id may be answered as it was before: see
        # docs/sandbox.md.
        request_id = f"{self.clearance_id}:{source}:{secrets.token_hex(_NONCE_BYTES)}"
        return {
            "request_id": request_id,
            "iin": self.case.person.iin,
            "lender_bin": self.case.lender.bin,
            "basis": self.basis,
        }

    def _ready_to_ask(self, source: str) -> datetime:
        """Now; and the database is not kept waiting for the answer. Raises `SourceUnavailable` if
        time is short.
        """
        at = clock.now()
        if at > self.begun_at + timedelta(seconds=policy.INQUIRIES_SECONDS):
            raise SourceUnavailable(source, "those before it took too long")
        transactions.end_reading()
        return at
