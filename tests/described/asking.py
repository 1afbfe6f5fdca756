"""A lender's server that sends what openapi.json says may be sent, and what it says may not."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from copy import deepcopy
from datetime import timedelta
from typing import Any

import hypothesis
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from hypothesis import HealthCheck, Phase, given
from hypothesis.errors import FlakyStrategyDefinition
from schemathesis import Case, GenerationMode, Response
from schemathesis.config import SchemathesisConfig

from lenders import openapi
from tests.described import formats, judging
from verification import clock
from verification.core import almaty

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
    formats.register()
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
        for fault in judging.faults(case, response):
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
        subject["birth_date"] = formats.born_with(subject["iin"]).isoformat()
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
