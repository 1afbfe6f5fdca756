"""The consent of a person to be looked up, which they give by SMS to the state's own number. Law:
O-40.

1. `request` asks the service to ask the person; while a consent to the same is open, that one is
   given back. A consent is to one request for a loan: no other is looked up under it.
2. The person answers the state's message. `read` tells what came of it.
3. `core.answers.consent_id_to` gives the id that registers want, or raises.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from verification.core.answers import CONSENT_MAX_BYTES, parse_consent
from verification.core.errors import SourceUnavailable
from verification.core.ids import Iin, Phone
from verification.sources.asking import SECONDS, Service
from verification.sources.installed import resolve

SOURCE: Final = "consent"


@dataclass(frozen=True, kw_only=True)
class ConsentRequest:
    """Who is asked, for whom, to what. `text_sha256` names the wording they were shown, see
    `stages/confirmation/policy.py`.

    reference: the verification it is for. phone: what the lender stated, for an adapter that must
    name one; else None, for the state knows where it reaches a person. services: a choice of
    `core.answers.SERVICES`.
    valid_seconds: how long the consent shall hold.
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


@runtime_checkable
class ConsentSource(Protocol):
    """A service that asks people for their consent in the name of the state's registers.

    names_phone: whether its protocol must be given a phone, which can only be the one that the
        lender stated.
    """

    names_phone: bool

    def request(self, wanted: ConsentRequest) -> bytes:
        """The answer, raw; `core.answers.parse_consent` reads it. The status may be
        `pending` for minutes.

        Raises `SourceUnavailable`; asking again with the same id sends the person no second
        message.
        """
        ...

    def read(self, consent_id: str, *, iin: Iin, request_id: str) -> bytes:
        """What became of a consent, raw: answered anew each time, whatever the `request_id`.

        Raises `ConsentMissing` for what is no id, and `SourceUnavailable`.
        """
        ...


class HttpConsentSource:
    """The service asked by the protocol of docs/sandbox.md, source `consent`."""

    def __init__(
        self,
        url: str,
        *,
        token_file: str | Path = "",
        seconds: float = SECONDS,
        max_bytes: int = CONSENT_MAX_BYTES,
        names_phone: bool = False,
    ) -> None:
        """`url`: the operator's, `/request` and `/read` are below it. The rest is as in the other
        sources.

        names_phone: the service wants a phone; each consent is then remarked. Raises
            `Misconfigured`.
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

    def request(self, wanted: ConsentRequest) -> bytes:
        """See `ConsentSource.request`."""
        question = {
            "request_id": wanted.request_id,
            "reference": wanted.reference,
            "iin": wanted.iin.value,
            "lender_bin": wanted.lender_bin,
            "lender_name": wanted.lender_name,
            "purpose": wanted.purpose,
            "services": list(wanted.services),
            "text_version": wanted.text_version,
            "language": wanted.language,
            "text_sha256": wanted.text_sha256,
            "valid_seconds": wanted.valid_seconds,
            **({"phone": wanted.phone.value} if self.names_phone and wanted.phone else {}),
        }
        raw = self._requests.ask(question, read=parse_consent, repeated=("request_id", "iin"))
        terms = parse_consent(raw).terms
        if terms is not None and (terms.reference, terms.lender_bin) != (
            wanted.reference,
            wanted.lender_bin,
        ):
            raise SourceUnavailable(SOURCE, "the answer is about another request or lender")
        return raw

    def read(self, consent_id: str, *, iin: Iin, request_id: str) -> bytes:
        """See `ConsentSource.read`."""
        question = {"request_id": request_id, "iin": iin.value, "consent_id": consent_id}
        raw = self._reads.ask(question, read=parse_consent, repeated=("request_id", "iin"))
        terms = parse_consent(raw).terms
        if terms is not None and terms.consent_id != consent_id:
            raise SourceUnavailable(SOURCE, "the answer is about another consent")
        return raw


in_use: Callable[[str], ConsentSource] = partial(resolve, name=SOURCE, kind=ConsentSource)
"""The consent service configured for this mode. Raises `Misconfigured`."""
