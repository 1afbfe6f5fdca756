"""One question to a source, at the address that the operator configured: answered in time and
whole, or a fault.

1. `Source` is a source as stages ask it: `fetch` gives the answer of whichever adapter is in use,
   checked; `as_evidence` gives it as evidence.
2. An adapter (`Adapter`) asks one source by one protocol. Its `Fetched` has the bytes as they came
   and what they say as a value of ours.
3. `HttpAdapter` asks by our own documented protocol; `Service` sends for it and for others.

The data of a question to a register or gateway stand in the body, never in the address. Its answer
must repeat the question's id and what it was about. An answer that cannot be read, or is to another
question, is a fault, not a finding about the person.
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
"""Default and most for one question before the money leaves. Ours: three in a row stay below a
step's 20 s.
"""

# No blank and no line break, by which a header ends.
_TOKEN = re.compile(r"[\x21-\x7e]{8,4096}")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_USER_AGENT: Final = "tulga"
Question = TypeVar("Question")
Parsed = TypeVar("Parsed")
Asked = TypeVar("Asked", contravariant=True)
# Under this second word of a kind stands an answer as it came, where that is not our own spelling.
_AS_IT_CAME: Final = "_raw"


@dataclass(frozen=True, kw_only=True)
class Fetched(Generic[Parsed]):
    """What a source answered. `raw`: the bytes as they came, which are evidence. `parsed`: what
    they say, as a value of ours.
    """

    raw: bytes = field(repr=False)
    parsed: Parsed


class Adapter(Protocol[Asked, Parsed]):
    """Asks one source by one protocol. `source`: the name of the source that it asks."""

    @property
    def source(self) -> str:
        """The name of the source, as in `TULGA_SOURCES`."""
        ...

    def fetch(self, question: Asked, /) -> Fetched[Parsed]:
        """The answer to one question. Raises `SourceUnavailable` if none came that can be read."""
        ...


@dataclass(frozen=True, kw_only=True)
class Source(Generic[Question, Parsed]):
    """A source as stages ask it, whichever adapter answers.

    answer: the type of its answers. read, spell: our own spelling of one, both ways.
    repeated: what an answer must repeat of its question, by field.
    """

    name: str
    answer: type[Parsed]
    read: Callable[[bytes], Parsed]
    spell: Callable[[Parsed], bytes]
    repeated: tuple[str, ...]

    def fetch(self, mode: str, question: Question) -> Fetched[Parsed]:
        """The answer of the adapter configured for this mode, checked. Raises `Misconfigured`, and
        what `ask` raises.
        """
        return self.ask(resolve(mode, self.name), question)

    def ask(self, adapter: Adapter[Question, Parsed], question: Question) -> Fetched[Parsed]:
        """The answer of this adapter, once it is one to this very question.

        A question with a known `request_id` may be asked again: the service answers as before and
        does nothing twice. Raises `SourceUnavailable`, `ConsentMissing` for a question under a
        consent whose id is none, and `BadInput` for a `request_id` that is none.
        """
        stated = vars(question)
        if "consent_id" in stated and not is_reference(str(stated["consent_id"])):
            raise ConsentMissing("no consent id was given, or it is none")
        # It is made of our own ids, never of personal data.
        if not is_reference(str(stated["request_id"])):
            raise BadInput("a request id is 8 to 128 of A-Z a-z 0-9 _ . : -", pointer="/request_id")
        try:
            fetched = adapter.fetch(question)
        except SourceUnavailable as fault:
            logger.warning("%s", fault.detail)  # what the operator can mend, such as a wrong key
            raise
        if not isinstance(fetched.parsed, self.answer) or not fetched.raw:
            raise SourceUnavailable(self.name, "the adapter gave no answer of this source")
        # An answer that was mixed up, or kept by somebody between, is a fault: what it says is
        # about another question.
        for name in self.repeated:
            if getattr(fetched.parsed, name) != stated[name]:
                raise SourceUnavailable(
                    self.name, f"the answer is to another question: {name} differs"
                )
        # Two sources disagree then, or one is behind the other: that says nothing about the person.
        if getattr(fetched.parsed, "status", "") == "consent_refused":
            raise SourceUnavailable(self.name, "the register refuses a consent that holds")
        return fetched

    def as_evidence(self, kind: str, fetched: Fetched[Parsed]) -> dict[str, bytes]:
        """An answer as evidence that `read` can read again, and beside it the bytes as they came
        where those are in another spelling.

        Raises `SourceUnavailable` for a value that our spelling cannot say.
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
    """A document in DER as evidence, and beside it the bytes as they came where they differ."""
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
    """One of our values as JSON of docs/sandbox.md: its fields, except some, and more."""
    stated = {name: value for name, value in vars(answer).items() if name not in without}
    return json.dumps({**stated, **fields}, default=_json_value, ensure_ascii=False).encode()


def _json_value(value: object) -> object:
    if isinstance(value, Iin | Phone):
        return value.value
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    return vars(value)


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


def exchange(
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


def read_token(token_file: str | Path, *, source: str) -> str:
    """The one line of a token file. Raises `Misconfigured`, which never repeats it, and
    `TokenUnreadable` for a file that this process may not read.
    """
    path = Path(token_file)
    try:
        # As ssh does with private keys: a process that reads the token can ask in our name.
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
        address = check_address(url)
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
        """The answer to a question in JSON. Raises `SourceUnavailable`, also where `read` cannot
        read it.
        """
        raw = self._post(json.dumps(question, default=_json_value).encode(), "application/json")
        return Fetched(raw=raw, parsed=self.parse(raw, read))

    def post_form(self, fields: Mapping[str, str]) -> bytes:
        """The raw answer to a form, as gateways of the market take it. Raises
        `SourceUnavailable`.
        """
        return self._post(urlencode(fields).encode(), "application/x-www-form-urlencoded")

    def parse(self, raw: bytes, read: Callable[[bytes], Parsed]) -> Parsed:
        """What an answer says. Raises `SourceUnavailable` where it cannot be read."""
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
    """Asks by the protocol of docs/sandbox.md: one POST of the question's fields as JSON."""

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
        """The operator's address and token; `seconds`, of which there are at most `most`, and
        `max_bytes` bound one answer.

        Raises `Misconfigured`.
        """
        self.source, self._read = source, read
        self._service = Service.configured(
            source, url=url, token_file=token_file, seconds=seconds, most=most, max_bytes=max_bytes
        )

    def fetch(self, question: Question) -> Fetched[Parsed]:
        """See `Adapter.fetch`. The basis of a question is the borrower's own consent to it."""
        stated: dict[str, Any] = dict(vars(question))
        if isinstance(basis := stated.pop("basis", None), Basis):
            stated["consent"] = asdict(basis)
        return self._service.ask(stated, read=self._read)
