"""Reads the codes in what the product answers, for the census: `problem:not_found`,
`reason:otp_wrong`.
"""

import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.utils import translation

from lenders import keys
from lenders.models import Lender
from tests import census
from verification.core.codes import CODES, FIELDS, PROBLEMS, REASONS, REFUSALS
from verification.core.events import TOLD
from verification.core.releases import RELEASES
from verification.models import Attempt, Clearance, Verification

_PROBLEM, _FIELD, _REASON, _REFUSAL, _EVENT, _PAGE = (
    "problem",
    "field",
    "reason",
    "refusal",
    "event",
    "page",
)
_SILENT: Final = ("/docs", "/openapi.json", "/static/", "/v1/test/scenarios")
"""Addresses that list codes, whether or not anybody ever meets them."""
_PEOPLE: Final = ("/oversight", "/review")
_ASKED: Final = 5  # cases of one test that are asked for, the newest
_STAGES: Final = {name for release in RELEASES.values() for name in release.names}
_PAGES: Final = {code: row for code, row in CODES.items() if row.page_title}


class Noting:
    """Outermost middleware of the tests' processes: notes what each answer says."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._answer = get_response
        census.known.update(tables())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer, as it is."""
        answer = self._answer(request)
        if not answer.streaming:
            note(request.path, answer.headers.get("Content-Type", ""), answer.content)
        return answer


def note(path: str, content_type: str, content: bytes) -> None:
    """Notes the codes in one answer."""
    if census.is_counted():
        census.seen.update(codes_in(path, content_type, content))


def tables() -> list[str]:
    """Every code of the product's tables, with the table it is of."""
    of: tuple[tuple[str, Iterable[str]], ...] = (
        (_PROBLEM, PROBLEMS),
        (_FIELD, FIELDS),
        (_REASON, REASONS),
        (_REFUSAL, REFUSALS),
        (_EVENT, TOLD),
        (_PAGE, _PAGES),
    )
    return [f"{table}:{code}" for table, codes in of for code in codes]


def ask() -> None:
    """Each case that a test played by the product's own stages, as the API tells it; events,
    clearances.
    """
    opened = Verification.objects.filter(mode="test").exclude(lender__in=_by_hand())
    found = list(opened.order_by("-created_at").values_list("pk", "lender")[:_ASKED])
    scripted = set(
        Attempt.objects.exclude(stage__in=_STAGES).values_list("verification", flat=True)
    )
    secrets = {
        pk: keys.issue(Lender.objects.get(pk=pk), mode="test").secret
        for pk in {of for _, of in found}
    }
    for pk, lender_id in found:
        if pk not in scripted:
            client = Client(
                headers={"authorization": f"Bearer {secrets[lender_id]}"},
                raise_request_exception=False,
            )
            client.get(f"/v1/verifications/{pk}?expand=checks")
            client.get("/v1/events")
            for clearance in Clearance.objects.filter(verification=pk).values_list("pk", flat=True):
                client.get(f"/v1/clearances/{clearance}")


def _by_hand() -> list[str]:
    """Lenders of whom a test made rows that no opening makes: what they are told is the test's
    word.
    """
    return list(Verification.objects.filter(sealed_case=b"").values_list("lender", flat=True))


def codes_in(path: str, content_type: str, content: bytes) -> Iterator[str]:
    """The codes in one answer, each with the table it is of."""
    kind = content_type.partition(";")[0]
    if path.startswith(_SILENT):
        return
    if kind == "text/html":
        yield from _on_page(path, content.decode(errors="replace"))
    elif kind.endswith("json"):
        try:
            said = json.loads(content)
        except ValueError:
            return
        yield from _of_problem(said) if kind == "application/problem+json" else _of_json(said, path)


def _of_problem(said: Mapping[str, Any]) -> Iterator[str]:
    # One without a row of its own is answered by that of its class, and is a field's or a reason.
    tables = (_PROBLEM,) if said["code"] in PROBLEMS else (_FIELD, _REASON)
    yield from (f"{table}:{said['code']}" for table in tables)
    yield from (f"{_FIELD}:{fault['code']}" for fault in said.get("errors", ()))


def _of_json(said: Any, path: str) -> Iterator[str]:
    """What stands in an answer under the names by which the API and the borrower's pages tell
    codes.
    """
    waiting = [said]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            waiting += [below for name, below in one.items() if name != "gates"]
            yield from _of_object(one, path)


def _of_object(one: Mapping[str, Any], path: str) -> Iterator[str]:
    table = _REFUSAL if "gates" in one else _REASON
    yield from (
        f"{table}:{one[name]}"
        for name in ("code", "notice", "refusal")
        if isinstance(one.get(name), str)
    )
    for gate in (gate for gate in one.get("gates", ()) if isinstance(gate, dict)):
        yield from (f"{_REFUSAL}:{gate[name]}" for name in ("status", "code") if gate.get(name))
    if path.startswith("/v1/") and "lender_sequence" in one:
        yield f"{_EVENT}:{one.get('type')}"


def _on_page(path: str, page: str) -> Iterator[str]:
    """A page says a code by itself to people who work, and by a sentence to a borrower: one that no
    other code has.
    """
    if path.startswith(_PEOPLE):
        for entry, word in re.findall(
            r'<code(?: data-entry="([a-z_.]+)")?>([a-z0-9_]+)</code>', page
        ):
            yield f"{_REFUSAL if entry.startswith('clearance.') else _REASON}:{word}"
    for text in re.findall(r"<(?:p|h1)[^>]*>([^<]+)</(?:p|h1)>", page):
        if name := _sentences().get(html.unescape(text).strip()):
            yield name
            # The status of such a page is that of the problem of the same name.
            yield name.replace(_PAGE, _PROBLEM)


@cache
def _sentences() -> Mapping[str, str]:
    """Codes by the sentence or the title that is theirs alone, in each language."""
    named = [(one.borrower_message, f"{_REASON}:{code}") for code, one in REASONS.items()]
    named += [(row.page_title, f"{_PAGE}:{code}") for code, row in _PAGES.items()]
    found: dict[str, set[str]] = {}
    for language in ("en", "kk", "ru"):
        with translation.override(language):
            for text, name in named:
                found.setdefault(translation.gettext(text), set()).add(name)
    return {text: names.pop() for text, names in found.items() if len(names) == 1}
