"""The gates of a clearance: the stricter law, birthdays, sums to the tenge, midnight in Almaty."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from verification.core import profiles
from verification.core.clearance import Answer, Contract, Facts, evaluate
from verification.core.codes import REFUSALS

AT = datetime(2025, 10, 10, 10, tzinfo=UTC)
OLD, NOW = profiles.get("KZ-2021-04"), profiles.get("KZ-2025-09")
ANSWER = Answer(fits=True, at=AT, source="bureau")
DESK = Answer(fits=True, at=AT - timedelta(days=3), source="desk")
FACTS = Facts(
    verified_at=AT - timedelta(hours=1),
    routes=("eds", "biometric"),
    born=date(1990, 1, 1),
    cap_tiyn=15_000_000,
    day_tiyn=0,
    contract=Contract(
        signed_at=AT - timedelta(minutes=30), release_from=AT - timedelta(minutes=20)
    ),
    stop_credit=ANSWER,
    account_owner=ANSWER,
)
LIMIT = profiles.mci_tenge(75, on=date(2025, 10, 10)) * 100


def said(laws=(NOW, NOW), at=AT, **other):
    return {gate.name: gate.status for gate in evaluate(replace(FACTS, **other), laws, at=at)}


def test_what_no_law_asks_is_said_to_be_not_evaluated():
    assert set(said().values()) == {"passed"}
    unasked = {name for name, status in said((OLD, OLD)).items() if status == "not_evaluated"}
    assert unasked == {"age", "first_credit", "cooling_off", "stop_credit", "account_owner"}


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        (date(2004, 10, 10), "passed"),  # 21 today
        (date(2004, 10, 11), "age_confirmation_required"),
        (date(1970, 10, 11), "passed"),  # 55 tomorrow
        (date(1970, 10, 10), "age_confirmation_required"),
    ],
)
def test_the_age_counts_from_the_birthday_on(born, expected):
    assert said(born=born)["age"] == expected


def test_a_birthday_begins_at_midnight_in_almaty():
    born, midnight = date(2004, 10, 10), datetime(2025, 10, 9, 19, tzinfo=UTC)
    assert said(born=born, at=midnight)["age"] == "passed"
    assert said(born=born, at=midnight - timedelta(seconds=1))["age"] == "age_confirmation_required"


def test_who_was_born_on_a_leap_day_is_older_on_1_march():
    born = date(2004, 2, 29)
    assert (
        said(born=born, at=datetime(2025, 2, 28, 10, tzinfo=UTC))["age"]
        == "age_confirmation_required"
    )
    assert said(born=born, at=datetime(2025, 3, 1, 10, tzinfo=UTC))["age"] == "passed"


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        (date(2004, 10, 10), "age_confirmation_required"),  # 21 today, not yet when it was signed
        (date(2004, 10, 9), "passed"),
        (date(1970, 10, 10), "age_confirmation_required"),  # 55 today
        (date(1970, 10, 11), "passed"),
    ],
)
def test_the_age_counts_on_the_day_of_the_contract_too(born, expected):
    of_yesterday = Contract(AT - timedelta(hours=24), release_from=AT - timedelta(hours=24))
    assert said(born=born, contract=of_yesterday)["age"] == expected
    assert said(born=date(2004, 10, 10), contract=None)["age"] == "passed"


@pytest.mark.parametrize("born", [date(2004, 10, 11), date(1970, 10, 10)])
def test_an_attested_confirmation_lets_the_age_pass(born):
    assert said(born=born, age_confirmation=DESK)["age"] == "passed"
    assert (
        said(born=born, age_confirmation=replace(DESK, fits=False))["age"]
        == "age_confirmation_required"
    )
    assert said(born=born, visit=DESK)["age"] == "age_confirmation_required"


def test_a_visit_lets_the_first_credit_pass_and_nothing_else():
    assert said(cap_tiyn=LIMIT + 1, visit=DESK)["first_credit"] == "passed"
    assert said(cap_tiyn=LIMIT + 1, age_confirmation=DESK)["first_credit"] == "in_person_required"
    told = {
        gate.name: gate
        for gate in evaluate(replace(FACTS, cap_tiyn=LIMIT + 1, visit=DESK), (NOW,), at=AT)
    }
    assert (told["first_credit"].at, told["first_credit"].source) == (DESK.at, "desk")
    assert told["cooling_off"].refuses


def test_75_mci_to_the_tiyn():
    assert said(cap_tiyn=LIMIT)["first_credit"] == "passed"
    assert said(cap_tiyn=LIMIT + 1)["first_credit"] == "in_person_required"


def test_the_sum_of_the_day_counts():
    half = LIMIT // 2
    assert said(cap_tiyn=half, day_tiyn=LIMIT - half)["cooling_off"] == "passed"
    assert said(cap_tiyn=half, day_tiyn=LIMIT - half + 1)["cooling_off"] == "cooling_off"
    assert (
        said(cap_tiyn=half, day_tiyn=0, others_tiyn=LIMIT - half + 1)["cooling_off"]
        == "cooling_off"
    )
    assert said(contract=None)["cooling_off"] == "contract_required"


FORTY = profiles.mci_tenge(40, on=date(2025, 10, 10)) * 100
WAITED = Contract(AT - timedelta(hours=25), release_from=AT - timedelta(hours=24))


@pytest.mark.parametrize(
    ("contract", "expected"),
    [
        (replace(WAITED, release_from=AT - timedelta(hours=24, seconds=-1)), "cooling_off"),
        (WAITED, "consent_renewal_required"),
        (
            replace(WAITED, renewed_at=AT - timedelta(seconds=1)),
            "consent_renewal_required",
        ),  # asked too soon
        (replace(WAITED, renewed_at=AT), "passed"),
    ],
)
def test_two_of_40_mci_on_one_day_wait_and_then_ask_for_a_new_consent(contract, expected):
    gates = evaluate(
        replace(FACTS, cap_tiyn=FORTY, day_tiyn=FORTY, contract=contract), (OLD, NOW), at=AT
    )
    (gate,) = (one for one in gates if one.name == "cooling_off")
    assert (gate.status, gate.not_before) == (expected, contract.release_from + timedelta(hours=24))
    assert said(cap_tiyn=FORTY, day_tiyn=0, contract=contract)["cooling_off"] == "passed"


def test_at_the_turn_of_a_year_the_smaller_limit_holds():
    of_old, of_new = (profiles.mci_tenge(75, on=date(year, 1, 1)) * 100 for year in (2025, 2026))
    signed = datetime(2025, 12, 31, 18, 59, tzinfo=UTC)
    contract = Contract(signed, release_from=signed)
    assert of_old < of_new
    at = signed + timedelta(hours=1)  # 2026 in Almaty
    assert said(at=at, cap_tiyn=of_old, contract=contract)["cooling_off"] == "passed"
    assert said(at=at, cap_tiyn=of_old + 1, contract=contract)["cooling_off"] == "cooling_off"
    assert said(at=at, cap_tiyn=of_old, contract=contract)["first_credit"] == "passed"
    assert (
        said(at=at, cap_tiyn=of_old + 1, contract=contract)["first_credit"] == "in_person_required"
    )
    assert said(at=at, cap_tiyn=of_new, contract=None)["first_credit"] == "passed"


def test_a_year_without_an_mci_is_named_and_all_else_is_judged():
    at = datetime(profiles.MCI_VALUES[-1].in_force_from.year + 1, 1, 1, 10, tzinfo=UTC)
    told = said(
        (replace(NOW, amount_max_mci=500),), at=at, verified_at=at, contract=Contract(at, at)
    )
    unknown = {name for name, status in told.items() if status == "mci_unknown"}
    assert unknown == {"amount", "first_credit", "cooling_off"}
    assert {told[name] for name in told.keys() - unknown} == {"passed"}
    of_old = said((OLD,), at=at, verified_at=at)
    assert "mci_unknown" not in of_old.values()


@pytest.mark.parametrize("name", ["stop_credit", "account_owner"])
def test_what_is_asked_and_nobody_answers_refuses(name):
    assert said(**{name: None})[name] == f"{name}_unavailable"
    refusal = "stop_credit" if name == "stop_credit" else "account_owner_mismatch"
    assert said(**{name: replace(ANSWER, fits=False)})[name] == refusal


def test_the_stricter_of_two_laws_holds():
    assert said((OLD, NOW), routes=("eds",))["profile"] == "profile_insufficient"
    assert said((NOW, OLD), routes=("eds",))["profile"] == "profile_insufficient"
    # Under the older one missed commands may have been replaced.
    assert said((OLD, NOW))["profile"] == "profile_insufficient"
    assert said((NOW, OLD), born=date(2004, 10, 11))["age"] == "age_confirmation_required"


def test_verified_too_long_ago():
    assert said(verified_at=AT - timedelta(hours=72))["verification_age"] == "verification_too_old"
    assert (
        said(verified_at=AT - timedelta(hours=72) + timedelta(seconds=1))["verification_age"]
        == "passed"
    )


def test_each_gate_says_until_when_it_holds():
    until = {gate.name: gate.until for gate in evaluate(FACTS, (NOW, NOW), at=AT)}
    midnight = datetime(2025, 10, 10, 19, tzinfo=UTC)
    assert until["stop_credit"] == AT + timedelta(seconds=60)
    assert until["account_owner"] == AT + timedelta(minutes=15)
    assert until["age"] == until["cooling_off"] == until["first_credit"] == midnight


def test_every_refusal_is_explained():
    found = set()
    for other in (
        {"routes": ()},
        {"born": date(1960, 1, 1)},
        {"cap_tiyn": LIMIT + 1},
        {"stop_credit": None, "account_owner": None},
        {"verified_at": AT - timedelta(days=9)},
        {"stop_credit": replace(ANSWER, fits=False), "account_owner": replace(ANSWER, fits=False)},
    ):
        found |= {
            gate.status for gate in evaluate(replace(FACTS, **other), (NOW,), at=AT) if gate.refuses
        }
    assert found < REFUSALS.keys()
