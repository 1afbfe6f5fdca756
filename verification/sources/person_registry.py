"""The state register of people: who somebody is, whether they live, which documents they hold.
Needs their consent.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from verification.core.answers import TEXT_MAX_BYTES, parse_person
from verification.core.ids import Iin
from verification.sources.asking import SECONDS, Service
from verification.sources.installed import resolve

SOURCE: Final = "person_registry"


@runtime_checkable
class PersonRegistry(Protocol):
    """Whoever answers for the state register of people."""

    def person(self, iin: Iin, *, consent_id: str, request_id: str) -> bytes:
        """The register's answer about this number, raw; `answers.parse_person` reads it.

        The same `request_id` may be asked again and is charged once. Raises `ConsentMissing`
        without a consent, `SourceUnavailable` if no readable answer to this very question came in
        time.
        """
        ...


class HttpPersonRegistry:
    """The register asked by the protocol of docs/sandbox.md, source `person`."""

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

    def person(self, iin: Iin, *, consent_id: str, request_id: str) -> bytes:
        """See `PersonRegistry.person`."""
        question = {"request_id": request_id, "iin": iin.value, "consent_id": consent_id}
        return self._service.ask(question, read=parse_person, repeated=("request_id", "iin"))


in_use: Callable[[str], PersonRegistry] = partial(resolve, name=SOURCE, kind=PersonRegistry)
"""The register of people configured for this mode. Raises `Misconfigured`."""
