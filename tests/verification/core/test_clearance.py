"""The gates of a clearance: the stricter law, birthdays, sums to the tenge, midnight in Almaty."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

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


HALF = LIMIT // 2
YOUNG, OLDER = date(2004, 10, 11), date(1970, 10, 10)
REQUIRED = "age_confirmation_required"
MIDNIGHT = datetime(2025, 10, 9, 19, tzinfo=UTC)
"""As the 10th begins in Almaty."""
OF_YESTERDAY = Contract(AT - timedelta(hours=24), release_from=AT - timedelta(hours=24))
LEAP = {"born": date(2004, 2, 29)}
SAID: dict[str, tuple[dict[str, Any], str, str]] = {
    "21 today": ({"born": date(2004, 10, 10)}, "age", "passed"),
    "21 tomorrow": ({"born": YOUNG}, "age", REQUIRED),
    "55 tomorrow": ({"born": date(1970, 10, 11)}, "age", "passed"),
    "55 today": ({"born": OLDER}, "age", REQUIRED),
    "21 from midnight on": ({"born": date(2004, 10, 10), "at": MIDNIGHT}, "age", "passed"),
    "21 in a second": (
        {"born": date(2004, 10, 10), "at": MIDNIGHT - timedelta(seconds=1)},
        "age",
        REQUIRED,
    ),
    "a leap day on 28 February": (
        {**LEAP, "at": datetime(2025, 2, 28, 10, tzinfo=UTC)},
        "age",
        REQUIRED,
    ),
    "a leap day on 1 March": (
        {**LEAP, "at": datetime(2025, 3, 1, 10, tzinfo=UTC)},
        "age",
        "passed",
    ),
    "21 today, not yet when it was signed": (
        {"born": date(2004, 10, 10), "contract": OF_YESTERDAY},
        "age",
        REQUIRED,
    ),
    "21 when it was signed": (
        {"born": date(2004, 10, 9), "contract": OF_YESTERDAY},
        "age",
        "passed",
    ),
    "55 today, not when it was signed": (
        {"born": OLDER, "contract": OF_YESTERDAY},
        "age",
        REQUIRED,
    ),
    "55 tomorrow, signed yesterday": (
        {"born": date(1970, 10, 11), "contract": OF_YESTERDAY},
        "age",
        "passed",
    ),
    "21 today without a contract": (
        {"born": date(2004, 10, 10), "contract": None},
        "age",
        "passed",
    ),
    "young and confirmed": ({"born": YOUNG, "age_confirmation": DESK}, "age", "passed"),
    "older and confirmed": ({"born": OLDER, "age_confirmation": DESK}, "age", "passed"),
    "young and refused": (
        {"born": YOUNG, "age_confirmation": replace(DESK, fits=False)},
        "age",
        REQUIRED,
    ),
    "older and refused": (
        {"born": OLDER, "age_confirmation": replace(DESK, fits=False)},
        "age",
        REQUIRED,
    ),
    "young after a visit": ({"born": YOUNG, "visit": DESK}, "age", REQUIRED),
    "older after a visit": ({"born": OLDER, "visit": DESK}, "age", REQUIRED),
    "75 MCI": ({"cap_tiyn": LIMIT}, "first_credit", "passed"),
    "a tiyn over 75 MCI": ({"cap_tiyn": LIMIT + 1}, "first_credit", "in_person_required"),
    "over 75 MCI after a visit": ({"cap_tiyn": LIMIT + 1, "visit": DESK}, "first_credit", "passed"),
    "over 75 MCI with a confirmed age": (
        {"cap_tiyn": LIMIT + 1, "age_confirmation": DESK},
        "first_credit",
        "in_person_required",
    ),
    "75 MCI in a day": ({"cap_tiyn": HALF, "day_tiyn": LIMIT - HALF}, "cooling_off", "passed"),
    "over 75 MCI in a day": (
        {"cap_tiyn": HALF, "day_tiyn": LIMIT - HALF + 1},
        "cooling_off",
        "cooling_off",
    ),
    "over 75 MCI with other lenders": (
        {"cap_tiyn": HALF, "day_tiyn": 0, "others_tiyn": LIMIT - HALF + 1},
        "cooling_off",
        "cooling_off",
    ),
    "no contract": ({"contract": None}, "cooling_off", "contract_required"),
    "verified 72 hours ago": (
        {"verified_at": AT - timedelta(hours=72)},
        "verification_age",
        "verification_too_old",
    ),
    "verified a second later": (
        {"verified_at": AT - timedelta(hours=72) + timedelta(seconds=1)},
        "verification_age",
        "passed",
    ),
    "the later law is stricter": (
        {"laws": (OLD, NOW), "routes": ("eds",)},
        "profile",
        "profile_insufficient",
    ),
    "the earlier law is stricter": (
        {"laws": (NOW, OLD), "routes": ("eds",)},
        "profile",
        "profile_insufficient",
    ),
    # Under the older one missed commands may have been replaced.
    "verified by the older law": ({"laws": (OLD, NOW)}, "profile", "profile_insufficient"),
    "the age by the stricter law": ({"laws": (NOW, OLD), "born": YOUNG}, "age", REQUIRED),
    "no word of a bureau": ({"stop_credit": None}, "stop_credit", "stop_credit_unavailable"),
    "a refusal at a bureau": (
        {"stop_credit": replace(ANSWER, fits=False)},
        "stop_credit",
        "stop_credit",
    ),
    "no word of a bank": ({"account_owner": None}, "account_owner", "account_owner_unavailable"),
    "an account of another": (
        {"account_owner": replace(ANSWER, fits=False)},
        "account_owner",
        "account_owner_mismatch",
    ),
}


@pytest.mark.parametrize(("changes", "gate", "expected"), SAID.values(), ids=SAID)
def test_a_gate_says_what_facts_law_and_time_come_to(changes, gate, expected):
    assert said(**changes)[gate] == expected


def test_an_attested_visit_is_told_with_its_time_and_source():
    told = {
        gate.name: gate
        for gate in evaluate(replace(FACTS, cap_tiyn=LIMIT + 1, visit=DESK), (NOW,), at=AT)
    }
    assert (told["first_credit"].at, told["first_credit"].source) == (DESK.at, "desk")
    assert told["cooling_off"].refuses


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
