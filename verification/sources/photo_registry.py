"""The register of document photos: the only place a reference picture comes from. Needs the
person's consent.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from verification.core.answers import PHOTO_ANSWER_MAX_BYTES, parse_photo
from verification.core.ids import Iin
from verification.sources.asking import SECONDS, Service
from verification.sources.installed import resolve

SOURCE: Final = "photo_registry"


@runtime_checkable
class PhotoRegistry(Protocol):
    """Whoever answers with the picture on somebody's document: the state or a licensed provider,
    nobody else.
    """

    def photo(self, iin: Iin, *, consent_id: str, request_id: str) -> bytes:
        """The register's answer about this number, raw; `answers.parse_photo` reads it.

        The same `request_id` may be asked again and is charged once. Raises `ConsentMissing`
        without a consent, `SourceUnavailable` if no readable answer to this very question came in
        time.
        """
        ...


class HttpPhotoRegistry:
    """The register asked by the protocol of docs/sandbox.md, source `photo`."""

    def __init__(
        self,
        url: str,
        *,
        token_file: str | Path = "",
        seconds: float = SECONDS,
        max_bytes: int = PHOTO_ANSWER_MAX_BYTES,
    ) -> None:
        """The operator's address and token; `seconds` and `max_bytes` bound one answer. Raises
        `Misconfigured`.
        """
        self._service = Service.configured(
            SOURCE, url=url, token_file=token_file, seconds=seconds, max_bytes=max_bytes
        )

    def photo(self, iin: Iin, *, consent_id: str, request_id: str) -> bytes:
        """See `PhotoRegistry.photo`."""
        question = {"request_id": request_id, "iin": iin.value, "consent_id": consent_id}
        return self._service.ask(question, read=parse_photo, repeated=("request_id", "iin"))


in_use: Callable[[str], PhotoRegistry] = partial(resolve, name=SOURCE, kind=PhotoRegistry)
"""The register of photos configured for this mode. Raises `Misconfigured`."""
