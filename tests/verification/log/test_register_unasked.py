"""A worker's own key signs verdicts without the register of people: the law since October 2024
names each.
"""

from itertools import product

import pytest

from tests.verification.log.histories import BOTH, TWO, Said, codes, verified
from verification.core import profiles, releases
from verification.core.releases import REGISTER_CHECKS, Release

SILENT = {
    release.route: release for release in releases.RELEASES.values() if not release.asks_register
}
VERDICT = [*TWO, verified("eds", "biometric", profile=BOTH)]


def done_by(
    history: list[Said], route: str, release: Release, *, types: tuple[str, ...]
) -> list[Said]:
    """The history with entries of these types done by another release of a route, with the checks
    of that.
    """
    found = []
    for entry_type, body in history:
        if entry_type in types and body.get("route") == route:
            body = body | {"release": release.id}
            asked = release.checks(body["stage"])
            if "checks" in body:
                body["checks"] = [check for check in body["checks"] if check["check"] in asked]
        if entry_type in types and route in body.get("routes", ()):
            named = zip(body["routes"], body["releases"], strict=True)
            body = body | {"releases": [release.id if of == route else name for of, name in named]}
        found.append((entry_type, body))
    return found


def test_a_verdict_whose_every_release_asks_is_lawful() -> None:
    assert codes(VERDICT) == []


@pytest.mark.parametrize("route", sorted(SILENT))
@pytest.mark.parametrize(
    "types",
    [
        ("attempt.opened", "attempt.judged", "verification.verified"),
        ("attempt.opened", "attempt.judged"),
        ("attempt.judged",),
        ("verification.verified",),
    ],
    ids=" ".join,
)
def test_a_verdict_by_a_release_that_does_not_ask_is_named(
    route: str, types: tuple[str, ...]
) -> None:
    told = codes(done_by(VERDICT, route, SILENT[route], types=types))
    assert "law_unknown" in {code for code, _ in told}
    if "attempt.judged" in types or "verification.verified" in types:
        assert ("stages_missing", len(VERDICT)) in told


@pytest.mark.parametrize(("route", "check"), product(sorted(SILENT), sorted(REGISTER_CHECKS)))
def test_a_judgement_without_one_check_of_the_register_is_named(route: str, check: str) -> None:
    cut = []
    for entry_type, body in VERDICT:
        if entry_type == "attempt.judged" and body["route"] == route:
            body = body | {"checks": [said for said in body["checks"] if said["check"] != check]}
        cut.append((entry_type, body))
    assert {"checks_missing", "stages_missing"} <= {code for code, _ in codes(cut)}


def test_each_law_since_october_2024_wants_it_and_the_one_before_does_not() -> None:
    wants = {law.id: bool(law.register_asked) for law in profiles.PROFILES.values()}
    assert wants == {
        "KZ-2021-04": False,
        "KZ-2024-10": True,
        "KZ-2025-01": True,
        "KZ-2025-09": True,
        "KZ-2026-01": True,
    }
