"""The same key does its work once, however often and however parallel it comes."""

import json
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections
from django.test import Client
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response as Answer
from rest_framework.test import APIRequestFactory

from lenders import idempotency, keys, policy
from lenders.models import ApiKey, IdempotentRequest, Lender
from lenders.requests import StrictJSONParser
from tests.lenders.samples import Caller, code, opening
from tests.responses import Response
from verification import transactions
from verification.core.errors import Conflict
from verification.models import Verification

PATH = "/v1/verifications"
PARALLEL = 64


def test_a_repeat_gets_the_first_answer_link_included(api: Caller, other_api: Caller) -> None:
    spelled = json.dumps(dict(reversed(opening().items())), indent=2)
    first = api.post(PATH, opening(), key="k-1")
    for again in (
        api.post(PATH, opening(), key="k-1"),
        api.post(PATH, opening(), key='"k-1"'),
        api.send("POST", PATH, spelled, key="k-1"),
    ):
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    row = IdempotentRequest.objects.get()
    assert first.json()["url"].partition("#")[2].encode() not in bytes(row.sealed_answer or b"")
    assert "k-1" not in str(IdempotentRequest.objects.values().get())
    other = other_api.post(PATH, opening(), key="k-1")
    assert (other.status_code, other.json()["id"] == first.json()["id"]) == (201, False)
    assert Verification.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key", ["", "k-1"])
def test_a_body_is_read_before_a_transaction_begins(
    api: Caller, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """On SQLite a body that drips would keep every other writer waiting. Once a key was used, it is
    only looked up.
    """
    parse, seen = StrictJSONParser.parse, list[bool]()

    def noting(self: StrictJSONParser, *given: Any, **named: Any) -> Any:
        seen.append(connection.in_atomic_block)
        return parse(self, *given, **named)

    monkeypatch.setattr(StrictJSONParser, "parse", noting)
    for number in range(2):
        given = opening(client_reference=f"loan-{number}")
        assert api.post(PATH, given, key=key and f"{key}-{number}").status_code == 201
    assert seen == [False, False]


@pytest.mark.parametrize("change", [{"purpose": "Another"}, {"loan__amount": "1.00"}])
def test_another_body_under_the_same_key_is_refused(api: Caller, change: dict[str, str]) -> None:
    opened = api.post(PATH, opening(), key="k-1").json()["id"]
    for refused in (
        api.post(PATH, opening(**change), key="k-1"),
        api.post(f"{PATH}/{opened}/cancel", key="k-1"),
    ):
        assert code(refused) == (422, "idempotency_key_reused")
    assert Verification.objects.count() == 1


@pytest.mark.parametrize("key", ['""', "a b", "ключ", "a" * 256])
def test_an_unusable_key_is_refused(api: Caller, key: str) -> None:
    refused = api.post(PATH, opening(), key=key)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_malformed")
    assert not Verification.objects.exists()


def test_while_the_first_is_at_work_a_repeat_is_told_to_wait(api: Caller) -> None:
    api.post(PATH, opening(), key="k-1")
    soon = timezone.now() + timedelta(seconds=5)
    IdempotentRequest.objects.update(
        answered_at=None, status=None, sealed_answer=None, reserved_until=soon
    )
    waiting = api.post(PATH, opening(), key="k-1")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "idempotency_in_progress")
    assert int(waiting.headers["Retry-After"]) >= 1


def test_a_dead_workers_reservation_is_taken_over(lender: Lender) -> None:
    request, row = _abandoned(lender, seconds=policy.RESERVATION_SECONDS - 2)
    assert _code(lambda: idempotency.run_once(request, _two)) == "idempotency_in_progress"
    row.reserved_until = timezone.now() - timedelta(seconds=1)
    row.save()
    assert getattr(idempotency.run_once(request, _two), "data", None) == {"n": 2}
    assert IdempotentRequest.objects.get(pk=row.pk).fence != row.fence


@pytest.mark.django_db(transaction=True)
def test_a_key_is_free_as_soon_as_the_process_that_held_it_is_gone(lender: Lender) -> None:
    request, row = _abandoned(lender, seconds=0)
    with somebody() as number:
        IdempotentRequest.objects.filter(pk=row.pk).update(process=number)
        assert (
            _code(lambda: idempotency.run_once(request, lambda: Answer({}, status=201)))
            == "idempotency_in_progress"
        )
    deadline = time.monotonic() + 5
    while not transactions.is_gone(number, since=timezone.now()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert getattr(idempotency.run_once(request, _two), "data", None) == {"n": 2}


@contextmanager
def somebody() -> Iterator[int]:
    """Another process than this one, as the database knows it; gone afterwards."""
    if connection.vendor != "postgresql":
        with subprocess.Popen(["sleep", "60"]) as process:
            yield process.pid
            process.kill()
        return
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(transactions.process).result()
        pool.submit(connections.close_all).result()


@pytest.mark.django_db(transaction=True)
def test_a_late_worker_whose_reservation_was_taken_over_commits_nothing(
    api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = idempotency._reserve

    def taken_over(*given: Any) -> IdempotentRequest:
        row = reserve(*given)
        IdempotentRequest.objects.filter(pk=row.pk).update(fence="ab" * 16)
        return row

    monkeypatch.setattr(idempotency, "_reserve", taken_over)
    assert code(api.post(PATH, opening(), key="k-1")) == (503, "fence_lost")
    assert not Verification.objects.exists()
    assert IdempotentRequest.objects.get().fence == "ab" * 16


def test_answers_are_kept_for_a_day_and_forgotten_after_the_time_of_the_policy(api: Caller) -> None:
    assert policy.REPLAY_SECONDS >= 24 * 3600
    api.post(PATH, opening(), key="k-1")
    created = IdempotentRequest.objects.get().created_at
    assert idempotency.purge(at=created + timedelta(seconds=policy.REPLAY_SECONDS)) == 0
    assert idempotency.purge(at=created + timedelta(seconds=policy.REPLAY_SECONDS + 1)) == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_key_64_times_in_parallel_opens_one_verification() -> None:
    """Real threads with connections of their own, on whatever database the leg runs on."""
    lender = Lender.objects.create(name="Parallel LLP", bin="180440012362", phone="+77270000044")
    secret = keys.issue(lender, mode="test").secret
    body = json.dumps(opening())

    def send(_: int) -> Response:
        try:
            headers = {"authorization": f"Bearer {secret}", "idempotency-key": "k-1"}
            return Client().post(PATH, body, content_type="application/json", headers=headers)
        finally:
            connection.close()

    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = list(pool.map(send, range(PARALLEL)))
    assert Verification.objects.count() == 1
    made = [answer for answer in answers if answer.status_code == 201]
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert len(made) + len(waiting) == PARALLEL
    assert [answer for answer in made if "Idempotent-Replayed" not in answer.headers].__len__() == 1
    assert {answer.json()["url"] for answer in made}.__len__() == 1
    assert all(answer.json()["code"] == "idempotency_in_progress" for answer in waiting)
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in waiting)


def _request(key: ApiKey, body: str = "{}") -> Request:
    plain = APIRequestFactory().post(
        PATH,
        body,
        content_type="application/json",
        headers={"idempotency-key": "key-of-a-unit-test"},
    )
    request = Request(plain, parsers=[StrictJSONParser()])
    request.auth = key
    return request


def _abandoned(lender: Lender, *, seconds: int) -> tuple[Request, IdempotentRequest]:
    """A request whose key was reserved this long ago by a worker that is gone."""
    request = _request(keys.issue(lender, mode="test").key)
    with pytest.raises(SystemExit):
        idempotency.run_once(request, _dies)
    row = IdempotentRequest.objects.get()
    row.reserved_until = timezone.now() + timedelta(seconds=policy.RESERVATION_SECONDS - seconds)
    row.save()
    return request, row


def _two() -> Answer:
    return Answer({"n": 2}, status=201)


def _dies() -> Answer:
    raise SystemExit


def _code(act: Any) -> str:
    with pytest.raises(Conflict) as refused:
        act()
    return refused.value.code


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_cannot_be_stored_takes_the_work_back(api: Caller) -> None:
    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and "sealed_answer" in sql:
            raise DatabaseError("the answer is not stored")
        return execute(sql, params, many, context)

    assert api.post(PATH, opening(subject__iin="1"), key="k-1").status_code == 422
    assert not IdempotentRequest.objects.exists(), "an error is not kept"
    with connection.execute_wrapper(refuse):
        refused = api.post(PATH, opening(), key="k-1")
    assert refused.status_code == 500
    assert not Verification.objects.exists(), (
        "the work outlived its answer: a repeat would do it again"
    )
    assert api.post(PATH, opening(), key="k-1").status_code == 201
    assert Verification.objects.count() == 1
