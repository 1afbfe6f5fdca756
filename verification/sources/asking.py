"""One question to a source at the operator's address: a timely and complete answer, or a fault.

1. `Source` is a source for stages: `fetch` returns the checked answer of the adapter in use;
   `as_evidence` returns it as evidence.
2. An adapter (`Adapter`) asks one source by one protocol. Its `Fetched` has the original bytes and
   their content as a value of ours.
3. `HttpAdapter` uses our own documented protocol; `Service` sends for it and for others.

The data of a question to a register or gateway are in the body, never in the address.
The answer must repeat the question's id and subject.
An unreadable or mismatched answer is a fault, not a finding about the person.
"""

import ipaddress
import json
import logging
import math
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Generic, Protocol, Self, TypeVar
from urllib.parse import SplitResult, urlencode, urlsplit

from verification import outbound
from verification.core.answers import TEXT_MAX_BYTES, Basis
from verification.core.errors import (
    BadInput,
    ConsentMissing,
    Misconfigured,
    SourceUnavailable,
    TokenUnreadable,
    Unavailable,
)
from verification.core.ids import Iin, Phone
from verification.core.strict_json import is_reference
from verification.outbound import Limits
from verification.sources.installed import resolve

logger = logging.getLogger(__name__)

SECONDS: Final = (
    6.0  # default for one question; ours: four in a row stay below a worker's lease of 30 s
)
PAYOUT_SECONDS: Final = 5.0
"""Default and maximum for one question before payout. Ours: three in a row stay below a step's
20 s.
"""

# No blank and no line break, which would end a header.
_TOKEN = re.compile(r"[\x21-\x7e]{8,4096}")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_USER_AGENT: Final = "tulga"
PROTOCOL: Final = "tulga v1"
"""The protocol of docs/operator/sources.md. A change that old services do not know raises it."""
Question = TypeVar("Question")
Parsed = TypeVar("Parsed")
Asked = TypeVar("Asked", contravariant=True)
# The second word of a kind for an original answer that is not in our own form.
_AS_IT_CAME: Final = "_raw"


@dataclass(frozen=True, kw_only=True)
class Fetched(Generic[Parsed]):
    """A source's answer. `raw`: the original bytes, as evidence. `parsed`: their content as a
    value of ours.
    """

    raw: bytes = field(repr=False)
    parsed: Parsed


class Adapter(Protocol[Asked, Parsed]):
    """Asks one source by one protocol. `source`: the source's name.

    It may name its protocol and version as `protocol`; the log then states them.
    """

    @property
    def source(self) -> str:
        """The name of the source, as in `TULGA_SOURCES`."""
        ...

    def fetch(self, question: Asked, /) -> Fetched[Parsed]:
        """The answer to one question.

        Raises: `SourceUnavailable` without a readable answer.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Source(Generic[Question, Parsed]):
    """A source for stages, whichever adapter answers.

    answer: the type of its answers.
    read, spell: our own form of an answer, both ways.
    repeated: the fields of the question that an answer must repeat.
    """

    name: str
    answer: type[Parsed]
    read: Callable[[bytes], Parsed]
    spell: Callable[[Parsed], bytes]
    repeated: tuple[str, ...]

    def fetch(self, mode: str, question: Question) -> Fetched[Parsed]:
        """The checked answer of the adapter configured for this mode.

        Raises: `Misconfigured`, and as `ask`.
        """
        return self.ask(resolve(mode, self.name), question)

    def ask(self, adapter: Adapter[Question, Parsed], question: Question) -> Fetched[Parsed]:
        """This adapter's answer, verified to match the question.

        A question with a known `request_id` may be repeated: the service gives the same answer and
        acts once.

        Raises: `SourceUnavailable`, `ConsentMissing` for a malformed consent id, and `BadInput` for
        a malformed `request_id`.
        """
        stated = vars(question)
        if "consent_id" in stated and not is_reference(str(stated["consent_id"])):
            raise ConsentMissing("the consent id is missing or malformed")
        # It is made of our own ids, never of personal data.
        if not is_reference(str(stated["request_id"])):
            raise BadInput("a request id is 8 to 128 of A-Z a-z 0-9 _ . : -", pointer="/request_id")
        try:
            fetched = adapter.fetch(question)
        except SourceUnavailable as fault:
            logger.warning("%s", fault.detail)  # for the operator to correct, such as a wrong key
            raise
        if not isinstance(fetched.parsed, self.answer) or not fetched.raw:
            raise SourceUnavailable(self.name, "the adapter gave no answer of this source")
        # A mixed-up or cached answer is a fault: it belongs to another question.
        for name in self.repeated:
            if getattr(fetched.parsed, name) != stated[name]:
                raise SourceUnavailable(
                    self.name, f"the answer is to another question: {name} differs"
                )
        # Two sources disagree, or one lags behind the other: that says nothing about the person.
        if getattr(fetched.parsed, "status", "") == "consent_refused":
            raise SourceUnavailable(self.name, "the register refuses a valid consent")
        return fetched

    def as_evidence(self, kind: str, fetched: Fetched[Parsed]) -> dict[str, bytes]:
        """An answer as evidence that `read` can read, and the original bytes if they have another
        form.

        Raises: `SourceUnavailable` for a value outside our form.
        """
        if self._reads(fetched.raw) == fetched.parsed:
            return {kind: fetched.raw}
        content = self.spell(fetched.parsed)
        if self._reads(content) != fetched.parsed:
            raise SourceUnavailable(self.name, "the adapter's answer is not within our protocol")
        return {kind: content, _as_it_came(kind): fetched.raw}

    def _reads(self, raw: bytes) -> Parsed | None:
        try:
            return self.read(raw)
        except BadInput:
            return None


def as_documents(kind: str, fetched: Fetched[bytes]) -> dict[str, bytes]:
    """A document in DER as evidence, and the original bytes if they differ."""
    if fetched.raw == fetched.parsed:
        return {kind: fetched.raw}
    return {kind: fetched.parsed, _as_it_came(kind): fetched.raw}


def as_numbered(kind: str, fetched: Sequence[Fetched[bytes]]) -> dict[str, bytes]:
    """Documents as evidence, numbered from 0."""
    evidence: dict[str, bytes] = {}
    for number, document in enumerate(fetched):
        evidence |= as_documents(f"{kind}.{number}", document)
    return evidence


def _as_it_came(kind: str) -> str:
    stage, name, *number = kind.split(".")
    return ".".join((stage, name + _AS_IT_CAME, *number))


def spell(answer: object, *, without: tuple[str, ...] = (), **fields: object) -> bytes:
    """One of our values as JSON of docs/operator/sources.md.

    Its fields, with exceptions and additions.
    """
    stated = {name: value for name, value in vars(answer).items() if name not in without}
    return json.dumps({**stated, **fields}, default=_json_value, ensure_ascii=False).encode()


def _json_value(value: object) -> object:
    if isinstance(value, Iin | Phone):
        return value.value
    if isinstance(value, date):  # includes datetime
        return value.isoformat()
    return vars(value)


def check_address(url: str) -> SplitResult:
    """A configured address, parsed.

    Raises: `Misconfigured` unless it is plain http(s) without credentials.
    """
    try:
        address = urlsplit(url)
        # urlsplit drops tabs and line breaks (Python's bpo-43882): the parsed text must be the
        # given one. Read the port here, because urlsplit checks it only on access.
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


def exchange(
    url: str,
    *,
    source: str,
    limits: Limits,
    content: bytes | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """The body of a 200 answer to a GET, or to a POST of `content`; never empty, decoded or
    redirected. Sent once.

    `url` comes from the operator's configuration, never from a certificate or a request.
    Checks judge the bytes.

    Raises: `SourceUnavailable(source, …)`, whose text has neither path nor query.
    """
    check_address(url)
    request = outbound.Request(
        method="GET" if content is None else "POST",
        url=url,
        headers={"User-Agent": _USER_AGENT, **headers},
        body=content or b"",
        limits=limits,
        # the operator's own registers and proxies may be in private networks
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


def read_token(token_file: str | Path, *, source: str) -> str:
    """The one line of a token file.

    Raises: `Misconfigured`, which never repeats it.
    """
    path = Path(token_file)
    try:
        # As ssh does with private keys: a reader of the token can ask in our name.
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise Misconfigured(f"{path} can be read by others: chmod 600 {path}")
        token = path.read_text(encoding="ascii").strip()
    except PermissionError:
        raise TokenUnreadable(f"the token file of {source}, {path}, is another user's") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"the token file of {source}, {path}, cannot be read") from error
    if not _TOKEN.fullmatch(token):
        raise Misconfigured(f"{path} must hold one line: a token of 8 to 4096 printable characters")
    return token


@dataclass(frozen=True, kw_only=True)
class Service:
    """The address of a source, its credential, and the limits of an answer."""

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
        """A service from an adapter's options. `token_file` holds one line, the bearer token, if
        needed.

        Raises: `Misconfigured` for a plain http address beyond this machine, because the questions
        name people.
        Raises: `Misconfigured` for more seconds than `most`.
        """
        address = check_address(url)
        try:
            is_here = ipaddress.ip_address(str(address.hostname)).is_loopback
        except ValueError:
            is_here = (
                address.hostname == "localhost"
            )  # RFC 6761 §6.3: the name must lead to this machine only
        if address.scheme != "https" and not is_here:
            raise Misconfigured(f"the address of {source} must be https: its questions name people")
        if not seconds > 0:
            raise Misconfigured(f"{source} needs a time above 0 s")
        if seconds > most:
            raise Misconfigured(f"{source} may take {most:g} s at most")
        headers = {}
        if str(token_file):
            headers = {"Authorization": f"Bearer {read_token(token_file, source=source)}"}
        return cls(
            source=source,
            url=url,
            limits=Limits(seconds=seconds, max_bytes=max_bytes),
            headers=headers,
        )

    def ask(
        self, question: Mapping[str, object], *, read: Callable[[bytes], Parsed]
    ) -> Fetched[Parsed]:
        """The answer to a question in JSON.

        Raises: `SourceUnavailable`, also if `read` cannot read it.
        """
        raw = self._post(json.dumps(question, default=_json_value).encode(), "application/json")
        return Fetched(raw=raw, parsed=self.parse(raw, read))

    def post_form(self, fields: Mapping[str, str]) -> bytes:
        """The raw answer to a form, as commercial gateways take it.

        Raises: `SourceUnavailable`.
        """
        return self._post(urlencode(fields).encode(), "application/x-www-form-urlencoded")

    def parse(self, raw: bytes, read: Callable[[bytes], Parsed]) -> Parsed:
        """The content of an answer.

        Raises: `SourceUnavailable` if unreadable.
        """
        try:
            return read(raw)
        except BadInput as unreadable:
            where = f" at {unreadable.pointer}" if unreadable.pointer else ""
            raise SourceUnavailable(
                self.source, f"the answer cannot be read{where}: {unreadable.detail}"
            ) from None

    def _post(self, content: bytes, media_type: str) -> bytes:
        headers = {"Content-Type": media_type, "Accept": "application/json", **self.headers}
        return exchange(
            self.url, source=self.source, limits=self.limits, content=content, headers=headers
        )


class HttpAdapter(Generic[Question, Parsed]):
    """Asks by the protocol of docs/operator/sources.md: one POST of the fields as JSON."""

    protocol = PROTOCOL

    def __init__(
        self,
        url: str,
        *,
        source: str,
        read: Callable[[bytes], Parsed],
        token_file: str | Path = "",
        seconds: float = SECONDS,
        most: float = math.inf,
        max_bytes: int = TEXT_MAX_BYTES,
    ) -> None:
        """The operator's address and token; `seconds`, at most `most`, and `max_bytes` bound one
        answer.

        Raises: `Misconfigured`.
        """
        self.source, self._read = source, read
        self._service = Service.configured(
            source, url=url, token_file=token_file, seconds=seconds, most=most, max_bytes=max_bytes
        )

    def fetch(self, question: Question) -> Fetched[Parsed]:
        """See `Adapter.fetch`. The question's legal basis is the borrower's own agreement."""
        stated: dict[str, Any] = dict(vars(question))
        if isinstance(basis := stated.pop("basis", None), Basis):
            stated["consent"] = asdict(basis)
        return self._service.ask(stated, read=self._read)
