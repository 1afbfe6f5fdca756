"""The register of citizens' mobile numbers: whether a number belongs to a person. Asked each time,
never remembered.

A number changes hands, and a stolen SIM is what the second factor is about: yesterday's answer
proves nothing (law.md O-31). So every question needs a `request_id` of its own, and nothing here
keeps an answer.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from verification.core.answers import TEXT_MAX_BYTES, parse_ownership
from verification.core.ids import Iin, Phone
from verification.sources.asking import SECONDS, Service
from verification.sources.installed import resolve

SOURCE: Final = "phone_registry"


@runtime_checkable
class PhoneRegistry(Protocol):
    """Whoever answers for the register of citizens' mobile numbers."""

    def ownership(self, phone: Phone, *, iin: Iin, consent_id: str, request_id: str) -> bytes:
        """Whether the number is this person's, raw; `answers.parse_ownership` reads it.

        Whose it is otherwise is not told. Raises `ConsentMissing` without a consent,
        `SourceUnavailable` if no readable answer to this very question came in time.
        """
        ...


class HttpPhoneRegistry:
    """The register asked by the protocol of docs/sandbox.md, source `phone`."""

    def __init__(
        self,
        url: str,
        *,
        token_file: str | Path = "",
        seconds: float = SECONDS,
        max_bytes: int = TEXT_MAX_BYTES,
    ) -> None:
        """The operator's address and token; `seconds` and `max_bytes` bound one answer. Raises
        `Misconfigured`.
        """
        self._service = Service.configured(
            SOURCE, url=url, token_file=token_file, seconds=seconds, max_bytes=max_bytes
        )

    def ownership(self, phone: Phone, *, iin: Iin, consent_id: str, request_id: str) -> bytes:
        """See `PhoneRegistry.ownership`."""
        question = {
            "request_id": request_id,
            "iin": iin.value,
            "phone": phone.value,
            "consent_id": consent_id,
        }
        return self._service.ask(
            question, read=parse_ownership, repeated=("request_id", "iin", "phone")
        )


in_use: Callable[[str], PhoneRegistry] = partial(resolve, name=SOURCE, kind=PhoneRegistry)
"""The register of phones configured for this mode. Raises `Misconfigured`."""
