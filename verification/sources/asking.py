"""One question to a register or gateway: JSON over POST, answered in time and readably, or a fault.

The question's data stand in the body, never in the address. The answer must repeat the question's id and what it was
about; an answer that cannot be read, or is to another question, is a fault, not a finding about the person.
"""

import ipaddress
import json
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from verification.core.errors import BadInput, ConsentMissing, Misconfigured, SourceUnavailable
from verification.core.strict_json import is_reference
from verification.sources.fetching import Limits, check_address, post_json

SECONDS: Final = 6.0  # default for one question; ours: four in a row stay below a worker's lease of 30 s

_TOKEN = re.compile(r"[\x21-\x7e]{8,4096}")


@dataclass(frozen=True, kw_only=True)
class Service:
    """Where a source is asked, with which credential, and how long and large an answer may be."""

    source: str
    url: str
    limits: Limits
    headers: Mapping[str, str] = field(repr=False)

    @classmethod
    def configured(cls, source: str, *, url: str, token_file: str | Path = "", seconds: float, max_bytes: int) -> Self:
        """Built from an adapter's options. `token_file` holds one line, the bearer token, if the service wants one.

        Raises `Misconfigured` for a plain http address that is not on this machine: the questions name people.
        """
        address = check_address(url)
        if address.scheme != "https" and not _is_loopback(str(address.host)):
            raise Misconfigured(f"the address of {source} must be https: its questions name people")
        if not seconds > 0:
            raise Misconfigured(f"{source} needs a time above 0 s")
        headers = {"Authorization": f"Bearer {_token(source, Path(token_file))}"} if str(token_file) else {}
        return cls(source=source, url=url, limits=Limits(seconds=seconds, max_bytes=max_bytes), headers=headers)

    def ask(
        self, question: Mapping[str, object], *, read: Callable[[bytes], object], repeated: tuple[str, ...]
    ) -> bytes:
        """The answer's original bytes, once `read` can read them and they repeat these fields of the question.

        A question with a known `request_id` may be asked again: the service answers as before and does nothing twice.
        Raises `SourceUnavailable`, and `BadInput` for a `request_id` that is none.
        """
        check_request_id(str(question["request_id"]))
        content = json.dumps(question).encode()
        raw = post_json(self.url, content, source=self.source, limits=self.limits, headers=self.headers)
        try:
            answer = read(raw)
        except BadInput as unreadable:
            where = f" at {unreadable.pointer}" if unreadable.pointer else ""
            raise SourceUnavailable(self.source, f"the answer cannot be read{where}: {unreadable.detail}") from None
        for name in repeated:
            if _spelled(getattr(answer, name)) != question[name]:
                raise SourceUnavailable(self.source, f"the answer is to another question: {name} differs")
        return raw


def check_request_id(request_id: str) -> str:
    """The same id. Raises `BadInput` unless it has the form of one; it is made of our ids, never of personal data."""
    if not is_reference(request_id):
        raise BadInput("a request id is 8 to 128 of A-Z a-z 0-9 _ . : -", pointer="/request_id")
    return request_id


def check_consent_id(consent_id: str) -> str:
    """The same id. Raises `ConsentMissing` for an empty one and for anything that cannot be one."""
    if not isinstance(consent_id, str) or not is_reference(consent_id):
        raise ConsentMissing("no consent id was given, or it is none")
    return consent_id


def check_granted(raw: bytes, *, source: str, read: Callable[[bytes], object]) -> bytes:
    """The same answer. Raises `SourceUnavailable` where a register refuses a consent that holds.

    Two sources disagree then, or one is behind the other: that says nothing about the person.
    """
    if getattr(read(raw), "status", "") == "consent_refused":
        raise SourceUnavailable(source, "the register refuses a consent that holds")
    return raw


def _spelled(value: object) -> object:
    """Numbers of people and phones by their digits, everything else as it is."""
    return getattr(value, "value", value)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _token(source: str, path: Path) -> str:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise Misconfigured(f"{path} can be read by others: chmod 600 {path}")
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"the token file of {source}, {path}, cannot be read") from error
    if not _TOKEN.fullmatch(text):
        raise Misconfigured(f"{path} must hold one line: a token of 8 to 4096 printable characters")
    return text
