"""Revocation data of the authorities: responders' answers and lists, fetched unjudged.

Addresses come from the operator, never from a certificate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from verification.core.errors import Misconfigured, SourceUnavailable
from verification.outbound import Limits
from verification.sources.asking import Fetched, check_address, exchange
from verification.sources.installed import resolve

SOURCE: Final = "revocation"
CRL, DELTA_CRL, AUTHORITY_CRL, OCSP = KINDS = ("crl", "delta_crl", "authority_crl", "ocsp")
"""Complete lists; delta lists; lists for issuing authorities; a responder's answer."""

# Defaults of the adapter's options; an operator may set others.
_SECONDS: Final = 15.0  # for one list; ours: well below a worker's lease
_MAX_BYTES: Final = (
    64 * 1024 * 1024
)  # for one list; ours: a million revoked certificates at 53 bytes each, and room
_OCSP_SECONDS: Final = 4.0  # for one answer; ours: leaves time to fetch a list instead
_OCSP_MAX_BYTES: Final = (
    32 * 1024
)  # for one answer; ours: a real one has 1.3 KiB, with a chain of RSA 6

Urls = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class RevocationQuestion:
    """The required data of a family's authorities, `gost512` or `rsa`: one of `KINDS`.

    query: the encoded question to a responder (RFC 6960), for `ocsp` only.
    """

    family: str
    kind: str
    query: bytes = field(default=b"", repr=False)


class HttpRevocationSource:
    """Lists and answers by HTTP. Responders of a family are alternatives: the first answer
    counts.
    """

    source = SOURCE
    protocol = "rfc5280 rfc6960"

    def __init__(
        self,
        crl_urls: Urls | None = None,
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

        Raises: `Misconfigured`.
        """
        configured = {
            "crl_urls": crl_urls or {},
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
        self._urls = {
            kind: {family: tuple(urls) for family, urls in by_family.items()}
            for kind, by_family in zip(KINDS, configured.values(), strict=True)
        }
        self._limits = Limits(seconds=seconds, max_bytes=max_bytes)
        self._ocsp_limits = Limits(seconds=ocsp_seconds, max_bytes=ocsp_max_bytes)

    def fetch(self, question: RevocationQuestion) -> tuple[Fetched[bytes], ...]:
        """See the function of this name."""
        urls = self._urls[question.kind].get(question.family, ())
        if question.kind == OCSP:
            return self._of_responder(urls, question.query)
        if question.kind == CRL and not urls:
            raise Misconfigured(f"no CRL address is configured for family {question.family!r}")
        lists = [exchange(url, source=SOURCE, limits=self._limits) for url in urls]
        return tuple(Fetched(raw=raw, parsed=raw) for raw in lists)

    def _of_responder(self, urls: Sequence[str], query: bytes) -> tuple[Fetched[bytes], ...]:
        silent: SourceUnavailable | None = None
        # In the operator's order; a second address replaces a silent first one, and gives no second
        # opinion.
        for url in urls:
            try:
                raw = exchange(
                    url,
                    source=SOURCE,
                    limits=self._ocsp_limits,
                    content=query,
                    headers={"Content-Type": "application/ocsp-request"},
                )
            except SourceUnavailable as error:
                silent = error
                continue
            return (Fetched(raw=raw, parsed=raw),)
        if silent is not None:
            raise silent
        return ()


ADAPTER = HttpRevocationSource


def fetch(mode: str, question: RevocationQuestion) -> tuple[Fetched[bytes], ...]:
    """The unverified DER documents of the source in use, in configured order; possibly none.

    All configured lists must answer; of responders the first answer suffices.

    Raises: `SourceUnavailable` without an answer, `Misconfigured` without a complete list.
    """
    fetched: tuple[Fetched[bytes], ...] = resolve(mode, SOURCE).fetch(question)
    return fetched
