"""The doors by which lenders, borrowers and people come, and what each of them then sees.

Two looks at the same rows see the same: what is drawn by chance, or tells the time, is left out.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from itertools import cycle
from typing import Any, Final

from django.db import connection
from django.test import Client

from lenders import deliveries
from tests.lenders.api.clearing import CONTRACT, PAID
from tests.lenders.samples import opening
from tests.tampering import changes, hands
from tests.tampering.cast import PASSWORD, VOTE, Cast, code_of
from tests.tampering.columns import COLUMNS
from tests.tampering.hands import Change, Hand, Statement
from verification.access import rates
from verification.models import AuditEntry

_BY_CHANCE: Final = re.compile(
    r"[0-9T:.+-]{5,}Z?|\b[0-9]+ h [0-9]+ min\b|[a-z]{3}_[a-z2-7]{26}|#[A-Za-z0-9_-]{43}"
    r"|[0-9a-f]{32,}|[A-Za-z0-9+/=_-]{60,}"
)
_OUT: Final = ("/people/sign-in/", "/admin/login/")


@dataclass(frozen=True)
class Seen:
    """What came of an act: the answer, and what is now on record.

    word: the status, and where a redirect leads.
    """

    word: str
    shown: str
    entries: tuple[tuple[str, ...], ...]

    @property
    def is_refused(self) -> bool:
        """Whether it let no person in, and showed and sent nothing."""
        status, _, place = self.word.partition(" ")
        return int(status) >= 400 or place.startswith(_OUT) or not (self.shown or place)

    def is_less_than(self, honest: "Seen") -> bool:
        """Whether it shows and records a part of what is honest, and nothing else."""
        words, others = (Counter(one.shown.replace("…", " ").split()) for one in (self, honest))
        is_same = self.word == honest.word
        return is_same and words <= others and set(self.entries) <= set(honest.entries)


Door = Callable[[Cast], Any]


def _of_api(method: str, path: str, body: Any = None, *, key: str = "full") -> Door:
    def come(cast: Cast) -> Any:
        named = {f"{name}_": story.id for name, story in cast.stories.items()}
        where = path.format(clearance=cast.clearance, hook=cast.endpoints["lender"], **named)
        caller = cast.api(key)
        if method == "get":
            return caller.get(where)
        return caller.patch(where, body) if method == "patch" else caller.post(where, body)

    return come


def _of_person(name: str, path: str, body: Any = None) -> Door:
    def come(cast: Cast) -> Any:
        named = {f"{each}_": story.id for each, story in cast.stories.items()}
        where, client = path.format(**named), cast.of_person(name)
        return client.get(where) if body is None else client.post(where, body)

    return come


def _sign_in(name: str) -> Door:
    def come(cast: Cast) -> Any:
        fields = {"password": PASSWORD, "code": code_of(cast.codes[name])}
        client = Client(raise_request_exception=False)
        return client.post("/people/sign-in/", {"email": f"{name}@example.kz", **fields})

    return come


def _send(cast: Cast) -> list[str]:
    """What a sender would post in a round, and where."""
    deliveries.pump()
    reserved = deliveries.reserve(room=99, failing_room=99)
    doubtful = deliveries.unproven(reserved)
    taken = [each for each in reserved if each.pk not in doubtful]
    return sorted(f"{each.endpoint.url} {bytes(each.body).decode()}" for each in taken)


_ATTEST = {"age_confirmation-how": "in_person", "age_confirmation-comment": "read it here again"}
DOORS: Final[Mapping[str, Door]] = {
    "lender opens": _of_api("post", "/v1/verifications", opening(client_reference="N-1")),
    "lender lists": _of_api("get", "/v1/verifications"),
    "lender reads": _of_api("get", "/v1/verifications/{verified_}?expand=checks"),
    "lender asks for a link": _of_api("post", "/v1/verifications/{linked_}/link", {}),
    "lender cancels": _of_api("post", "/v1/verifications/{linked_}/cancel", {}),
    "lender asks for a clearance": _of_api(
        "post", "/v1/verifications/{verified_}/clearances", {"contract_sha256": CONTRACT}
    ),
    "lender reads a clearance": _of_api("get", "/v1/clearances/{clearance}"),
    "lender consumes": _of_api("post", "/v1/clearances/{clearance}/consume", PAID),
    "lender wakes its endpoint": _of_api(
        "patch", "/v1/webhook-endpoints/{hook}", {"enabled": True}
    ),
    "lender reads its receipt": _of_api("get", "/v1/verifications/{verified_}/receipt"),
    "lender by a narrow key": _of_api("get", "/v1/verifications", key="narrow"),
    "lender opens by a narrow key": _of_api("post", "/v1/verifications", opening(), key="narrow"),
    "lender by a revoked key": _of_api("get", "/v1/verifications", key="revoked"),
    "rival reads": _of_api("get", "/v1/verifications/{verified_}", key="rival"),
    "rival lists": _of_api("get", "/v1/verifications", key="rival"),
    "rival consumes": _of_api("post", "/v1/clearances/{clearance}/consume", PAID, key="rival"),
    "rival cancels": _of_api("post", "/v1/verifications/{linked_}/cancel", {}, key="rival"),
    "sender": _send,
    "reviewer votes": _of_person("reviewer", "/review/cases/{review_}/vote", VOTE),
    "reviewer looks": _of_person("reviewer", "/review/cases/{review_}/"),
    "reviewer attests": _of_person(
        "reviewer", "/review/confirm/{verified_}/age_confirmation", _ATTEST
    ),
    "reviewer sends a link": _of_person("reviewer", "/review/cases/{linked_}/link", {}),
    "rival's reviewer votes": _of_person("rivals", "/review/cases/{review_}/vote", VOTE),
    "closed reviewer votes": _of_person("closed", "/review/cases/{review_}/vote", VOTE),
    "operator votes": _of_person("operator", "/review/cases/{review_}/vote", VOTE),
    "operator enters": _of_person("operator", "/admin/"),
    "operator reads oversight": _of_person("operator", "/oversight/"),
    "regulator searches": _of_person(
        "regulator", "/oversight/", {"mode": "test", "outcome": "verified"}
    ),
    "regulator reads a case": _of_person("regulator", "/oversight/cases/{verified_}/"),
    "reviewer signs in": _sign_in("second"),
    "closed reviewer signs in": _sign_in("closed"),
    "borrower goes on": lambda cast: cast.borrower().get("/v/now/"),
    "borrower consents": lambda cast: cast.borrower().post("/v/now/", cast.consent()),
    "borrower opens a link": lambda cast: Client(raise_request_exception=False).post(
        "/v/", {"token": cast.stories["linked"].token}
    ),
    "borrower looks at a link": lambda cast: Client(raise_request_exception=False).post(
        "/v/peek/", {"token": cast.stories["linked"].token}
    ),
    "borrower by a spent link": lambda cast: Client(raise_request_exception=False).post(
        "/v/", {"token": cast.stories["at_work"].token}
    ),
    "borrower by an ended session": lambda cast: cast.borrower(cast.cookies["before"]).get(
        "/v/now/"
    ),
    "anybody": lambda cast: Client(raise_request_exception=False).get("/about"),
}


def come(name: str, cast: Cast) -> Seen:
    """One act at this door, and what is seen."""
    rates._windows.clear()
    before = set(AuditEntry.objects.values_list("pk", flat=True))
    answer = DOORS[name](cast)
    added = AuditEntry.objects.exclude(pk__in=before).order_by("pk")
    entries = tuple(sorted(_outline(entry) for entry in added))
    if isinstance(answer, list):
        return Seen("200", _settled("\n".join(answer)), entries)
    where = answer.headers.get("Location", "").partition("?")[0]
    return Seen(f"{answer.status_code} {where}".strip(), _shown(answer), entries)


def _outline(entry: AuditEntry) -> tuple[str, ...]:
    """Who did what to whom under which law, in an entry."""
    names = ("person", "of_lender", "outcome", "code", "profile", "clearance", "contract", "amount")
    said = (str(entry.body.get(name, "")) for name in (*names, "combinations"))
    of_new = entry.type == "verification.created" or "N-1" in str(entry.body)
    case = "" if of_new else str(entry.verification_id)
    return (entry.type, case, str(entry.lender_id), *map(_settled, said))


def _shown(answer: Any) -> str:
    content = answer.content.decode(errors="replace")
    kind = answer.headers.get("Content-Type", "")
    if kind.endswith("json"):
        return _settled(json.dumps(json.loads(content or "null"), ensure_ascii=False))
    if kind.startswith("text/html"):
        hrefs = " ".join(re.findall(r'href="(tel:[^"]*|[a-z]+script:[^"]*)"', content))
        text = re.sub(r"<(script|style|svg)\b.*?</\1>|<[^>]*>", " ", content, flags=re.DOTALL)
        content = f"{hrefs} {unescape(text)}"
    return _settled(" ".join(content.split()))


def _settled(text: str) -> str:
    return _BY_CHANCE.sub("…", text)


# Which rows are changed, and put back.


def of_rows(chance: random.Random) -> Iterator[Change]:
    """Without end: a column or a row of those that the application's role may change and put back,
    in an order drawn by chance.
    """
    made = []
    for table, columns in COLUMNS.items():
        is_log = table in hands.APPEND_ONLY or "audit" in table
        if is_log or table in hands.READ_ONLY or table not in changes.MODELS:
            continue
        if changes.rows_of(table):
            made += [changes.of_column(table, column, chance) for column in columns]
            made += [changes.of_table(table, chance)] * 3
    chance.shuffle(made)
    for each in cycle(made):
        change = next(each, None)
        if change is not None and change.hand is Hand.APPLICATION:
            yield change


def put_back(change: Change) -> None:
    """Makes the rows what they were, unless they were written since."""
    hands.do(Change(change.hand, change.table, change.column, "put back", tuple(_back(change))))


def _back(change: Change) -> Sequence[Statement]:
    row, table = dict(change.row), connection.ops.quote_name(change.table)
    where, key = changes.at_key(change.table, row)
    if change.word == "added":
        return [(f"DELETE FROM {table} WHERE {where}", key)]  # noqa: S608
    if change.word == "taken away":
        names = ", ".join(map(connection.ops.quote_name, row))
        marks = ", ".join(["%s"] * len(row))
        insert = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
        return [(insert, list(row.values()))]
    where, key = changes.at_key(change.table, {**row, change.column: change.new})
    column = connection.ops.quote_name(change.column)
    update = f"UPDATE {table} SET {column} = %s WHERE {where} AND {column} = %s"  # noqa: S608
    return [(update, [row[change.column], *key, change.new])]


HARMLESS: Final[Mapping[str, str]] = {
    "verification_verification": (
        "answers repeat a case's row beside its end; no end, vote, clearance or payment rests on it"
    ),
    "verification_attempt": "which question is open; the answer to it is judged by the entries",
    "verification_evidenceitem": "its list, beside the entries of the case on the same page",
    "verification_clearance": "the answer to a payment repeats its row; a reading is by entries",
    "verification_datakey": "without its key a receipt comes without what opens it",
    "lenders_delivery": "which messages go in which round",
    "lenders_webhookendpoint.cursor": "messages go again, or later",
    "lenders_webhookendpoint.paused_until": "messages go in another round",
    "lenders_lender.": "without its lender a case is in no list; a foreign key keeps the row",
}
"""Tables and columns whose change may show at a door, each with its reason; counted apart. It must
put nothing else on record, and let in no other person.
"""


def is_harmless(change: Change, honest: Seen, seen: Seen) -> bool:
    """Whether the change only shows, and may."""
    is_same = seen.word == honest.word and set(seen.entries) <= set(honest.entries)
    return is_same and bool({change.table, f"{change.table}.{change.column}"} & HARMLESS.keys())


def apart(honest: Seen, seen: Seen) -> str:
    """Where two looks begin to differ."""
    if honest.word != seen.word:
        return f"{honest.word} became {seen.word}"
    if honest.entries != seen.entries:
        return f"{set(honest.entries) ^ set(seen.entries)}"
    place = next(
        (
            n
            for n, (one, other) in enumerate(zip(honest.shown, seen.shown, strict=False))
            if one != other
        ),
        min(len(honest.shown), len(seen.shown)),
    )
    start = max(0, place - 40)
    return f"…{honest.shown[start : place + 60]!r} became …{seen.shown[start : place + 60]!r}"


def honest(cast: Cast) -> dict[str, Seen]:
    """What is seen at each door while no row is changed."""
    seen = {}
    for name in DOORS:
        with hands.taken_back():
            seen[name] = come(name, cast)
    return seen


__all__ = ("DOORS", "Seen", "apart", "come", "honest", "is_harmless", "of_rows", "put_back")
