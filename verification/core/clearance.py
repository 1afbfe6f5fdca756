"""The gates of a clearance: may the lender pay out? Pure functions of facts and laws. Law: O-50 to
O-58.

Two laws can apply: the law of the verification and the lender's law at payout.
Gate by gate, the stricter one decides. An unanswered required question refuses the clearance.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final

from verification.core import almaty
from verification.core.codes import REFUSALS
from verification.core.errors import Misconfigured
from verification.core.profiles import Profile, mci_tenge, suffices

PROCESSING, ISSUED, REFUSED, SUPERSEDED = "processing", "issued", "refused", "superseded"
CONSUMED, FROZEN = "consumed", "frozen"
STATUSES: Final = (PROCESSING, ISSUED, REFUSED, SUPERSEDED, CONSUMED, FROZEN)
OPEN: Final = (ISSUED, PROCESSING)
"""A verification has at most one clearance in these states."""
PASSED, NOT_EVALUATED = "passed", "not_evaluated"
COOLING_OFF: Final = "cooling_off"
"""The gate's name, and its code until the wait is over."""
WAITING: Final = (COOLING_OFF, "consent_renewal_required")
TIYN: Final = 100
"""One tenge has 100 tiyn."""
_CREDITS: Final = "lender's credits"
_ASKED: Final = {"stop_credit": "stop_credit", "account_owner": "account_owner_mismatch"}
"""Each question to an outside source, and the code with which its answer refuses."""
UNWANTED: Final = ("consent_declined", "coercion_reported")
"""After a renewed consent is declined with one of these codes, the payout stays refused."""

AGE, VISIT = "age_confirmation", "in_person_visit"
ATTESTATION_KINDS: Final = (AGE, VISIT)
ATTESTATION_HOWS: Final = ("in_person", "egov", "credit_bureau", "lender_system")
"""Ways to confirm consent again where the borrower's age requires it. O-56.

The last is a lender's system that is connected to eGov.
"""
ATTESTATION_ASKED_BY: Final[Mapping[str, str]] = {
    "age_confirmation_required": AGE,
    "in_person_required": VISIT,
}
"""The attestation that lifts each gate, by the gate's code."""


@dataclass(frozen=True)
class Answer:
    """An outside source's answer. `fits`: whether it permits the payout."""

    fits: bool
    at: datetime
    source: str


@dataclass(frozen=True)
class Contract:
    """Times of the contract: signature, start of the waiting period, and start of the renewed
    consent, if any.
    """

    signed_at: datetime
    release_from: datetime
    renewed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Input of the gates. Sums are in tiyn.

    day_tiyn: other sums from this lender on the contract's day or today, the larger of the two.
    others_tiyn: sums from other lenders; None if unknown.
    visit: the person visited this lender once, or had a large enough credit from it before.
    routes: routes that passed. contract: None until it is reported.
    answers: a source without a question or an adapter has none.
    lacks_consent: the borrower agreed to no text that names these questions, so none was sent.
    aged: by how much a test clock advanced since the verification.
    """

    verified_at: datetime
    aged: timedelta = timedelta(0)
    routes: Sequence[str]
    born: date = field(repr=False)
    cap_tiyn: int
    day_tiyn: int
    others_tiyn: int | None = None
    contract: Contract | None = None
    stop_credit: Answer | None = None
    account_owner: Answer | None = None
    age_confirmation: Answer | None = None
    visit: Answer | None = None
    lacks_consent: bool = False


@dataclass(frozen=True)
class Gate:
    """One gate's result.

    status: passed, not_evaluated if no law requires it, or a code of `REFUSALS`.
    until: end of the result's validity.
    not_before: start of the payout, if the law imposes a wait.

    Raises: `KeyError` for another status.
    """

    name: str
    status: str = PASSED
    at: datetime | None = None
    source: str = ""
    until: datetime | None = None
    not_before: datetime | None = None

    def __post_init__(self) -> None:
        if self.refuses and self.status not in REFUSALS:
            raise KeyError(self.status)

    @property
    def refuses(self) -> bool:
        """Whether the gate refuses the payout."""
        return self.status not in (PASSED, NOT_EVALUATED)

    def as_record(self) -> dict[str, Any]:
        """The form in the log, the row and the answer."""
        waits = {"release_not_before": self.not_before.isoformat()} if self.not_before else {}
        return {
            "name": self.name,
            "status": self.status,
            "at": self.at.isoformat() if self.at else None,
            "source": self.source or None,
            **waits,
        }


def release_not_before(release_from: datetime, laws: Sequence[Profile]) -> datetime | None:
    """End of the longest wait that one of these laws imposes; None without one. Law: O-52."""
    hours = [law.cooling_off_hours for law in laws if law.cooling_off_hours is not None]
    return release_from + timedelta(hours=max(hours)) if hours else None


def may_wait(sum_tiyn: int, laws: Sequence[Profile], moments: Sequence[datetime]) -> bool:
    """Whether credits of this sum wait, or might: in a year without a value of the MCI. O-52."""
    most = _least(laws, "cooling_off_over_mci")
    return most is not None and _is_over(sum_tiyn, most, moments) is not False


def evaluate(facts: Facts, laws: Sequence[Profile], *, at: datetime) -> tuple[Gate, ...]:
    """Results of every gate, in the order in which refusals are reported."""
    most, ends = _least(laws, "amount_max_mci"), _day_ends(at)
    is_over = most is not None and _is_over(facts.cap_tiyn, most, [at])
    status = "mci_unknown" if is_over is None else "amount_over_profile" if is_over else PASSED
    amount = Gate("amount", status, at, "MCI" if is_over is None else "verification", ends)
    until = (
        facts.verified_at
        - facts.aged
        + timedelta(seconds=min(law.valid_for_seconds for law in laws))
    )
    status = PASSED if at < until else "verification_too_old"
    verification_age = Gate("verification_age", status, facts.verified_at, "log", until)
    # The first law governed the verification: it may permit a replaced command that the other law
    # forbids.
    is_done = all(suffices(law.combinations, passed_routes=facts.routes) for law in laws)
    fits = is_done and laws[0].replaced_max <= min(law.replaced_max for law in laws)
    fits = fits and (bool(laws[0].register_asked) or not any(law.register_asked for law in laws))
    profile = Gate("profile", PASSED if fits else "profile_insufficient", at, "log", ends)
    source_gates: list[Gate] = []
    for name, refusal in _ASKED.items():
        answer: Answer | None = getattr(facts, name)
        if (seconds := _least(laws, f"{name}_max_age_seconds")) is None:
            source_gates.append(Gate(name, NOT_EVALUATED))
        elif facts.lacks_consent:
            source_gates.append(Gate(name, "payout_consent_missing"))
        elif answer is None:
            source_gates.append(Gate(name, f"{name}_unavailable"))
        else:
            until = answer.at + timedelta(seconds=seconds)
            source_gates.append(
                Gate(name, PASSED if answer.fits else refusal, answer.at, answer.source, until)
            )
    of_person = (
        _age(facts, laws, at),
        _first_credit(facts, laws, at),
        _cooling_off(facts, laws, at),
    )
    return (amount, verification_age, profile, *of_person, *source_gates)


def _age(facts: Facts, laws: Sequence[Profile], at: datetime) -> Gate:
    below = max(
        (law.confirmed_below_years for law in laws if law.confirmed_below_years is not None),
        default=None,
    )
    from_ = _least(laws, "confirmed_from_years")
    if below is None and from_ is None:
        return Gate("age", NOT_EVALUATED)
    ages = [almaty.age_on(almaty.day_of(moment), born=facts.born) for moment in _moments(facts, at)]
    if not any(
        (below is not None and years < below) or (from_ is not None and years >= from_)
        for years in ages
    ):
        return Gate("age", PASSED, at, "verification", _day_ends(at))
    return _attested("age", facts.age_confirmation, "age_confirmation_required", at)


def _first_credit(facts: Facts, laws: Sequence[Profile], at: datetime) -> Gate:
    most = _least(laws, "visit_over_mci")
    if most is None:
        return Gate("first_credit", NOT_EVALUATED)
    is_over = _is_over(facts.cap_tiyn, most, _moments(facts, at))
    if is_over is None:
        return Gate("first_credit", "mci_unknown", at, "MCI", _day_ends(at))
    if not is_over:
        return Gate("first_credit", PASSED, at, _CREDITS, _day_ends(at))
    return _attested("first_credit", facts.visit, "in_person_required", at)


def _attested(name: str, answer: Answer | None, code: str, at: datetime) -> Gate:
    """A gate that an attestation on record passes, until the day ends."""
    if answer is None or not answer.fits:
        return Gate(name, code, at, "log", _day_ends(at))
    return Gate(name, PASSED, answer.at, answer.source, _day_ends(at))


def _cooling_off(facts: Facts, laws: Sequence[Profile], at: datetime) -> Gate:
    most = _least(laws, "cooling_off_over_mci")
    if most is None:
        return Gate("cooling_off", NOT_EVALUATED)
    contract, gate = (
        facts.contract,
        partial(Gate, "cooling_off", at=at, source=_CREDITS, until=_day_ends(at)),
    )
    if contract is None:
        return gate("contract_required")
    sum_of_day = facts.cap_tiyn + facts.day_tiyn + (facts.others_tiyn or 0)
    is_over = _is_over(sum_of_day, most, _moments(facts, at))
    if is_over is None:
        return gate("mci_unknown", source="MCI")
    if not is_over:
        return gate(PASSED)
    until = release_not_before(contract.release_from, laws) or contract.release_from
    if at < until:
        return gate("cooling_off", not_before=until)
    # A consent before the end of the wait does not prove reflection for the whole wait.
    is_renewed = contract.renewed_at is not None and contract.renewed_at >= until
    return gate(PASSED if is_renewed else "consent_renewal_required", not_before=until)


def _least(laws: Sequence[Profile], name: str) -> int | None:
    return min((value for law in laws if (value := getattr(law, name)) is not None), default=None)


def _moments(facts: Facts, at: datetime) -> Sequence[datetime]:
    """The time of the contract, if reported, and now: a birthday or a new year may lie between."""
    return (facts.contract.signed_at, at) if facts.contract else (at,)


def _is_over(sum_tiyn: int, number: int, moments: Iterable[datetime]) -> bool | None:
    """Whether a sum exceeds this many MCI; None, which refuses, in a year without a value.

    Uses the smaller value of the two days: the law counts on the contract's day, the payout happens
    today.
    """
    try:
        return sum_tiyn > min(
            mci_tenge(number, on=almaty.day_of(moment)) * TIYN for moment in moments
        )
    except Misconfigured:
        return None


def _day_ends(at: datetime) -> datetime:
    """Counts per day hold until midnight in Kazakhstan."""
    return almaty.begins(almaty.day_of(at) + timedelta(days=1))
