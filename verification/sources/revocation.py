"""Revocation lists of the authorities that issue borrowers' certificates, fetched as they are and judged elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, runtime_checkable

from verification.core.errors import Misconfigured
from verification.sources import resolve
from verification.sources.fetching import Limits, check_address, fetch

SOURCE: Final = "revocation"

# Defaults of the adapter's options; an operator may set others.
_SECONDS: Final = 15.0  # for one list; ours: well below a worker's lease
_MAX_BYTES: Final = 32 * 1024 * 1024  # for one list; ours: about a million revoked certificates at 30 bytes each


@runtime_checkable
class RevocationSource(Protocol):
    """Whoever hands out the current certificate revocation lists."""

    def crls(self, family: str) -> tuple[bytes, ...]:
        """Every configured list of one family (`gost512` or `rsa`), raw and unverified, in the order configured.

        Raises `SourceUnavailable` if one of them could not be had, `Misconfigured` if none is configured.
        """
        ...


class HttpRevocationSource:
    """Lists fetched by HTTP from the operator's addresses, never from those that a certificate names."""

    def __init__(
        self, crl_urls: Mapping[str, Sequence[str]], *, seconds: float = _SECONDS, max_bytes: int = _MAX_BYTES
    ) -> None:
        """`crl_urls`: addresses by family; `seconds` and `max_bytes` bound one list. Raises `Misconfigured`."""
        self._urls = {family: _addresses(family, urls) for family, urls in crl_urls.items()}
        self._limits = Limits(seconds=seconds, max_bytes=max_bytes)

    def crls(self, family: str) -> tuple[bytes, ...]:
        """See `RevocationSource.crls`. The addresses are no mirrors of each other: all must answer."""
        if not self._urls.get(family):
            raise Misconfigured(f"no CRL address is configured for family {family!r}")
        return tuple(fetch(url, source=SOURCE, limits=self._limits) for url in self._urls[family])


def in_use(mode: str) -> RevocationSource:
    """The revocation source configured for this mode. Raises `Misconfigured`."""
    adapter = resolve(mode, SOURCE)
    if not isinstance(adapter, RevocationSource):
        raise Misconfigured(f"{type(adapter).__name__} is no revocation source")
    return adapter


def _addresses(family: str, urls: Sequence[str]) -> tuple[str, ...]:
    if isinstance(urls, str):
        raise Misconfigured(f"crl_urls[{family!r}] must be a list of addresses, not one string")
    for url in urls:
        check_address(url)
    return tuple(urls)
