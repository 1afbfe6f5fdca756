"""Every error a person can meet is a page with a sentence in their language, and machines keep
their own.
"""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponse
from django.test import Client
from django.utils import translation

from config import page_problems
from config.middleware import BodyLimitMiddleware
from tests.verification.borrower import catalogues
from verification.core import errors


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    catalogues.compile_changed()


@pytest.fixture
def problems():
    return page_problems.PageProblems(lambda request: HttpResponse("reached"))


def request_to(rf, path="/people/", **headers):
    request = rf.get(path, **headers)
    request.user = AnonymousUser()
    return request


def test_an_unknown_address_is_a_page_in_the_readers_language():
    response = Client().get("/no/such/page", headers={"Accept-Language": "kk"})
    assert response.status_code == 404
    assert "Мұндай парақ жоқ" in response.content.decode()


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


def test_the_detail_of_an_error_never_reaches_the_page(rf, problems):
    response = problems.process_exception(
        request_to(rf), errors.Conflict("row 990101100010 of kek-1")
    )
    assert "990101100010" not in response.content.decode()


def test_machines_and_unknown_faults_are_left_to_others(rf, problems):
    assert (
        problems.process_exception(request_to(rf, "/v1/verifications"), errors.NotFound("x"))
        is None
    )
    assert problems.process_exception(request_to(rf), ValueError("x")) is None


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


def test_a_file_in_a_form_counts_too():
    body = (
        b"--b\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n"
        + b"x" * 1_000_001
        + b"\r\n--b--\r\n"
    )
    response = Client().post("/v/", body, content_type="multipart/form-data; boundary=b")
    assert response.status_code == 413


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
