"""Time-stamps of an authority, requested at the operator's address and passed on unjudged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from verification.core.errors import Misconfigured
from verification.outbound import Limits
from verification.sources.asking import Fetched, check_address, exchange
from verification.sources.installed import resolve

SOURCE: Final = "timestamp_authority"

# Defaults of the adapter's options; an operator may set others.
_SECONDS: Final = 4.0  # for one token; ours: revocation follows within the same step
_MAX_BYTES: Final = (
    32 * 1024
)  # for one answer; ours: a token with its authority's certificate has about 4 KiB


@dataclass(frozen=True, kw_only=True)
class TimestampQuestion:
    """An encoded question (RFC 3161) to the authority of a family, `gost512` or `rsa`."""

    family: str
    query: bytes = field(repr=False)


class HttpTimestampAuthority:
    """One address per family."""

    source = SOURCE
    protocol = "rfc3161"

    def __init__(
        self, urls: Mapping[str, str], *, seconds: float = _SECONDS, max_bytes: int = _MAX_BYTES
    ) -> None:
        """`urls`: address by family; `seconds` and `max_bytes` bound one answer.

        Raises: `Misconfigured`.
        """
        for url in urls.values():
            if not isinstance(url, str):
                raise Misconfigured("a time-stamp authority has one address a family")
            check_address(url)
        self._urls = dict(urls)
        self._limits = Limits(seconds=seconds, max_bytes=max_bytes)

    def fetch(self, question: TimestampQuestion) -> Fetched[bytes]:
        """The encoded answer.

        Raises: `SourceUnavailable` without an answer, `Misconfigured` if the family has no address.
        """
        if question.family not in self._urls:
            raise Misconfigured(
                f"no address of a time-stamp authority is configured for family {question.family!r}"
            )
        raw = exchange(
            self._urls[question.family],
            source=SOURCE,
            limits=self._limits,
            content=question.query,
            headers={"Content-Type": "application/timestamp-query"},
        )
        return Fetched(raw=raw, parsed=raw)


ADAPTER = HttpTimestampAuthority


def fetch(mode: str, question: TimestampQuestion) -> Fetched[bytes]:
    """The DER answer of the authority in use, for the engine to judge.

    Raises: as its `fetch`.
    """
    fetched: Fetched[bytes] = resolve(mode, SOURCE).fetch(question)
    return fetched
