"""A log line is one line, whatever was logged."""

import json
import logging
import sys

import pytest
from celery.app import trace

from config.log_lines import LineFormatter, OncePerMinute, OwnAnswers, request_id
from verification.core.errors import Misconfigured


def _line(message: str, *arguments: object, error: BaseException | None = None) -> str:
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("tulga", logging.INFO, "here", 1, message, arguments, info)
    return LineFormatter().format(record)


@pytest.mark.parametrize("sign", ["\n", "\r", "\x1b", "\x9b", "\x7f", "\u2028", "\u202e"])
def test_no_sign_that_moves_a_cursor_leaves_the_log(sign: str) -> None:
    line = _line("before%safter", sign)
    assert sign not in line
    assert json.loads(line)["message"] == f"before{sign}after"


@pytest.mark.parametrize("number", ["990101100010", "+77011234567", "77011234567"])
def test_personal_numbers_are_masked(number: str) -> None:
    assert number not in _line("asked for %s", number)


@pytest.mark.parametrize("ending", ["/mgovSign", "", "/?x=1", "/more"])
def test_the_secret_in_an_address_for_the_app_is_masked_and_other_addresses_stay(
    ending: str,
) -> None:
    assert json.loads(_line("Forbidden: /v/egov/s3cr-t_%s", ending))["message"].startswith(
        "Forbidden: /v/egov/[secret]"
    )
    assert "s3cr" not in _line("Forbidden: /v/egov/s3cr-t_%s", ending)
    assert "/v/now/" in _line("Not Found: /v/now/")


@pytest.mark.parametrize("word", ["1234567890", "a990101100010b", "20261124154059123"])
def test_other_numbers_stay(word: str) -> None:
    assert word in _line("asked for %s", word)


def test_of_a_foreign_error_only_type_and_place_are_told() -> None:
    line = json.loads(_line("failed", error=_raised(ValueError("Key (surname)=(Akhmetov) exists"))))
    assert line["exception"][0].startswith("ValueError at ")
    assert "Akhmetov" not in str(line)


def test_of_our_own_error_the_text_is_told() -> None:
    assert "TULGA_ROUTES" in _line("failed", error=_raised(Misconfigured("TULGA_ROUTES is empty")))


def test_a_line_names_the_request() -> None:
    token = request_id.set("abcd1234")
    try:
        assert json.loads(_line("hello"))["request_id"] == "abcd1234"
    finally:
        request_id.reset(token)
    assert "request_id" not in json.loads(_line("hello"))


def _raised(error: Exception) -> BaseException:
    try:
        raise error
    except Exception:
        caught = sys.exc_info()[1]
        assert caught is not None
        return caught


def test_of_what_a_task_raised_celery_tells_the_type_and_never_the_text() -> None:
    error = ValueError("the borrower ТЕСТОВ")
    context = {
        "name": "verification.advance",
        "id": "1",
        "description": "raised unexpected",
        "exc": repr(error),
    }
    record = logging.LogRecord(
        "celery.app.trace",
        logging.ERROR,
        "here",
        1,
        trace.LOG_FAILURE,
        ({**context, "internal": ""},),
        None,
    )
    assert "ТЕСТОВ" in record.getMessage()
    assert "ТЕСТОВ" not in LineFormatter().format(record)
    record.exc_info = (ValueError, error, None)
    assert "raised unexpected: ValueError" in LineFormatter().format(record)


def _passed(filtering: logging.Filter, *, at: float, name: str = "config.feeding") -> str:
    record = logging.LogRecord(name, logging.WARNING, "here", 1, "no %s", ("database",), None)
    record.created = at
    return record.getMessage() if filtering.filter(record) else ""


def test_a_lasting_fault_of_a_round_is_a_line_a_minute_with_the_number_of_the_others() -> None:
    rounds = OncePerMinute()
    passed = [_passed(rounds, at=1000 + second / 2) for second in range(240)]
    assert [line for line in passed if line] == [
        "no database",
        "no database (119 more since the last line)",
    ]


def test_lines_of_single_requests_and_other_faults_are_not_held_back() -> None:
    rounds = OncePerMinute()
    assert all(_passed(rounds, at=1000, name="people.sign_in") for _ in range(3))
    assert _passed(rounds, at=1000)
    assert _passed(rounds, at=1000, name="verification.clock")


@pytest.mark.parametrize(
    ("status", "error", "is_passed"),
    [
        (503, None, False),
        (500, None, False),
        (500, ValueError(), True),
        (503, OSError(), True),
        (404, None, True),
    ],
)
def test_djangos_line_about_an_answer_of_ours_is_dropped(
    status: int, error: Exception | None, is_passed: bool
) -> None:
    info = (type(error), error, None) if error else None
    record = logging.LogRecord("django.request", logging.ERROR, "here", 1, "x", (), info)
    record.status_code = status
    # The settings are applied twice in some processes, and so the filter.
    passed = all(answers.filter(record) for answers in (OwnAnswers(), OwnAnswers()))
    assert passed is is_passed
    assert (record.exc_info is not None) is (status == 500 and is_passed)
