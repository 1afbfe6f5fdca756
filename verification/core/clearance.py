"""May the money leave? The gates of a clearance as pure functions of facts and of the laws that
ask. Law: O-50 to O-58.

Two laws may ask: that by which the person was verified, and that by which the lender goes when the
money leaves. Of both the stricter holds, gate by gate. Whatever is asked and cannot be answered
here refuses.
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
OPEN: Final = (ISSUED, PROCESSING)
"""Of a verification one at most stands so."""
PASSED, NOT_EVALUATED = "passed", "not_evaluated"
COOLING_OFF: Final = "cooling_off"
"""The gate, and what it says until the wait is over."""
WAITING: Final = (COOLING_OFF, "consent_renewal_required")
TIYN: Final = 100
"""Of a tenge."""
_CREDITS: Final = "lender's credits"
_ASKED: Final = {"stop_credit": "stop_credit", "account_owner": "account_owner_mismatch"}
"""What an outside source answers, and why it refuses where the money may not leave by that."""
UNWANTED: Final = ("consent_declined", "coercion_reported")
"""A new consent that was declined so is the last one, and no money leaves."""

AGE, VISIT = "age_confirmation", "in_person_visit"
ATTESTATION_KINDS: Final = (AGE, VISIT)
ATTESTATION_HOWS: Final = ("in_person", "egov", "credit_bureau", "lender_system")
"""How consent is confirmed once more where the borrower's age asks for it. O-56; the last is a
system of the lender's that is joined to eGov.
"""
ATTESTATION_ASKED_BY: Final[Mapping[str, str]] = {
    "age_confirmation_required": AGE,
    "in_person_required": VISIT,
}
"""By the code of the gate that refuses without it."""


@dataclass(frozen=True)
class Answer:
    """What an outside source said. `fits`: whether the money may leave, as far as it goes."""

    fits: bool
    at: datetime
    source: str


@dataclass(frozen=True)
class Contract:
    """When it was signed, from when its wait counts, and when the new consent was begun that was
    given; if any.
    """

    signed_at: datetime
    release_from: datetime
    renewed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the gates look at. Sums are in tiyn; `day_tiyn`: what else of this lender the person got
    or may get on the contract's day or today, whichever is more; `others_tiyn`: of others, None
    where nobody tells. `visit`: that the person came to this lender once, or had so large a credit
    from it before.

    `routes`: those that have passed; `contract`: None while nobody has reported it. A source that
    nobody asked, or that nobody plays, has no answer. `lacks_consent`: the borrower said yes to no
    text that names the questions to these sources, so nobody was asked. `aged`: by how much a test
    clock was advanced since it was verified.
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
    """One gate. `status`: passed, not_evaluated where no law asks, or why it refuses: a code of
    `REFUSALS`, or `KeyError` is raised. `until`: how long that holds.

    `not_before`: where the law makes the money wait, until when.
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
        """Whether no money leaves."""
        return self.status not in (PASSED, NOT_EVALUATED)

    def as_record(self) -> dict[str, Any]:
        """As it stands in the log, in the row and in the answer."""
        waits = {"release_not_before": self.not_before.isoformat()} if self.not_before else {}
        return {
            "name": self.name,
            "status": self.status,
            "at": self.at.isoformat() if self.at else None,
            "source": self.source or None,
            **waits,
        }


def release_not_before(release_from: datetime, laws: Sequence[Profile]) -> datetime | None:
    """Until when the money waits: the longest that one of these laws asks; None where none asks.
    Law: O-52.
    """
    hours = [law.cooling_off_hours for law in laws if law.cooling_off_hours is not None]
    return release_from + timedelta(hours=max(hours)) if hours else None


def evaluate(facts: Facts, laws: Sequence[Profile], *, at: datetime) -> tuple[Gate, ...]:
    """Every gate, in the order in which a refusal is told."""
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
    # The first is that by which it was done: missed commands may have been replaced that another
    # does not let be.
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
    """A gate that passes by what is on record, until the day ends."""
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
    # Who was asked before the wait was over has not thought about it so long.
    is_renewed = contract.renewed_at is not None and contract.renewed_at >= until
    return gate(PASSED if is_renewed else "consent_renewal_required", not_before=until)


def _least(laws: Sequence[Profile], name: str) -> int | None:
    return min((value for law in laws if (value := getattr(law, name)) is not None), default=None)


def _moments(facts: Facts, at: datetime) -> Sequence[datetime]:
    """When the contract was signed, if that is reported, and now: a birthday or a new year may lie
    between.
    """
    return (facts.contract.signed_at, at) if facts.contract else (at,)


def _is_over(sum_tiyn: int, number: int, moments: Iterable[datetime]) -> bool | None:
    """Whether a sum is over so many MCI; None, which refuses, in a year that has no value.

    By the smallest value of these days: the law counts on the contract's day, the money leaves
        today.
    """
    try:
        return sum_tiyn > min(
            mci_tenge(number, on=almaty.day_of(moment)) * TIYN for moment in moments
        )
    except Misconfigured:
        return None


def _day_ends(at: datetime) -> datetime:
    """What was counted by the day holds until midnight in Kazakhstan."""
    return almaty.begins(almaty.day_of(at) + timedelta(days=1))
