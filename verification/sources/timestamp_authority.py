"""Proofs of time by a time-stamp authority: asked at the operator's address, given on as they are,
judged elsewhere.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Protocol, runtime_checkable

from verification.core.errors import Misconfigured
from verification.outbound import Limits
from verification.sources.asking import check_address, fetch
from verification.sources.installed import resolve

SOURCE: Final = "timestamp_authority"

# Defaults of the adapter's options; an operator may set others.
_SECONDS: Final = 4.0  # for one token; ours: revocation is still to be asked within the same step
_MAX_BYTES: Final = (
    32 * 1024
)  # for one answer; ours: a token with its authority's certificate has about 4 KiB


@runtime_checkable
class TimestampSource(Protocol):
    """Whoever puts a time to a hash."""

    def timestamp(self, family: str, *, question: bytes) -> bytes:
        """The raw answer to an encoded question (RFC 3161), by the authority of a family (`gost512`
        or `rsa`).

        Raises `SourceUnavailable` if it could not be had, `Misconfigured` if none is configured for
        the family.
        """
        ...


class HttpTimestampAuthority:
    """One address a family."""

    def __init__(
        self, urls: Mapping[str, str], *, seconds: float = _SECONDS, max_bytes: int = _MAX_BYTES
    ) -> None:
        """`urls`: address by family; `seconds` and `max_bytes` bound one answer. Raises
        `Misconfigured`.
        """
        for url in urls.values():
            if not isinstance(url, str):
                raise Misconfigured("a time-stamp authority has one address a family")
            check_address(url)
        self._urls = dict(urls)
        self._limits = Limits(seconds=seconds, max_bytes=max_bytes)

    def timestamp(self, family: str, *, question: bytes) -> bytes:
        """See `TimestampSource.timestamp`."""
        if family not in self._urls:
            raise Misconfigured(
                f"no address of a time-stamp authority is configured for family {family!r}"
            )
        headers = {"Content-Type": "application/timestamp-query"}
        return fetch(
            self._urls[family],
            source=SOURCE,
            limits=self._limits,
            content=question,
            headers=headers,
        )


in_use: Callable[[str], TimestampSource] = partial(resolve, name=SOURCE, kind=TimestampSource)
"""The time-stamp authority configured for this mode. Raises `Misconfigured`."""
