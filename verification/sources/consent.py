"""A person's consent to look-ups, given by SMS to the state's own number. Law: O-40.

1. A `ConsentRequest` makes the service ask the person; an open consent with the same scope is
   returned. A consent belongs to one loan request: it covers no look-up for another.
2. The person answers the state's message. A `ConsentReading` returns the result.
3. `core.answers.consent_id_to` gives the id for the registers, or raises.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from verification.core.answers import CONSENT_MAX_BYTES, ConsentAnswer, parse_consent
from verification.core.errors import SourceUnavailable
from verification.core.ids import Iin, Phone
from verification.sources.asking import PROTOCOL, SECONDS, Fetched, Service, Source, spell
from verification.sources.installed import resolve

SOURCE: Final = "consent"


@dataclass(frozen=True, kw_only=True)
class ConsentRequest:
    """The person, the lender and the scope of a request.

    text_sha256: of the wording they saw, see `stages/confirmation/policy.py`.
    reference: its verification.
    phone: the stated one, for an adapter that must name one; else None, because the state knows the
    person's phone.
    services: a choice of `core.answers.SERVICES`.
    valid_seconds: the requested validity.
    """

    request_id: str
    reference: str
    iin: Iin
    phone: Phone | None
    lender_bin: str
    lender_name: str
    purpose: str
    services: tuple[str, ...]
    text_version: str
    language: str
    text_sha256: str = field(repr=False)
    valid_seconds: int


@dataclass(frozen=True, kw_only=True)
class ConsentReading:
    """The state of a consent: answered again each time, whatever the `request_id`."""

    request_id: str
    iin: Iin
    consent_id: str


class ConsentAdapter(Protocol):
    """A service that asks people for their consent in the name of the state's registers.

    names_phone: whether its protocol needs a phone, which can only be the stated one.
    """

    names_phone: bool

    @property
    def source(self) -> str:
        """The name of the source, as in `TULGA_SOURCES`."""
        ...

    def fetch(self, question: ConsentRequest | ConsentReading) -> Fetched[ConsentAnswer]:
        """The answer, whose status may be `pending` for minutes.

        A repeated request id sends the person no second message.

        Raises: `SourceUnavailable`.
        """
        ...


class HttpConsentSource:
    """The service by the protocol of docs/operator/sources.md, source `consent`."""

    source = SOURCE
    protocol = PROTOCOL

    def __init__(
        self,
        url: str,
        *,
        token_file: str | Path = "",
        seconds: float = SECONDS,
        max_bytes: int = CONSENT_MAX_BYTES,
        names_phone: bool = False,
    ) -> None:
        """`url`: the operator's; `/request` and `/read` are below it. Other options as in the other
        sources.

        names_phone: the service needs a phone; each consent then has a remark.

        Raises: `Misconfigured`.
        """
        self.names_phone = names_phone
        self._requests, self._reads = (
            Service.configured(
                SOURCE,
                url=f"{url.rstrip('/')}/{action}",
                token_file=token_file,
                seconds=seconds,
                max_bytes=max_bytes,
            )
            for action in ("request", "read")
        )

    def fetch(self, question: ConsentRequest | ConsentReading) -> Fetched[ConsentAnswer]:
        """See `ConsentAdapter.fetch`."""
        if isinstance(question, ConsentReading):
            return self._reads.ask(vars(question), read=parse_consent)
        stated = dict(vars(question))
        if not self.names_phone or question.phone is None:
            del stated["phone"]
        return self._requests.ask(stated, read=parse_consent)


ADAPTER = HttpConsentSource


def spell_consent(answer: ConsentAnswer) -> bytes:
    """An answer in the protocol of docs/operator/sources.md, source `consent`."""
    terms = vars(answer.terms) if answer.terms is not None else {}
    return spell(answer, without=("terms",), **terms)


SERVICE: Final = Source[ConsentRequest | ConsentReading, ConsentAnswer](
    name=SOURCE,
    answer=ConsentAnswer,
    read=parse_consent,
    spell=spell_consent,
    repeated=("request_id", "iin"),
)


def in_use(mode: str) -> ConsentAdapter:
    """The consent service configured for this mode.

    Raises: `Misconfigured`.
    """
    adapter: ConsentAdapter = resolve(mode, SOURCE)
    return adapter


def fetch(mode: str, question: ConsentRequest | ConsentReading) -> Fetched[ConsentAnswer]:
    """The answer of the service in use, verified to match the question.

    Raises: as `Source.fetch`.
    """
    return ask(in_use(mode), question)


def ask(
    adapter: ConsentAdapter, question: ConsentRequest | ConsentReading
) -> Fetched[ConsentAnswer]:
    """This adapter's answer, verified to match the question.

    Raises: as `Source.ask`.
    """
    fetched = SERVICE.ask(adapter, question)
    if (terms := fetched.parsed.terms) is None:
        return fetched
    if isinstance(question, ConsentReading):
        is_ours = terms.consent_id == question.consent_id
    else:
        request = (question.reference, question.lender_bin)
        is_ours = (terms.reference, terms.lender_bin) == request
    if not is_ours:
        raise SourceUnavailable(SOURCE, "the answer is about another consent, request or lender")
    return fetched
