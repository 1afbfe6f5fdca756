"""A lender's server: it sends valid and invalid requests by openapi.json, and judges answers."""

import json
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Literal

import hypothesis
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from hypothesis.errors import FlakyStrategyDefinition
from jsonschema import Draft202012Validator
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import load_all_checks, negative_data_rejection, not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi import checks

from lenders import openapi
from verification import clock
from verification.core import almaty

# The formats that openapi.json names, told anew: what has them, and how such values are made.
#
# Nothing here calls what reads them in the product, or the two would be wrong together.


_Category = Literal["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"]
_NOT_SHOWN: tuple[_Category, ...] = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
# Default_Ignorable_Code_Point where it is a letter or a mark, the empty Braille pattern, and all
# blanks but one.
_DRAWN_AS_NOTHING = "".join(
    chr(sign)
    for first, last in (
        (0x34F, 0x34F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0xE0100, 0xE01EF),
    )
    for sign in range(first, last + 1)
)
_BLANKS = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"  # noqa: E501
_WEIGHTS = ((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2))
_CENTURIES = {1800: "12", 1900: "34", 2000: "56"}
# Letters of one alphabet each: Kazakh and Russian, and Latin with some of the marks that names
# bear.
_ALPHABETS = (
    "АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЭЮЯӘҒҚҢӨҰҮҺІабвгдежзийклмнопрстуфхцчшщъыьэюяәғқңөұүһі",
    "ABCXYZabcdefnopxyzÄäÖöéñşğ",
)
_BANKS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def check_digit(eleven: str) -> str | None:
    """The twelfth digit of an IIN; None where the rule of the state gives none."""
    for weights in _WEIGHTS:
        rest = sum(int(digit) * weight for digit, weight in zip(eleven, weights, strict=True)) % 11
        if rest < 10:
            return str(rest)
    return None


def is_iin(text: str) -> bool:
    """Twelve digits: a date with the century in the seventh, and a check digit that fits."""
    if not re.fullmatch(r"[0-9]{12}", text, re.ASCII) or text[6] not in "0123456":
        return False
    century = next((year for year, digits in _CENTURIES.items() if text[6] in digits), 2000)
    try:
        date(century + int(text[:2]), int(text[2:4]), int(text[4:6]))
    except ValueError:
        return False
    return check_digit(text[:11]) == text[11]


def born_with(iin: str) -> date:
    """A day of birth that an IIN agrees with; of one that says no century the 1900s are taken."""
    century = next((year for year, digits in _CENTURIES.items() if iin[6] in digits), 1900)
    return date(century + int(iin[:2]), int(iin[2:4]), int(iin[4:6]))


def checked_iban(rest: str) -> str:
    """A Kazakh IBAN over these eighteen signs (ISO 13616: what goes to the end is `KZ00`, and 98
    less the rest).
    """
    number = int("".join(str(int(sign, 36)) for sign in f"{rest}KZ00"))
    return f"KZ{98 - number % 97:02}{rest}"


def is_kz_iban(text: str) -> bool:
    """A Kazakh IBAN, in any case of letters and with any blanks."""
    bare = text.replace(" ", "").upper()
    return bool(re.fullmatch(r"KZ[0-9]{2}[0-9A-Z]{16}", bare)) and checked_iban(bare[4:]) == bare


def is_kz_mobile(text: str) -> bool:
    """Eleven digits that begin with 77 or 87, no prefix of a landline; blanks, hyphens and brackets
    aside.
    """
    bare = re.sub(r"[\s()-]", "", text)
    return bool(re.fullmatch(r"(\+?7|8)7(?!1|2)[0-9]{9}", bare)) and len(text) <= 32


def is_visible(text: str) -> bool:
    """A text whose every character is seen, or is a plain blank alone between others, and turns
    nothing.
    """
    is_seen = all(unicodedata.category(sign) not in _NOT_SHOWN for sign in text)
    return is_seen and not {*text} & {*_DRAWN_AS_NOTHING, *_BLANKS} and "  " not in text.strip(" ")


def is_person_name(text: str) -> bool:
    """Words of letters of one alphabet, a hyphen, apostrophe or blank between two, up to 100 signs;
    or empty.
    """
    composed = unicodedata.normalize("NFC", " ".join(text.split()))
    scripts = {unicodedata.name(sign, "?").split()[0] for sign in composed if sign.isalpha()}
    is_spelled = all(word.isalpha() for word in re.split("[-'’ ]", composed.removesuffix(".")))
    return not composed or (is_spelled and len(composed) <= 100 and len(scripts) == 1)


@cache
def _iins() -> st.SearchStrategy[str]:
    born = st.dates(min_value=date(1899, 1, 1), max_value=date(2007, 12, 31))
    sex = st.sampled_from((0, 1))

    def spell(day: date, at: int, place: int, has_century: bool) -> str:
        century = _CENTURIES[day.year // 100 * 100][at] if has_century else "0"
        return f"{day:%y%m%d}{century}{place:04}"

    eleven = st.builds(spell, born, sex, st.integers(0, 9999), st.integers(0, 9).map(bool))
    # Some have no check digit at all.
    return eleven.map(lambda digits: digits + (check_digit(digits) or "x")).filter(is_iin)


def _ibans() -> st.SearchStrategy[str]:
    whole = st.text(alphabet=_BANKS, min_size=16, max_size=16).map(checked_iban)
    spaced = whole.map(lambda iban: " ".join(iban[at : at + 4] for at in range(0, 20, 4)))
    return st.one_of(whole, spaced, whole.map(str.lower))


def _mobiles() -> st.SearchStrategy[str]:
    ten = st.builds(
        lambda operator, rest: operator + rest,
        st.sampled_from(("700", "701", "705", "747", "775", "778")),
        st.from_regex(r"[0-9]{7}", fullmatch=True),
    )
    spelled = ("+7{}", "7{}", "8{}", "+7 ({0:.3}) {1}", "8-{0:.3}-{1}")
    return st.builds(
        lambda form, digits: form.format(digits, digits[3:]), st.sampled_from(spelled), ten
    )


def _names() -> st.SearchStrategy[str]:
    def of(alphabet: str) -> st.SearchStrategy[str]:
        word = st.text(alphabet=alphabet, min_size=1, max_size=24)
        return st.builds(
            lambda words, mark: mark.join(words),
            st.lists(word, min_size=1, max_size=3),
            st.sampled_from("-' "),
        )

    return st.one_of(*map(of, _ALPHABETS)).filter(is_person_name)


def _days() -> st.SearchStrategy[str]:
    return st.dates(min_value=date(1899, 1, 1), max_value=date(2099, 12, 31)).map(date.isoformat)


def _moments() -> st.SearchStrategy[str]:
    """Most of a day around now, for the product asks of them whether they have come; the others
    anywhere.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    near = st.integers(-86_400, 600).map(lambda seconds: now + timedelta(seconds=seconds))
    anywhere = st.datetimes(datetime(1000, 1, 2), datetime(2999, 12, 30)).map(
        lambda at: at.replace(tzinfo=UTC)
    )
    zones = st.sampled_from(("Z", "+05:00", "-23:59", "+00:00"))

    def spell(at: datetime, zone: str, places: int) -> str:
        fraction = "." + f"{at.microsecond:06}"[:places] if places else ""
        return f"{at.replace(tzinfo=None, microsecond=0).isoformat()}{fraction}{zone}"

    return st.builds(spell, st.one_of(near, anywhere), zones, st.integers(0, 6))


def _visible() -> st.SearchStrategy[str]:
    hidden = _DRAWN_AS_NOTHING + _BLANKS
    signs = st.characters(codec="utf-8", exclude_categories=_NOT_SHOWN, exclude_characters=hidden)
    return st.text(alphabet=signs, max_size=60).filter(is_visible)


FORMATS: dict[str, Callable[[str], bool]] = {
    "iin": is_iin,
    "kz-iban": is_kz_iban,
    "kz-mobile": is_kz_mobile,
    "person-name": is_person_name,
    "visible-text": is_visible,
}
"""The formats that are ours, each with what has it."""


def register() -> None:
    """Lets generated requests have them, and days and times that the product's own rules can
    like.
    """
    made = {
        "iin": _iins(),
        "kz-iban": _ibans(),
        "kz-mobile": _mobiles(),
        "person-name": _names(),
        "visible-text": _visible(),
        "date": _days(),
        "date-time": _moments(),
    }
    for name, strategy in made.items():
        schemathesis.openapi.format(name, strategy)


# What is wrong with an answer, by openapi.json: our fault, a surprise, a good request refused, a
# bad one taken.


_PROMISED = (
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
)

SEMANTIC: Mapping[str, str] = {
    "birth_date_mismatch": "two fields: the IIN holds the date",
    "total_below_amount": "two fields: what is paid back is no less than what is given",
    "subject_under_age": "a date against today",
    "document_expired": "a date against today",
    "choice_unknown": "two fields: with a time, only consumed is listed; where: `_PLACES`",
    "out_of_range": "a date against today, two fields, the log's size; where: `_PLACES`",
    "required": (
        "at `/contract_sha256` and `/scenario` what the verification itself names or stands for;"
        " see `_PLACES`"
    ),
    "scenario_not_on_route": "which routes the verification has",
    "obligation_in_future": "a time against the clock",
    "obligation_before_decision": "a time against what happened",
    "obligation_before_opening": "a time against what happened",
    "signed_in_future": "a time against the clock",
    "signed_before_verified": "a time against what happened",
    "decimal_malformed": "of a JSON number: `multipleOf` cannot be relied on over binary fractions",
    "personal_number": "a check digit inside a text",
    "metadata_key_malformed": "a check digit inside a name",
    "return_url_unregistered": "what the operator has registered for the lender",
    "webhook_url_refused": "where an address leads, and ports and hosts that are never called",
    "routes_insufficient": "what is installed, and what the lender's law asks",
    "cursor_unknown": "what was told before",
    "idempotency_key_reused": "what was asked before",
}
"""Codes by which a request may be refused though it fits its schema, and what it is that no JSON
schema can say.
"""
_ENDS = {"?created_to", "?consumed_to"}  # of a range of time, after its beginning
_PLACES = {
    "out_of_range": {"/subject/birth_date", "/to", "?first", "?second", *_ENDS},
    "required": {"/contract_sha256", "/scenario"},
    "choice_unknown": {"?status"},
}
_REFUSED = frozenset({400, 405, 411, 413, 414, 415, 422, 431})


def faults(case: Case[Any], response: Response) -> list[str]:
    """What is wrong with an answer, each in a line; none for one that openapi.json lets a caller
    expect.
    """
    found = []
    wanted = [*_PROMISED, *([negative_data_rejection] if _is_negative(case) else [])]
    try:
        case.validate_response(response, checks=wanted)
    except FailureGroup as group:
        found += [
            f"{type(one).__name__}: {one.message or one.title}"
            for one in group.exceptions
            if isinstance(one, Failure)
        ]
    found += _unpromised(case, response)
    if not _is_negative(case) and response.status_code in _REFUSED:
        found += [
            f"a good request is refused: {place} {code}"
            for place, code in _codes(response)
            if not _is_semantic(place, code)
        ]
    return found


def _is_negative(case: Case[Any]) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_negative


def _codes(response: Response) -> set[tuple[str, str]]:
    """Where, and with which code."""
    body = response.json()
    return {(one["pointer"], one["code"]) for one in body["errors"]} or {("", body["code"])}


def _is_semantic(place: str, code: str) -> bool:
    return code in SEMANTIC and place in _PLACES.get(code, {place})


def _unpromised(case: Case[Any], response: Response) -> list[str]:
    """Fields of an answer that the document does not name."""
    media_type = str(response.headers.get("content-type", [""])[0]).partition(";")[0]
    if not media_type.endswith("json"):
        return []
    place = (
        case.operation.path,
        case.operation.method.lower(),
        str(response.status_code),
        media_type,
    )
    validator = _closed(*place)
    problems = validator.iter_errors(json.loads(response.content)) if validator else ()
    return [f"unpromised: {problem.json_path} {problem.message[:200]}" for problem in problems]


@cache
def _closed(path: str, method: str, status: str, media_type: str) -> Draft202012Validator | None:
    document = openapi.document()
    described = (
        document["paths"][path][method]["responses"]
        .get(status, {})
        .get("content", {})
        .get(media_type)
    )
    if described is None:
        return None
    schemas = {
        name: schema | ({"additionalProperties": False} if "properties" in schema else {})
        for name, schema in document["components"]["schemas"].items()
    }
    return Draft202012Validator(described["schema"] | {"components": {"schemas": schemas}})


load_all_checks()


# A lender's server that sends what openapi.json says may be sent, and what it says may not.


SKIPPED: dict[str, str] = {}
"""Operations that cannot be driven, by their ids, each with its reason."""
LAST = ("delete_webhook_endpoint", "advance_test_clock")
"""Operations that take away what the others ask for."""
_ID = re.compile(r"[a-z]{3}_[a-z2-7]{26}")
_KNOWN_FOR_GOOD = 12
_KNOWN_OF_A_KIND = 24  # ids that may be asked for: few enough that one is asked for more than once
_SETTINGS = hypothesis.settings(
    database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
_FAR, _FAR_SHARE = 5, 0.4  # those of which most may be asked are asked so often
_LIKELY = 0.85  # of the requests get what only somebody who knows the lender would send


def described() -> Any:
    """openapi.json as schemathesis reads it, to be asked of this process itself."""
    register()
    # What is generated depends on the document and the seed alone, and the key is ours.
    said = {
        "generation": {"with-security-parameters": False},
        "analysis": {"constants": {"enabled": False}},
    }
    config = SchemathesisConfig.from_dict(said)
    schema = schemathesis.openapi.from_dict(deepcopy(openapi.document()), config=config)
    schema.app = WSGIHandler()
    return schema


def name(operation: Any) -> str:
    """Its `operationId`."""
    return str(operation.definition.raw["operationId"])


def operations(schema: Any) -> Iterator[Any]:
    """Each operation of the document that can be driven; last what takes away what the others ask
    for.
    """
    found = [each.ok() for each in schema.get_all_operations()]
    driven = [operation for operation in found if name(operation) not in SKIPPED]
    yield from sorted(driven, key=lambda operation: name(operation) in LAST)


class Asker:
    """Sends cases and judges the answers.

    `keep_up` is called now and then: what a worker and a tick do meanwhile. It gives the key of the
        next requests.
    """

    def __init__(
        self, schema: Any, *, seed: int, keep_up: Callable[[], str], paid: dict[str, Any]
    ) -> None:
        """`paid`: what may be paid for a verification that is known to be verified."""
        self.schema, self.key, self.seed = schema, "", seed
        self.counts: Counter[tuple[str, str, int]] = Counter()
        self.faults: list[str] = []
        self.known: dict[str, list[str]] = {}
        self._chance = random.Random(seed)
        self._keep_up, self._paid = keep_up, paid

    @property
    def asked(self) -> int:
        """How many requests were sent."""
        return sum(self.counts.values())

    def ask(self, operation: Any, mode: GenerationMode, number: int) -> None:
        """Sends so many cases of an operation, or as many as there are; none of what cannot be
        asked wrongly.
        """
        described = operation.definition.raw
        if (
            mode.is_negative
            and not described.get("parameters")
            and not described.get("requestBody")
        ):
            return

        @hypothesis.seed(self.seed)
        @hypothesis.settings(_SETTINGS, max_examples=number)
        @given(case=operation.as_strategy(generation_mode=mode))
        def send_each(case: Case[Any]) -> None:
            self._name_what_exists(case)
            self.make_likely(case)
            self.send(case)

        send_each()

    def follow_links(self, number: int, steps: int) -> None:
        """At least so many requests along the links of the document, in walks from an answer to
        what it leads to.
        """
        asker = self

        class Walk(self.schema.as_state_machine()):  # type: ignore[misc]  # made of the document
            def before_call(self, case: Case[Any]) -> None:
                asker.make_likely(case)

            def call(self, case: Case[Any], **kwargs: Any) -> Response:
                return asker.send(case)

            def validate_response(
                self, response: Response, case: Case[Any], *_: Any, **__: Any
            ) -> None:
                """It was judged when it was sent."""

        wanted = self.asked + number
        while self.asked < wanted:
            self.seed += 1
            settings = hypothesis.settings(
                _SETTINGS, max_examples=number // steps, stateful_step_count=steps
            )
            # A walk is not the same twice, for what the first one did stands in the database;
            # another seed goes on.
            with suppress(FlakyStrategyDefinition):
                hypothesis.seed(self.seed)(Walk).run(settings=settings)

    def send(self, case: Case[Any]) -> Response:
        """The answer to one case, judged and counted."""
        if self.asked % 100 == 0:
            self.key = self._keep_up()
        response = case.call(headers={"Authorization": f"Bearer {self.key}"})
        self.judge(case, response)
        return response

    def judge(self, case: Case[Any], response: Response) -> None:
        """Counts an answer, keeps the ids it tells, and what is wrong with it."""
        mode = case.meta.generation.mode.value if case.meta else "positive"
        self.counts[name(case.operation), mode, response.status_code] += 1
        if response.status_code < 300:
            self.learn(_ID.findall(response.text))
        for fault in faults(case, response):
            line = f"{case.operation.label} {mode} {response.status_code}: {fault}"
            sent = (
                f"{case.formatted_path} {dict(case.query or {})} {dict(case.headers or {})}"
                f" {case.body!r}"
            )
            self.faults.append(f"{line}\n  {sent[:1500]}\n  {response.text[:600]}")

    def learn(self, ids: Iterable[str]) -> None:
        """Ids that may be asked for from now on."""
        for one in ids:
            known = self.known.setdefault(one[:3], [])
            if one not in known:
                known.append(one)
            # The first ones stay: they are those that have come far.
            del known[_KNOWN_FOR_GOOD:-_KNOWN_OF_A_KIND]

    def make_likely(self, case: Case[Any]) -> None:
        """Gives most cases that fit their schema what one field says of another, and what the
        lender would know.
        """
        if case.meta is not None and case.meta.generation.mode.is_positive and self._is_likely():
            self._make_key_fresh(case)
            if {"first", "second"} <= set(case.query or {}):
                case.query.update(first=1, second=2)  # the log is short
            if isinstance(case.body, dict):
                self._settle(case.body)

    def _name_what_exists(self, case: Case[Any]) -> None:
        """Puts ids that exist where most cases name any."""
        described = {
            (each["in"], each["name"]): each
            for each in case.operation.definition.raw.get("parameters", ())
        }
        for place, values in (("path", case.path_parameters), ("query", case.query)):
            for name, value in list((values or {}).items()):
                prefix = str(described.get((place, name), {}).get("schema", {}).get("pattern", ""))[
                    1:4
                ]
                if prefix in self.known and _ID.fullmatch(str(value)) and self._is_likely():
                    known = self.known[prefix]
                    values[name] = self._chance.choice(
                        known[:_FAR] if self._chance.random() < _FAR_SHARE else known
                    )

    def _is_likely(self) -> bool:
        return self._chance.random() < _LIKELY

    def _make_key_fresh(self, case: Case[Any]) -> None:
        if "Idempotency-Key" in (case.headers or {}):
            case.headers["Idempotency-Key"] = f"{self.asked}-{self._chance.random()}"

    def _settle(self, body: dict[str, Any]) -> None:
        """What of a request depends on the lender, on today, on what was sent before and on its
        other fields.
        """
        if "subject" in body:
            self._settle_opening(body)
        elif "scenario" in body:
            body |= {"scenario": "verified", "route": "eds"}
        elif "advance_seconds" in body:
            # Far more are open than may be put forward at once, so one is named, which has not come
            # to its 30 days.
            body |= {
                "advance_seconds": body["advance_seconds"] % 3600 + 1,
                "verification": self.known["ver"][0],
            }
        elif {"from", "to"} <= body.keys():
            body["from"], body["to"] = sorted((body["from"], body["to"]))
        else:
            now = clock.now().isoformat(timespec="seconds")
            body |= {
                name: value
                for name, value in (self._paid | {"signed_at": now, "at": now}).items()
                if name in body
            }

    def _settle_opening(self, body: dict[str, Any]) -> None:
        subject, loan, today = body["subject"], body["loan"], almaty.day_of(clock.now())
        subject["birth_date"] = born_with(subject["iin"]).isoformat()
        subject["document"]["valid_to"] = (
            today + timedelta(days=self._chance.randrange(3000))
        ).isoformat()
        for name in ("amount", "total_repayable", "annual_rate"):
            if isinstance(loan[name], float):
                loan[name] = round(loan[name], 2) or 1
        loan["amount"], loan["total_repayable"] = sorted(
            (loan["amount"], loan["total_repayable"]), key=float
        )
        body["client_reference"] = f"{body['client_reference'][:40]}-{self.asked}"
        if "routes" in body:
            body["routes"] = ["eds"]
        if "return_url" in body:
            body["return_url"] = f"https://lender.example/back?of={self.asked}"
