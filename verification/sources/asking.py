"""One question to a source, at the address that the operator configured: answered in time and
whole, or a fault.

The data of a question to a register or gateway stand in the body, never in the address. Its answer
must repeat the question's id and what it was about; an answer that cannot be read, or is to another
question, is a fault, not a finding about the person.
"""

import ipaddress
import json
import math
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final, Self
from urllib.parse import SplitResult, urlsplit

from verification import outbound
from verification.core.answers import TEXT_MAX_BYTES, Basis
from verification.core.errors import (
    BadInput,
    ConsentMissing,
    Misconfigured,
    SourceUnavailable,
    Unavailable,
)
from verification.core.strict_json import is_reference
from verification.outbound import Limits

SECONDS: Final = (
    6.0  # default for one question; ours: four in a row stay below a worker's lease of 30 s
)
PAYOUT_SECONDS: Final = 5.0
"""Default and most for one question before the money leaves. Ours: three in a row stay below a
step's 20 s.
"""

# No blank and no line break, by which a header ends.
_TOKEN = re.compile(r"[\x21-\x7e]{8,4096}")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_USER_AGENT: Final = "tulga"


def check_address(url: str) -> SplitResult:
    """A configured address, taken apart. Raises `Misconfigured` unless it is plain http(s) without
    credentials.
    """
    try:
        address = urlsplit(url)
        # urlsplit drops tabs and line breaks on its way (Python's bpo-43882): what it reads must be
        # what stands there. The port is looked at here, for urlsplit refuses one that is none only
        # when it is asked for it.
        is_readable = _VISIBLE.fullmatch(url) is not None and address.port != 0
    except ValueError as error:
        raise Misconfigured("a source's address cannot be read") from error
    if not is_readable or address.scheme not in ("http", "https") or not address.hostname:
        raise Misconfigured(
            "a source's address must start with http:// or https:// and name a host"
        )
    if "@" in address.netloc:
        raise Misconfigured("a source's address must not carry credentials")
    return address


def fetch(
    url: str,
    *,
    source: str,
    limits: Limits,
    content: bytes | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """The body of a GET, or of a POST of `content`, answered with 200; never empty, never decoded,
    never from where a redirect points. It is sent once.

    `url` comes from the operator's configuration, never from a certificate or a request. Every
    failure is `SourceUnavailable(source, …)`, whose text has neither path nor query. What the bytes
    are is for checks to judge.
    """
    check_address(url)
    request = outbound.Request(
        method="GET" if content is None else "POST",
        url=url,
        headers={"User-Agent": _USER_AGENT, **headers},
        body=content or b"",
        limits=limits,
        # the operator's own registers and proxies may stand in private networks
        is_public_only=False,
        wants_whole=True,
    )
    try:
        body = outbound.send(request).body
    except Unavailable as fault:
        raise SourceUnavailable(source, fault.detail) from None
    if not body:
        raise SourceUnavailable(source, "the answer is empty")
    return body


@dataclass(frozen=True, kw_only=True)
class Service:
    """Where a source is asked, with which credential, and how long and large an answer may be."""

    source: str
    url: str
    limits: Limits
    headers: Mapping[str, str] = field(repr=False)

    @classmethod
    def configured(
        cls,
        source: str,
        *,
        url: str,
        token_file: str | Path = "",
        seconds: float,
        most: float = math.inf,
        max_bytes: int,
    ) -> Self:
        """Built from an adapter's options. `token_file` holds one line, the bearer token, if the
        service wants one.

        Raises `Misconfigured` for a plain http address that is not on this machine, for the
        questions name people, and for more seconds than a question may take at `most`.
        """
        address, path = check_address(url), Path(token_file)
        try:
            is_here = ipaddress.ip_address(str(address.hostname)).is_loopback
        except ValueError:
            is_here = (
                address.hostname == "localhost"
            )  # RFC 6761 §6.3: the name shall lead to this machine alone
        if address.scheme != "https" and not is_here:
            raise Misconfigured(f"the address of {source} must be https: its questions name people")
        if not seconds > 0:
            raise Misconfigured(f"{source} needs a time above 0 s")
        if seconds > most:
            raise Misconfigured(f"{source} may take {most:g} s at most")
        headers = {}
        if str(token_file):
            try:
                # As ssh does with private keys: whoever reads the token asks in our name.
                if stat.S_IMODE(path.stat().st_mode) & 0o077:
                    raise Misconfigured(f"{path} can be read by others: chmod 600 {path}")
                token = path.read_text(encoding="ascii").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise Misconfigured(
                    f"the token file of {source}, {path}, cannot be read"
                ) from error
            if not _TOKEN.fullmatch(token):
                raise Misconfigured(
                    f"{path} must hold one line: a token of 8 to 4096 printable characters"
                )
            headers = {"Authorization": f"Bearer {token}"}
        return cls(
            source=source,
            url=url,
            limits=Limits(seconds=seconds, max_bytes=max_bytes),
            headers=headers,
        )

    def ask(
        self,
        question: Mapping[str, object],
        *,
        read: Callable[[bytes], object],
        repeated: tuple[str, ...],
    ) -> bytes:
        """The answer's original bytes, once `read` can read them and they repeat these fields of
        the question.

        A question with a known `request_id` may be asked again: the service answers as before and
        does nothing twice. Raises `SourceUnavailable`, `ConsentMissing` for a question under a
        consent whose id is none, and `BadInput` for a `request_id` that is none.
        """
        if "consent_id" in question and not is_reference(str(question["consent_id"])):
            raise ConsentMissing("no consent id was given, or it is none")
        # It is made of our own ids, never of personal data.
        if not is_reference(str(question["request_id"])):
            raise BadInput("a request id is 8 to 128 of A-Z a-z 0-9 _ . : -", pointer="/request_id")
        content = json.dumps(question).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json", **self.headers}
        raw = fetch(
            self.url, source=self.source, limits=self.limits, content=content, headers=headers
        )
        try:
            answer = read(raw)
        except BadInput as unreadable:
            where = f" at {unreadable.pointer}" if unreadable.pointer else ""
            raise SourceUnavailable(
                self.source, f"the answer cannot be read{where}: {unreadable.detail}"
            ) from None
        # An answer that was mixed up, or kept by somebody between, is a fault: what it says is
        # about another question.
        for name in repeated:
            answered = getattr(answer, name)
            # Numbers of people and phones by their digits, everything else as it is.
            if getattr(answered, "value", answered) != question[name]:
                raise SourceUnavailable(
                    self.source, f"the answer is to another question: {name} differs"
                )
        return raw


class BeforePayment:
    """An adapter that is asked before the money leaves: in time for two others, and under the
    borrower's own yes.

    Whoever is one names its `source`, and asks by `_ask`.
    """

    source: ClassVar[str]

    def __init__(
        self,
        url: str,
        *,
        token_file: str | Path = "",
        seconds: float = PAYOUT_SECONDS,
        max_bytes: int = TEXT_MAX_BYTES,
    ) -> None:
        """The operator's address and token; `seconds` (at most `PAYOUT_SECONDS`) and `max_bytes`
        bound one answer.

        Raises `Misconfigured`.
        """
        self._service = Service.configured(
            self.source,
            url=url,
            token_file=token_file,
            seconds=seconds,
            most=PAYOUT_SECONDS,
            max_bytes=max_bytes,
        )

    def _ask(
        self,
        about: Mapping[str, str],
        *,
        read: Callable[[bytes], object],
        lender_bin: str,
        basis: Basis,
        request_id: str,
        **more: object,
    ) -> bytes:
        """The answer's original bytes. It must repeat what the question is `about`; what it says
        `more` it need not.
        """
        named = {"request_id": request_id, **about}
        question = {**named, **more, "lender_bin": lender_bin, "consent": asdict(basis)}
        raw = self._service.ask(question, read=read, repeated=tuple(named))
        return check_granted(raw, source=self.source, read=read)


def check_granted(raw: bytes, *, source: str, read: Callable[[bytes], object]) -> bytes:
    """The same answer. Raises `SourceUnavailable` where a register refuses a consent that holds.

    Two sources disagree then, or one is behind the other: that says nothing about the person.
    """
    if getattr(read(raw), "status", "") == "consent_refused":
        raise SourceUnavailable(source, "the register refuses a consent that holds")
    return raw
