"""The API keeps what openapi.json says: `make prove PART=api`."""

from collections import Counter
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings
from schemathesis import GenerationMode

from lenders import keys, openapi, policy
from lenders.models import Lender
from tests.clients.lender_side import ACCOUNT, CONTRACT, verified
from tests.described.asking import Asker, described, name, operations
from tests.lenders.conftest import lender  # noqa: F401
from tests.lenders.log_of_lenders import pump
from tests.lenders.shapes import hold
from tests.proofs import Figures
from tests.responses import Response
from tests.verification.stories.conftest import Issued, authorities, issued, trusted  # noqa: F401
from tests.verification.stories.insecure_capture import played, put_in
from tests.verification.stories.story import order
from verification.models import Attempt

# The proof that the API keeps what openapi.json says: `make prove PART=api`.
#
# Requests are generated from the document, good and bad ones, and each answer is held against
# it. What cannot be in the document (two fields that must agree, what is registered, today) is
# listed with its reason in `judging.SEMANTIC`.


CASES = 10_500
"""How many requests a whole proof sends at least. Ours: over 10 000, and each operation some
hundred times.
"""
VERIFIED = 4
STEPS, LEAST_STEPS, STEPS_OF_A_WALK = 1_500, 120, 12
"""Requests along the links, and those of one walk. Ours: every link some times."""
PLAYER = {"adapter": "tests.lenders.api.test_simulations.InsecureSimulation", "options": {}}
_WEIGHTS = {GenerationMode.POSITIVE: 2, GenerationMode.NEGATIVE: 1}
_OF_OPENING = 5
"""So many times as often as another operation a verification is opened: of its fields there are
most.
"""
_OPENING = "open_verification"


@pytest.fixture
def asker(
    lender: Lender,  # noqa: F811
    issued: Issued,  # noqa: F811
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    proof_seed: int,
) -> Asker:
    """A lender that knows verified borrowers, and one more whose live face was looked at."""
    routes, settings.TULGA_ROUTES = settings.TULGA_ROUTES, ["biometric"]
    put_in(monkeypatch)
    looked_at = played(lender)
    settings.TULGA_ROUTES = routes
    settings.TULGA_SOURCES = {
        **settings.TULGA_SOURCES,
        "test": settings.TULGA_SOURCES["test"] | {"simulation": PLAYER},
    }
    stories = [verified(lender, issued, f"known-{number}") for number in range(VERIFIED)]

    def keep_up() -> str:
        for story in stories:
            story.work()
        order()
        pump()
        return keys.issue(
            lender, mode="test"
        ).secret  # of one key only so many requests a minute are answered

    paid = {
        "amount": "150000.00",
        "iin": "990101100010",
        "contract_sha256": CONTRACT,
        "payout_account": ACCOUNT,
    }
    asker = Asker(described(), seed=proof_seed, keep_up=keep_up, paid=paid)
    asker.learn((looked_at.id, *(story.id for story in stories)))
    asker.learn(Attempt.objects.filter(verification_id=looked_at.id).values_list("pk", flat=True))
    return asker


@pytest.mark.proof("api")
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
def test_every_answer_is_one_that_the_document_lets_expect(
    asker: Asker, proof_scale: float, proof_figures: Figures
) -> None:
    wanted = round(CASES * proof_scale)
    weights = {
        (operation, mode): weight * (_OF_OPENING if name(operation) == _OPENING else 1)
        for operation in operations(asker.schema)
        for mode, weight in _WEIGHTS.items()
    }
    for (operation, mode), weight in weights.items():
        asker.ask(operation, mode, max(2, round(wanted * weight / sum(weights.values()))))
    # Of some operations there are few cases: what they leave over goes to the one with most.
    opening = next(
        operation for operation in operations(asker.schema) if name(operation) == _OPENING
    )
    while asker.asked < wanted:
        asker.seed += 1
        asker.ask(opening, GenerationMode.POSITIVE, min(500, wanted - asker.asked))
    opened = Counter(
        {
            status: n
            for (of, mode, status), n in asker.counts.items()
            if (of, mode) == (_OPENING, "positive")
        }
    )
    _write_down(asker, proof_figures)
    assert asker.faults == [], "\n".join(asker.faults[:20])
    assert asker.asked >= wanted
    assert opened[201] >= opened.total() / 2


@pytest.mark.proof("api")
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
def test_what_is_made_can_be_asked_for_along_the_links(
    asker: Asker, proof_scale: float, proof_figures: Figures
) -> None:
    asker.follow_links(max(LEAST_STEPS, round(STEPS * proof_scale)), STEPS_OF_A_WALK)
    proof_figures["walks"] = {"cases": asker.asked, "faults": len(asker.faults)}
    assert asker.faults == [], "\n".join(asker.faults[:20])
    linked = {of for (of, _, status) in asker.counts if status < 300}
    assert "open_verification" in linked
    assert linked - {"open_verification", "create_webhook_endpoint"}


def _write_down(asker: Asker, figures: Figures) -> None:
    statuses: dict[str, dict[str, int]] = {}
    for (of, mode, status), number in sorted(asker.counts.items()):
        statuses.setdefault(f"{of} {mode}", {})[str(status)] = number
    met_well = {of for (of, _, status) in asker.counts if status < 300}
    figures |= {
        "cases": asker.asked,
        "faults": len(asker.faults),
        "operations": len({of for (of, _, _) in asker.counts}),
        "operations_that_refused_always": sorted({of for (of, _, _) in asker.counts} - met_well),
        "statuses": statuses,
    }


# What is refused before an operation is reached, at each operation of openapi.json: the document
# says so too.


EACH = [(path, method) for path, item in openapi.document()["paths"].items() for method in item]
READS_A_BODY = [
    (path, method)
    for path, method in EACH
    if "415" in openapi.document()["paths"][path][method]["responses"]
]


def send(key: str, path: str, method: str, body: bytes | str = b"", **more: Any) -> Response:
    """The answer to a request for something that does not exist."""
    operations = openapi.document()["paths"][path].values()
    parameters = [
        one
        for operation in operations
        for one in operation.get("parameters", ())
        if one["in"] == "path"
    ]
    ids = {one["name"]: f"{one['schema']['pattern'][1:4]}_{'a' * 26}" for one in parameters}
    headers = {"authorization": f"Bearer {key}"} if key else {}
    more = {"content_type": "application/json", **more}
    return Client(headers=headers).generic(method.upper(), path.format(**ids), body, **more)


def told(answer: Response, path: str, method: str) -> tuple[int, str]:
    """Its status and code, after its shape was held against the document."""
    return (answer.status_code, hold(answer, path, method)["code"])


@pytest.fixture
def key(lender: Lender) -> str:  # noqa: F811
    """A key that may do everything."""
    return keys.issue(lender, mode="test").secret


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize(("path", "method"), EACH)
def test_who_may_not_ask_is_told_so(path: str, method: str, lender: Lender, key: str) -> None:  # noqa: F811
    assert told(send("", path, method), path, method) == (401, "not_authenticated")
    assert told(send(key[:-1] + "_", path, method), path, method)[0] == 401
    scopeless = keys.issue(lender, mode="test", scopes=()).secret
    assert told(send(scopeless, path, method), path, method) == (403, "scope_missing")


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize(("path", "method"), EACH)
def test_the_named_scope_is_asked_for_and_no_other(path: str, method: str, lender: Lender) -> None:  # noqa: F811
    [named] = openapi.document()["paths"][path][method]["security"][0]["key"]
    others = [scope for scope in policy.SCOPES if scope != named]
    for scopes, is_let_in in (([named], True), (others, False)):
        answer = send(keys.issue(lender, mode="test", scopes=scopes).secret, path, method)
        assert (answer.status_code != 403) is is_let_in


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize(("path", "method"), EACH)
def test_what_is_no_request_here_is_told_so(path: str, method: str, key: str) -> None:
    assert told(send(key, path, method, HTTP_HOST="elsewhere.example"), path, method) == (
        400,
        "host_unknown",
    )
    chunked = send(key, path, method, HTTP_TRANSFER_ENCODING="chunked")
    assert told(chunked, path, method) == (411, "length_required")


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize(("path", "method"), READS_A_BODY)
def test_a_body_that_cannot_be_read_is_told_so(path: str, method: str, key: str) -> None:
    assert told(send(key, path, method, "{"), path, method) in {
        (400, "malformed_json"),
        (404, "not_found"),
    }
    long = b'"' + b"a" * policy.BODY_MAX_BYTES + b'"'
    assert told(send(key, path, method, long), path, method) in {
        (413, "body_too_large"),
        (404, "not_found"),
    }
    other = send(key, path, method, "a=b", content_type="application/x-www-form-urlencoded")
    assert told(other, path, method) in {(415, "unsupported_media_type"), (404, "not_found")}


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize(("path", "method"), EACH)
def test_too_many_requests_are_told_so(
    path: str, method: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "RATE_REQUESTS", 0)
    assert told(send(key, path, method), path, method) == (429, "throttled")


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize("path", sorted({path for path, _ in EACH}))
def test_a_method_that_an_address_does_not_have_is_told_so(path: str, key: str) -> None:
    has = openapi.document()["paths"][path]
    for method in {"get", "post", "put", "patch", "delete"} - set(has):
        answer = send(key, path, method)
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert {one.strip().lower() for one in answer.headers["Allow"].split(",")} - {
            "head",
            "options",
        } == set(has)
