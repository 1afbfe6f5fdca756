"""Another clearance than the law and the person's verification allow is named, at the entry it is
wrong at.
"""

import json
from datetime import timedelta

import pytest

from tests.verification.log.clearings import (
    CAP,
    GATES,
    PAID,
    clearance,
    consumed,
    issued,
    passing,
    requested,
)
from tests.verification.log.histories import (
    AFTER,
    WHOLE,
    Said,
    at,
    codes,
    codes_on_record,
    told,
    write,
)
from tests.verification.log.rows import NOON, add_lender, add_verification, tamper
from verification.core import profiles
from verification.core.almaty import begins, day_of
from verification.core.clearance import Facts, evaluate
from verification.course import policy
from verification.models import AuditEntry

N = len(WHOLE)
LAW = "KZ-2026-01"
SIGNED: Said = (
    "contract.reported",
    {
        "contract": "c" * 64,
        "cap": CAP,
        "signed_at": at(1),
        "release_from": at(N + 1),
        "profile": LAW,
    },
)


def asking(**others: str) -> list[dict[str, str]]:
    """The gates as they pass under a law that asks for all of them."""
    return [
        {"name": name, "status": others.get(name, "passed"), "at": at(N + 3)}
        for name in policy.GATES
    ]


STRICT = [
    SIGNED,
    requested(profile=LAW),
    issued(profile=LAW, gates=asking(), fresh_until=at(N + 63)),
    consumed(),
]


FROZEN = [*PAID[:2], ("verification.disputed", {}), clearance("frozen")]


@pytest.mark.parametrize(
    "after",
    [PAID, STRICT, [*PAID[:2], consumed(amount=1)], FROZEN],
    ids=["lax", "strict", "less", "frozen"],
)
@pytest.mark.django_db(transaction=True)
def test_a_lawful_clearance_has_no_fault_and_on_record_no_finding(after):
    assert codes([*WHOLE, *after]) == codes_on_record([*WHOLE, *after]) == []


def test_the_gates_that_are_judged_are_those_that_a_worker_evaluates():
    law = profiles.get(LAW)
    facts = Facts(verified_at=NOON, routes=(), born=day_of(NOON), cap_tiyn=CAP, day_tiyn=0)
    gates = evaluate(facts, (law,), at=NOON)
    assert [gate.name for gate in gates] == list(policy.GATES)
    assert all(getattr(law, name) is not None for names in policy.GATES.values() for name in names)


DISPUTED: Said = ("verification.disputed", {})
LATER = {AFTER: 3600}
NIGHT = (begins(day_of(NOON) + timedelta(days=1)) + timedelta(minutes=1)).isoformat()
FORGERIES: dict[str, tuple[list[Said], list[tuple[str, int]]]] = {
    "no law": ([requested(profile="KZ-0000")], [("law_unknown", 1)]),
    "no contract": ([requested(contract="")], [("terms_differ", 1)]),
    "another contract than was reported": (
        [SIGNED, requested(contract="d" * 64)],
        [("terms_differ", 2)],
    ),
    "another sum than was reported": ([SIGNED, requested(cap=CAP + 1)], [("terms_differ", 2)]),
    "another sum than before": (
        [requested(), requested(clearance="clr_2", cap=10**12)],
        [("terms_differ", 2)],
    ),
    "no sum": ([requested(cap=0)], [("terms_differ", 1)]),
    "a contract for another sum than was asked for": (
        [requested(), ("contract.reported", SIGNED[1] | {"cap": 1, "release_from": at(N + 2)})],
        [("terms_differ", 2)],
    ),
    "issued for more": ([requested(), issued(cap=10**12)], [("terms_differ", 2)]),
    "issued for another contract": (
        [requested(), issued(contract="d" * 64)],
        [("terms_differ", 2)],
    ),
    "issued by another law": (
        [SIGNED, requested(), issued(profile=LAW, gates=asking(), fresh_until=at(N + 63))],
        [("terms_differ", 3)],
    ),
    "issued by no law": (
        [requested(), issued(profile="KZ-0000")],
        [("terms_differ", 2), ("law_unknown", 2)],
    ),
    "issued by no decision": ([requested(), issued(decision="")], [("terms_differ", 2)]),
    "issued by another decision": ([requested(), issued(decision="evt_0")], [("terms_differ", 2)]),
    "no gates": ([requested(), issued(gates=[])], [("gates_missing", 2)]),
    "a gate left out": ([requested(), issued(gates=GATES[1:])], [("gates_missing", 2)]),
    "a gate that nobody knows": (
        [requested(), issued(gates=[*GATES, {"name": "x"}])],
        [("gates_missing", 2)],
    ),
    "a gate that refuses": (
        [requested(), issued(gates=passing(verification_age="verification_too_old"))],
        [("gates_missing", 2)],
    ),
    "a gate said twice, and one refuses": (
        [requested(), issued(gates=[*passing(amount="amount_over_profile"), *GATES])],
        [("gates_missing", 2)],
    ),
    "a gate that nobody asked": (
        [requested(), issued(gates=passing(age="passed"))],
        [("gates_missing", 2)],
    ),
    "a gate that was not evaluated": (
        [
            SIGNED,
            requested(profile=LAW),
            issued(profile=LAW, gates=asking(age="not_evaluated"), fresh_until=at(60)),
        ],
        [("gates_missing", 3)],
    ),
    "no contract was reported": (
        [requested(profile=LAW), issued(profile=LAW, gates=asking(), fresh_until=at(60))],
        [("gates_missing", 2)],
    ),
    "lives too long": (
        [requested(), issued(expires_at=at(N + 2 + policy.CLEARANCE_SECONDS + 1))],
        [("illegal_time", 2)],
    ),
    "lives for ever": ([requested(), issued(expires_at="")], [("illegal_time", 2)]),
    "an old answer": (
        [
            SIGNED,
            requested(profile=LAW),
            issued(profile=LAW, gates=asking(), fresh_until=at(N + 64)),
        ],
        [("illegal_time", 3)],
    ),
    "an answer of tomorrow": ([requested(), issued(fresh_until=NIGHT)], [("illegal_time", 2)]),
    "asked for after a dispute": ([DISPUTED, requested()], [("illegal_move", 2)]),
    "issued after a dispute": ([requested(), DISPUTED, issued()], [("illegal_move", 3)]),
    "left after a dispute": ([*PAID[:2], DISPUTED, consumed()], [("illegal_move", 4)]),
    "more left": ([requested(), issued(), consumed(amount=10**12)], [("terms_differ", 3)]),
    "nothing left": ([requested(), issued(), consumed(amount=0)], [("terms_differ", 3)]),
    "less than nothing left": ([requested(), issued(), consumed(amount=-1)], [("terms_differ", 3)]),
    "left too late": ([requested(), issued(), consumed(**LATER)], [("illegal_time", 3)]),
    "left when an answer was old": (
        [requested(), issued(fresh_until=at(N + 3)), consumed()],
        [("illegal_time", 3)],
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_another_clearance_is_named(name):
    after, expected = FORGERIES[name]
    assert codes([*WHOLE, *after]) == [(code, N + place) for code, place in expected]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["no law", "issued by no law", "no contract was reported"])
def test_another_clearance_is_named_on_record_too(name):
    after, expected = FORGERIES[name]
    assert codes_on_record([*WHOLE, *after]) == [(code, N + place) for code, place in expected]


def waited(**more: str) -> list[Said]:
    """Issued over the limit, two days after the contract."""
    gates = asking()
    for one in gates:
        one |= {"at": at(N + 1 + 86400 + 1)} | (
            {"release_not_before": at(N + 1 + 86400)} if one["name"] == "cooling_off" else {}
        )
    last = issued(profile=LAW, gates=gates, expires_at=at(N + 86460), fresh_until=at(N + 86460))
    return [
        SIGNED,
        (requested(profile=LAW)[0], requested(profile=LAW)[1] | {AFTER: 86400}),
        (last[0], last[1] | more),
    ]


def test_over_the_limit_a_new_consent_is_needed():
    assert codes([*WHOLE, *waited()]) == [("gates_missing", N + 3)]


@pytest.mark.django_db(transaction=True)
def test_a_clearance_that_names_an_absent_renewal_is_named():
    assert codes_on_record([*WHOLE, *waited(renewal="evt_0")]) == [("terms_differ", N + 3)]


def paid(contract: str) -> list[Said]:
    """A verified loan whose contract is paid by `clr_2`."""
    named = {"clearance": "clr_2", "contract": contract}
    return [*WHOLE, requested(**named), issued(**named), consumed(clearance="clr_2")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("contract", "is_of_lender", "expected"),
    [
        ("c" * 64, True, ["contract_paid_twice"]),
        ("d" * 64, True, []),
        ("c" * 64, False, []),
    ],
    ids=["its contract", "another contract", "another lender's"],
)
def test_a_contract_that_two_verifications_paid_is_named(contract, is_of_lender, expected):
    first = write([*WHOLE, *PAID])
    second = add_verification(first.lender if is_of_lender else add_lender("180440012349"))
    write(paid(contract), of=second)
    findings = told()
    assert [finding.code for finding in findings] == expected
    payout = AuditEntry.objects.get(verification=second, type="clearance.consumed")
    assert {finding.entry for finding in findings} == ({payout.pk} if expected else set())
    # A payout without a signature pays nothing.
    tamper(
        (
            "UPDATE verification_auditentry SET body = %s WHERE id = %s",
            (json.dumps({**payout.body, "signed": {}}), payout.pk),
        )
    )
    assert told() == []
