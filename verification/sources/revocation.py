"""What the authorities say of their certificates: answers of responders, and lists. Fetched as they
are, judged elsewhere, from the operator's addresses and never from those that a certificate names.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, Protocol, runtime_checkable

from verification.core.errors import Misconfigured, SourceUnavailable
from verification.outbound import Limits
from verification.sources.asking import check_address, fetch
from verification.sources.installed import resolve

SOURCE: Final = "revocation"

# Defaults of the adapter's options; an operator may set others.
_SECONDS: Final = 15.0  # for one list; ours: well below a worker's lease
_MAX_BYTES: Final = (
    64 * 1024 * 1024
)  # for one list; ours: a million revoked certificates at 53 bytes each, and room
_OCSP_SECONDS: Final = (
    4.0  # for one answer; ours: there must be time left to fetch a list in its place
)
_OCSP_MAX_BYTES: Final = (
    32 * 1024
)  # for one answer; ours: a real one has 1.3 KiB, with a chain of RSA 6

Urls = Mapping[str, Sequence[str]]


@runtime_checkable
class RevocationSource(Protocol):
    """Whoever asks responders and hands out the current certificate revocation lists.

    Families are `gost512` and `rsa`. Lists are raw and unverified, in the order configured; all
    that are configured must answer. Everything raises `SourceUnavailable` if an answer could not be
    had.
    """

    def crls(self, family: str) -> tuple[bytes, ...]:
        """Every configured complete list of one family. Raises `Misconfigured` if none is
        configured.
        """
        ...

    def delta_crls(self, family: str) -> tuple[bytes, ...]:
        """Every configured list of changes, maybe none."""
        ...

    def authority_crls(self, family: str) -> tuple[bytes, ...]:
        """Every configured list of those who certify the issuing authorities, maybe none."""
        ...

    def ocsp(self, family: str, *, question: bytes) -> bytes | None:
        """The raw answer to an encoded question; None if no responder is configured for the
        family.
        """
        ...


class HttpRevocationSource:
    """Lists and answers by HTTP. Responders of a family stand for each other: the first that
    answers is heard.
    """

    def __init__(
        self,
        crl_urls: Urls,
        *,
        delta_crl_urls: Urls | None = None,
        authority_crl_urls: Urls | None = None,
        ocsp_urls: Urls | None = None,
        seconds: float = _SECONDS,
        max_bytes: int = _MAX_BYTES,
        ocsp_seconds: float = _OCSP_SECONDS,
        ocsp_max_bytes: int = _OCSP_MAX_BYTES,
    ) -> None:
        """Each `…_urls`: addresses by family; the other numbers bound one list and one answer.

        Raises `Misconfigured`.
        """
        configured = {
            "crl_urls": crl_urls,
            "delta_crl_urls": delta_crl_urls or {},
            "authority_crl_urls": authority_crl_urls or {},
            "ocsp_urls": ocsp_urls or {},
        }
        for option, by_family in configured.items():
            for family, urls in by_family.items():
                if isinstance(urls, str):
                    raise Misconfigured(
                        f"{option}[{family!r}] must be a list of addresses, not one string"
                    )
                for url in urls:
                    check_address(url)
        self._crls, self._deltas, self._authorities, self._responders = (
            {family: tuple(urls) for family, urls in by_family.items()}
            for by_family in configured.values()
        )
        self._limits = Limits(seconds=seconds, max_bytes=max_bytes)
        self._ocsp_limits = Limits(seconds=ocsp_seconds, max_bytes=ocsp_max_bytes)

    def crls(self, family: str) -> tuple[bytes, ...]:
        """See `RevocationSource.crls`."""
        if not self._crls.get(family):
            raise Misconfigured(f"no CRL address is configured for family {family!r}")
        return self._fetch(self._crls[family])

    def delta_crls(self, family: str) -> tuple[bytes, ...]:
        """See `RevocationSource.delta_crls`."""
        return self._fetch(self._deltas.get(family, ()))

    def authority_crls(self, family: str) -> tuple[bytes, ...]:
        """See `RevocationSource.authority_crls`."""
        return self._fetch(self._authorities.get(family, ()))

    def ocsp(self, family: str, *, question: bytes) -> bytes | None:
        """See `RevocationSource.ocsp`."""
        silent: SourceUnavailable | None = None
        # In the operator's order; a second address is for when the first is silent, not for another
        # opinion.
        for url in self._responders.get(family, ()):
            try:
                headers = {"Content-Type": "application/ocsp-request"}
                return fetch(
                    url, source=SOURCE, limits=self._ocsp_limits, content=question, headers=headers
                )
            except SourceUnavailable as error:
                silent = error
        if silent is not None:
            raise silent
        return None

    def _fetch(self, urls: Sequence[str]) -> tuple[bytes, ...]:
        return tuple(fetch(url, source=SOURCE, limits=self._limits) for url in urls)


in_use: Callable[[str], RevocationSource] = partial(resolve, name=SOURCE, kind=RevocationSource)
"""The revocation source configured for this mode. Raises `Misconfigured`."""
