"""Passkeys at the door: a challenge waits in a session for one answer, and a person's key gives it.

What an answer must hold is in `verification/engines/passkeys.py`. The counter of a key is kept in
the person's row, whose lock the caller holds.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase

from verification import clock
from verification.core.errors import BadInput, Refused
from verification.core.strict_json import read_json
from verification.engines import passkeys
from verification.engines.passkeys import ANSWER_BYTES, Passkey

CHALLENGE_SECONDS: Final = 300
"""How long a challenge waits. Source: WebAuthn Level 2, §15.1, whose longest default it is."""
ANSWER_MAX: Final = 2 * ANSWER_BYTES
"""Maximum characters of a posted answer: its texts, their names and what browsers add to them."""
_WAITING: Final = "passkey_challenges"


def origin() -> str:
    """The origin of our pages, such as https://tulga.kz."""
    address = urlsplit(settings.TULGA_PUBLIC_URL)
    return f"{address.scheme}://{address.netloc}"


def is_possible() -> bool:
    """Whether a browser makes passkeys at our origin: by https under a name, or at localhost.

    Source: WebAuthn Level 2, §5.1.3: a relying party is a domain, never an IP address.
    """
    address = urlsplit(settings.TULGA_PUBLIC_URL)
    host = address.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return address.scheme == "https" or host == "localhost"
    return False


def ask(session: SessionBase, purpose: str, kept: Mapping[str, Any]) -> None:
    """Keeps what a challenge was made of until its answer. An earlier one of this purpose ends."""
    now = int(clock.now().timestamp())
    earlier = session.get(_WAITING, {})
    waiting = {name: item for name, item in earlier.items() if _waits(item, now=now)}
    session[_WAITING] = waiting | {purpose: {**kept, "at": now}}


def take(session: SessionBase, purpose: str) -> Mapping[str, Any]:
    """What was kept for this purpose, once.

    Raises: `Refused` (passkey_challenge) if nothing waits, or waited for too long.
    """
    waiting = dict(session.get(_WAITING, {}))
    item = waiting.pop(purpose, None)
    if item is not None:
        session[_WAITING] = waiting
    if item is None or not _waits(item, now=int(clock.now().timestamp())):
        raise Refused("passkey_challenge", "no challenge waits for this answer")
    return dict(item)


def read(untrusted: str) -> Any:
    """The answer of a browser as a page posts it.

    Raises: `Refused` (passkey_malformed).
    """
    try:
        return read_json(untrusted.encode(errors="replace"), max_bytes=ANSWER_MAX)
    except BadInput as error:
        raise Refused("passkey_malformed", "the answer is no JSON") from error


def request_options(challenge: bytes, known: tuple[str, ...] = ()) -> dict[str, Any]:
    """The options for a person to answer a challenge at our origin. known: ids of their keys."""
    return passkeys.request_options(origin=origin(), challenge=challenge, known=known)


def prove(
    person: Any, keys: Mapping[str, Passkey], untrusted: Any, *, challenge: bytes
) -> dict[str, str]:
    """The assertion of one of these keys over the challenge. Its counter is kept.

    person: their row, locked. untrusted: the answer as `read` gives it.

    Raises: `Refused` with a code of `verification/engines/passkeys.py`.
    """
    assertion = passkeys.assertion_of(untrusted)
    key = keys.get(assertion["id"])
    if key is None:
        raise Refused("passkey_unknown", "the key is not this person's")
    before = int(person.passkey_counters.get(key.id, 0))
    after = passkeys.verify(assertion, key, challenge=challenge, counter=before)
    if after != before:
        person.passkey_counters = {**person.passkey_counters, key.id: after}
        person.save(update_fields=["passkey_counters"])
    return assertion


def _waits(item: Mapping[str, Any], *, now: int) -> bool:
    return 0 <= now - int(item["at"]) < CHALLENGE_SECONDS
