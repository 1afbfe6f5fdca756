"""What the HTTP layer answers: headers, error pages, unknown addresses, readiness."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client
from django.urls import Resolver404, resolve
from django.utils import timezone, translation
from pytest_django import Settings

from config import page_problems
from config.middleware import ALIVE, BodyLimitMiddleware
from lenders.api.unknown import Unknown
from lenders.models import Sender
from tests.verification.borrower import catalogues
from tests.verification.oversight import rows
from verification import clock, routes
from verification.case import stages
from verification.case.policy import QUEUES
from verification.case.stages import Readiness
from verification.core import errors
from verification.core.errors import Misconfigured
from verification.models import AuditEntry, AuditPending, Pulse
from verification.stages import statement
from verification.stages.statement.measure import ready

# What every answer carries.


_STRICT = "default-src 'none'"


def test_an_answer_has_the_headers_of_a_page_that_keeps_to_itself(client: Client) -> None:
    headers = client.get("/healthz").headers
    assert headers["Cache-Control"] == "no-store"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert _STRICT in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize("sent", ["lender-1234", "a" * 64])
def test_a_callers_plain_id_is_kept(client: Client, sent: str) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": sent}).headers["X-Request-Id"] == sent


@pytest.mark.parametrize(
    "sent", ["short", "a" * 65, "with blank", "line%0abreak", "990101100010\x1b[0m"]
)
def test_another_id_is_replaced(client: Client, sent: str) -> None:
    request_id = client.get("/healthz", headers={"X-Request-Id": sent}).headers["X-Request-Id"]
    assert request_id != sent
    assert len(request_id) == 24


def test_health_answers_without_a_database(client: Client) -> None:
    # No `django_db` mark: a query would fail this test.
    assert client.get("/healthz").content == b"ok\n"
    assert client.post("/healthz").status_code == 405


def test_health_answers_though_the_clock_would_ask_a_database_that_hangs(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock._state, "measured_at", None)
    questions: list[str] = []
    monkeypatch.setattr(clock, "measure_offset", lambda: questions.append("the time"))
    assert client.get(ALIVE).content == b"ok\n"
    assert questions == []


# A browser at 127.0.0.1 is led to the public address at localhost, where passkeys work.


PUBLIC, AT_NUMBER = "http://localhost:8000", "127.0.0.1:8000"
BROWSER = {"Host": AT_NUMBER, "Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def asked(client: Client, settings: Settings) -> Callable[..., HttpResponse]:
    """Asks as a browser at 127.0.0.1 does, unless a header says otherwise."""
    settings.TULGA_PUBLIC_URL = PUBLIC

    def ask(path: str, method: str = "GET", **headers: str) -> HttpResponse:
        return cast(HttpResponse, client.generic(method, path, headers=BROWSER | headers))

    return ask


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v/",
        "/people/sign-in/?next=/review/%3Fa%3D1",
        "/protect?lang=kk&b=%D2%9B",
        "/no/such/%D2%9B%20page",
    ],
)
def test_a_page_at_127_0_0_1_is_the_same_page_at_localhost(
    asked: Callable[..., HttpResponse], method: str, path: str
) -> None:
    answer = asked(path, method)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{PUBLIC}{path}")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["//evil.example", "//evil.example/?a=//b", "/@evil.example"])
def test_no_path_leads_to_another_host(asked: Callable[..., HttpResponse], path: str) -> None:
    place = urlsplit(asked(path).headers["Location"])
    assert (place.scheme, place.netloc) == ("http", "localhost:8000")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [
        ("/v1/verifications", "GET", {}),
        ("/v1/no-such", "GET", {}),
        ("/healthz", "GET", {}),
        ("/readyz", "GET", {}),
        ("/v/", "POST", {}),
        ("/people/sign-in/", "POST", {}),
        ("/v/", "OPTIONS", {}),
        ("/protect", "GET", {"Accept": "*/*"}),  # a program
        ("/openapi.json", "GET", {"Accept": "application/json"}),
        ("/protect", "GET", {"Host": "localhost:8000"}),
        ("/protect", "GET", {"Host": "127.0.0.1:8001"}),
        ("/protect", "GET", {"Host": "127.0.0.1"}),
        ("/protect", "GET", {"Host": "127.0.0.1.evil.example:8000"}),
    ],
)
def test_programs_forms_and_other_hosts_are_not_redirected(
    asked: Callable[..., HttpResponse], path: str, method: str, headers: dict[str, str]
) -> None:
    assert asked(path, method, **headers).status_code not in range(300, 400)


@pytest.mark.parametrize(
    "public", ["http://127.0.0.1:8000", "https://tulga.example", "https://localhost.example:8000"]
)
def test_a_public_address_elsewhere_takes_no_browser_away(
    asked: Callable[..., HttpResponse], settings: Settings, public: str
) -> None:
    settings.TULGA_PUBLIC_URL = public
    assert asked("/protect").status_code == 200


# Every error a person can meet is a page with a sentence in their language, and machines keep
# their own.


@pytest.fixture(scope="module")
def _compiled():
    catalogues.compile_changed()


@pytest.fixture
def problems():
    return page_problems.PageProblems(lambda request: HttpResponse("reached"))


def request_to(rf, path="/people/", **headers):
    request = rf.get(path, **headers)
    request.user = AnonymousUser()
    return request


@pytest.mark.usefixtures("_compiled")
def test_an_unknown_address_is_a_page_in_the_readers_language():
    response = Client().get("/no/such/page", headers={"Accept-Language": "kk"})
    assert response.status_code == 404
    assert "Мұндай парақ жоқ" in response.content.decode()


@pytest.mark.usefixtures("_compiled")
@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (errors.BadInput("x", code="bad_answer"), 422, "could not read"),
        (errors.NotFound("x"), 404, "no such page"),
        (errors.Conflict("x"), 409, "happened meanwhile"),
        (errors.LinkUnusable("x"), 410, "can no longer be used"),
        (errors.LinkUnusable("x", code="session_missing"), 410, "Nothing is open"),
        (errors.LinkUnusable("x", code="session_ended"), 410, "goes on elsewhere"),
        (errors.SourceUnavailable("registry"), 503, "does not answer"),
        (errors.EvidenceUnreadable("x"), 500, "on our side"),
        (errors.Misconfigured("x"), 500, "on our side"),
    ],
)
def test_each_of_our_errors_is_a_sentence(rf, problems, error, status, sentence):
    with translation.override("en"):
        response = problems.process_exception(request_to(rf), error)
    assert response.status_code == status
    assert sentence in response.content.decode()


@pytest.mark.usefixtures("_compiled")
def test_the_detail_of_an_error_never_reaches_the_page(rf, problems):
    response = problems.process_exception(
        request_to(rf), errors.Conflict("row 990101100010 of kek-1")
    )
    assert "990101100010" not in response.content.decode()


@pytest.mark.usefixtures("_compiled")
def test_machines_and_unknown_faults_are_left_to_others(rf, problems):
    assert (
        problems.process_exception(request_to(rf, "/v1/verifications"), errors.NotFound("x"))
        is None
    )
    assert problems.process_exception(request_to(rf), ValueError("x")) is None


@pytest.mark.usefixtures("_compiled")
@pytest.mark.parametrize(
    ("path", "code", "way_out"),
    [
        ("/v/now/", "conflict", "/v/now/"),
        ("/v/now/", "session_ended", "/v/now/"),
        ("/oversight/", "conflict", "/people/"),
        ("/no/such", "not_found", "/"),
    ],
)
def test_every_page_of_a_problem_has_a_way_out(rf, problems, path, code, way_out):
    response = problems.process_exception(request_to(rf, path), errors.Conflict("x", code=code))
    assert f'<a class="button button-primary" href="{way_out}">' in response.content.decode()


@pytest.mark.usefixtures("_compiled")
@pytest.mark.parametrize(
    ("path", "length", "status"),
    [
        ("/v/now/", "1000000", 200),
        ("/v/now/", "1000001", 413),
        ("/v1/verifications", "1000001", 200),
        ("/v/now/", "", 200),
        ("/v/now/", "9" * 30, 413),
    ],
)
def test_a_body_over_the_limit_is_refused_by_its_length(rf, path, length, status):
    request = request_to(rf, path)
    request.META["CONTENT_LENGTH"] = length
    refusal = BodyLimitMiddleware(lambda _: HttpResponse("reached")).process_request(request)
    assert (refusal.status_code if refusal else 200) == status


@pytest.mark.usefixtures("_compiled")
def test_a_file_in_a_form_counts_too():
    body = (
        b"--b\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n"
        + b"x" * 1_000_001
        + b"\r\n--b--\r\n"
    )
    response = Client().post("/v/", body, content_type="multipart/form-data; boundary=b")
    assert response.status_code == 413


@pytest.mark.usefixtures("_compiled")
def test_djangos_own_refusals_are_sentences(rf):
    request = request_to(rf)
    with translation.override("en"):
        pages = {
            400: page_problems.bad_request(request, ValueError()),
            413: page_problems.bad_request(request, RequestDataTooBig()),
            403: page_problems.forbidden(request, ValueError()),
            500: page_problems.server_error(request),
        }
        for status, page in pages.items():
            assert page.status_code == status
            assert "<h1>" in page.content.decode()
        assert "blocks cookies" in page_problems.csrf_failure(request, "reason").content.decode()


# What is no id is no address: PostgreSQL takes no NUL in a text, so asking for one would be a
# fault of the server.


GOOD = "ver_" + "a" * 26
API = (
    "/v1/verifications/{}",
    "/v1/verifications/{}/link",
    "/v1/verifications/{}/cancel",
    "/v1/verifications/{}/documents",
    "/v1/verifications/ver_a/documents/{}",
    "/v1/webhook-endpoints/{}",
    "/v1/webhook-endpoints/{}/test",
    "/v1/webhook-endpoints/{}/rotate-secret",
    "/v1/deliveries/{}/redeliver",
)
DESK = (
    "/review/cases/{}/",
    "/review/cases/{}/vote",
    "/review/cases/{}/link",
    "/review/cases/{}/pictures/evd_a",
    "/review/cases/ver_a/pictures/{}",
)


@pytest.mark.parametrize("bad", ["ver_\0", "ver_\ud800", "ver_ж", "ver_a b"])
@pytest.mark.parametrize("address", API)
def test_the_api_knows_no_address_with_what_is_no_id(address, bad):
    wrong: Any = resolve(address.format(bad)).func
    right: Any = resolve(address.format(GOOD)).func
    assert wrong.cls is Unknown
    assert right.cls is not Unknown


@pytest.mark.parametrize("bad", ["ver_\0", "ver_\ud800", "ver_ж", "ver_a b"])
@pytest.mark.parametrize("address", DESK)
def test_the_desk_knows_no_address_with_what_is_no_id(address, bad):
    with pytest.raises(Resolver404):
        resolve(address.format(bad))
    assert resolve(address.format(GOOD))


# Readiness is told to everybody by one word, and with its reasons on loopback alone.


def _broken():
    raise Misconfigured(
        "no GOST backend passes its self-test: python: does not reproduce the published vectors"
    )


@pytest.fixture
def alive(settings):
    """A tick, and a worker of every queue."""
    settings.TULGA_BELL_DIR.mkdir(exist_ok=True)
    at = timezone.now()
    Pulse.objects.create(id="prc_tick", kind="tick", seen_at=at)
    Pulse.objects.create(id="prc_work", kind="worker", queues=" ".join(QUEUES), seen_at=at)


@pytest.fixture
def broken(monkeypatch):
    """The signature route's self-test fails."""
    broken = replace(routes.EDS, stages=(statement.STAGE.differing(ready=_broken),))
    monkeypatch.setitem(routes.ROUTES, "eds", broken)


@pytest.mark.django_db
@pytest.mark.usefixtures("alive")
def test_the_tiers_that_count_are_told_on_loopback(client):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "routes": {"eds": {"ready": True, "in_use": ready(), "detail": ""}},
        "database": {"ready": True, "detail": ""},
        "tick": {"ready": True, "running": 1, "unordered_seconds": 0, "detail": ""},
        "worker": {"ready": True, "queues": dict.fromkeys(QUEUES, 1), "detail": ""},
        "broker": {"ready": True, "detail": ""},
        "store": {"ready": True, "detail": ""},
        "webhooks": {
            "ready": False,
            "senders": 0,
            "detail": "no process delivers webhooks: start manage.py deliver",
        },
        "log": {"ready": True, "refused": 0, "detail": ""},
        "frames": {"ready": True, "overdue": 0, "detail": ""},
    }
    assert answer.json()["routes"]["eds"]["in_use"].keys() == {"arithmetic", "streebog", "refused"}


@pytest.mark.django_db
@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize("address", ["10.0.0.1", "192.0.2.7", "2001:db8::1", ""])
def test_a_stranger_learns_one_word(client, address):
    assert client.get("/readyz", REMOTE_ADDR=address).json() == {"ready": True}


@pytest.mark.django_db
@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize(
    "name", ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-Ip"]
)
def test_whom_a_proxy_on_this_machine_speaks_for_is_a_stranger(client, name):
    assert client.get("/readyz", headers={name: "127.0.0.1"}).json() == {"ready": True}


@pytest.mark.django_db
@pytest.mark.usefixtures("alive")
def test_senders_are_counted_while_they_say_that_they_live(client):
    at = timezone.now()
    for seconds in (0, 10, 15, 25, 3600):
        Sender.objects.create(seen_at=at - timedelta(seconds=seconds))
    answer = client.get("/readyz")
    assert answer.json()["webhooks"] == {"ready": True, "senders": 3, "detail": ""}
    Sender.objects.update(seen_at=at - timedelta(seconds=21))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["webhooks"]["ready"]) == (200, False)


@pytest.mark.django_db
@pytest.mark.usefixtures("alive")
def test_a_database_that_is_away_is_named(client):
    def away(*_):
        raise OperationalError

    with connection.execute_wrapper(away):
        answer = client.get("/readyz")
    assert answer.status_code == 503
    parts = ("database", "tick", "worker", "log", "webhooks", "frames")
    details = {answer.json()[name]["detail"] for name in parts}
    assert details == {"the database does not answer"}


@pytest.mark.django_db
@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize(
    ("late", "part"),
    [({"kind": "tick"}, "tick"), ({"kind": "worker"}, "worker")],
)
def test_a_process_that_reports_no_more_is_a_503_and_named(client, late, part):
    assert client.get("/readyz").status_code == 200
    Pulse.objects.filter(**late).update(seen_at=timezone.now() - timedelta(seconds=21))
    answer = client.get("/readyz")
    assert (answer.status_code, unready(answer)) == (503, {part, "webhooks"})
    assert client.get("/readyz", REMOTE_ADDR="192.0.2.7").json() == {"ready": False}


@pytest.mark.django_db
@pytest.mark.usefixtures("alive")
def test_a_queue_without_a_worker_is_a_503_and_named(client):
    Pulse.objects.filter(kind="worker").update(queues="default eds")
    answer = client.get("/readyz")
    assert (answer.status_code, unready(answer)) == (503, {"worker", "webhooks"})
    assert answer.json()["worker"]["queues"] == dict.fromkeys(QUEUES, 0) | {"default": 1, "eds": 1}


@pytest.mark.django_db
@pytest.mark.usefixtures("alive")
def test_an_entry_that_waits_for_its_place_too_long_is_a_503_of_tick(client):
    lender = rows.lender()
    case = rows.bare(lender, created_at=timezone.now(), status="requires_input")
    entry = AuditEntry.objects.create(
        id="evt_waits",
        log="test",
        type="verification.created",
        at=timezone.now() - timedelta(seconds=61),
        verification_id=case,
        verification_sequence=1,
        lender_id=lender.pk,
        body={},
    )
    AuditPending.objects.create(entry=entry)
    answer = client.get("/readyz")
    assert (answer.status_code, unready(answer)) == (503, {"tick", "webhooks"})
    assert answer.json()["tick"]["unordered_seconds"] >= 61


@pytest.mark.django_db
@pytest.mark.usefixtures("alive")
def test_a_store_that_takes_no_file_is_a_503_and_named_with_its_path(client, settings):
    settings.TULGA_EVIDENCE_DIR = Path("/proc/tulga")
    answer = client.get("/readyz")
    assert (answer.status_code, unready(answer)) == (503, {"store", "webhooks"})
    assert "/proc/tulga" in answer.json()["store"]["detail"]


def unready(answer):
    """The parts that are not ready."""
    return {
        name
        for name, part in answer.json().items()
        if name not in ("ready", "routes") and not part["ready"]
    }


@pytest.mark.django_db
@pytest.mark.usefixtures("alive")
def test_frames_that_are_kept_too_long_are_counted_and_are_no_503(client):
    at, lender = timezone.now(), rows.lender()
    for minutes, status in (
        (61, "verified"),
        (59, "verified"),
        (61, "declined"),
        (61, "in_review"),
        (-1, "expired"),
    ):
        rows.bare(
            lender, created_at=at, status=status, frames_until=at - timedelta(minutes=minutes)
        )
    answer = client.get("/readyz")
    assert (
        answer.status_code,
        answer.json()["frames"]["ready"],
        answer.json()["frames"]["overdue"],
    ) == (200, False, 2)
    assert "storage" in answer.json()["frames"]["detail"]


@pytest.mark.django_db
@pytest.mark.usefixtures("alive")
def test_a_failed_self_test_is_503_and_named_on_loopback(client, broken):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert "self-test" in answer.json()["routes"]["eds"]["detail"]
    stranger = client.get("/readyz", REMOTE_ADDR="192.0.2.7")
    assert (stranger.status_code, stranger.json()) == (503, {"ready": False})


@pytest.mark.django_db
def test_a_route_that_does_not_load_is_not_ready(settings):
    settings.TULGA_ROUTES = ["eds", "unknown"]
    routes = stages.route_readiness()
    assert routes["eds"].is_ready
    assert routes["unknown"] == Readiness(
        is_ready=False,
        detail="does not load: TULGA_ROUTES names the unknown route unknown",
    )
