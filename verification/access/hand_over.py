"""The hand-over to a phone: a code to scan, a question, a number to match, then the session.

1. `mint`: the borrower's page shows a code, which lives two minutes and is read once.
2. `read`: the scanning phone gets its own token, which opens the loan and the question.
3. `reply`: a yes (another person instructs the borrower) makes a worker decline the verification; a
   no draws the phone's number.
4. `match`: the page that made the code submits that number, in one try. The phone's token becomes
   the session.

A code ends with its time, its session, a newer code or a wrong number.
This stops those who pass on a picture of the code. It does not stop a victim who reads the number
to a caller.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from verification import clock, transactions
from verification.access import links
from verification.access.tokens import PHONES, Minted, entry_of, is_in_time, mint_code, read_code
from verification.access.ways_in import WaysIn
from verification.case import contents, moving, policy, steps
from verification.case.moving import read_unverified
from verification.core.codes import UNFINISHED, ending_of
from verification.core.errors import Conflict, LinkUnusable
from verification.core.status import TERMINAL, Status
from verification.core.stored import canonical_json
from verification.evidence import store, vault
from verification.models import Access, Verification

AGENTS = "hand_over.agents"
"""Evidence kind: the user agents of both browsers."""

# In this order: most user agents also contain Chrome, and Chrome's contains Safari.
_BROWSERS = {
    "YaBrowser": "Yandex",
    "SamsungBrowser": "Samsung",
    "OPR/": "Opera",
    "Edg": "Edge",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
# Likewise: Android's contains Linux, and an iPhone's contains Mac OS.
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "CrOS", "Mac OS", "Linux")


class Ended(StrEnum):
    """The outcome of a code; a newer code ends it as `tokens.SUPERSEDED`."""

    STOPPED = "stopped"
    REFUSED = "refused"
    DONE = "done"


@dataclass(frozen=True)
class Waiting:
    """What the phone shows, and its verification. `number`: empty until the question is answered.

    has_session: its token is the session.
    is_stopped: the borrower reported a caller, or the end reads the same. So the phone does not
    reveal who answered yes.
    """

    verification_id: str
    number: str
    has_session: bool
    is_stopped: bool


_CHANGING: Final = ("second_digest", "expires_at", "spent_at", "outcome", "number")
"""The columns of a code that another transaction may change."""


def mint(*, untrusted_session: str) -> Minted:
    """A fresh code for the QR of the open page; the previous one ends.

    Raises: `LinkUnusable` for an ended session.
    Raises: `Conflict` after too many codes, or for a renewed consent. No check identifies who gives
    that consent, so it stays in the browser that opened the lender's link.
    """
    at = clock.now()
    with transactions.writing():
        session = _session(untrusted_session)
        if session.verification.renews_id:
            raise Conflict("a renewed consent cannot be handed over", code="illegal_transition")
        expires_at = min(
            at + timedelta(seconds=policy.HAND_OVER_CODE_SECONDS), session.verification.expires_at
        )
        most = policy.HAND_OVERS_MAX
        minted = mint_code(PHONES, session, at=at, expires_at=expires_at, most=most)
        if minted is None:
            raise Conflict("too many codes for one verification", code="phone_codes_exhausted")
        return minted


def read(*, untrusted_code: str, untrusted_agent: str) -> str:
    """The phone's token for a code, once.

    Raises: `LinkUnusable` otherwise. The error reveals nothing, because a used code may be in any
    hands.
    """
    try:
        return _read(PHONES.digest(untrusted_code), untrusted_agent)
    except LinkUnusable:
        raise PHONES.refusal() from None


def _read(digest: bytes, untrusted_agent: str) -> str:
    at = clock.now()
    with transactions.writing():
        row = _usable(PHONES.lock(digest=digest), at=at)
        verification = row.verification
        expires_at = min(at + timedelta(seconds=policy.HAND_OVER_SECONDS), verification.expires_at)
        agent = _bounded(untrusted_agent).encode()
        sealed = contents.key_of(verification).seal(agent, **vault.place_of_agent(digest))
        token = read_code(PHONES, row, expires_at=expires_at, sealed=sealed.data)
        body = {
            "phone": bytes(row.second_digest or b"").hex(),
            "agent": sealed.commitment,
            "expires_at": expires_at.isoformat(),
        }
        moving.record(verification, "hand_over.read", at=at, body=entry_of(row) | body)
        return token


def waiting(*, untrusted_phone: str) -> Waiting:
    """The state for the phone's page; changes nothing.

    Raises: `LinkUnusable` once the code leads nowhere.
    """
    digest, at = PHONES.digest(untrusted_phone), clock.now()
    with transactions.looking_up(PHONES.look_up):
        rows = PHONES.rows.filter(second_digest=digest)
        row = rows.select_related("verification", "parent").first()
        if row is None:
            raise PHONES.refusal()
        transactions.see(lender=row.verification.lender_id)
    if not WaysIn.of_codes(row.verification).has_code(row):
        raise PHONES.refusal()
    has_session = row.outcome == Ended.DONE
    verification = row.verification
    # An end with the neutral words reads as stopped, because a reported caller gets the same words.
    is_refused = verification.status in (Status.DECLINED, Status.FAILED)
    reason = ending_of(verification.code, verification.last_failure)
    is_stopped = row.outcome == Ended.STOPPED or (
        not has_session and is_refused and reason is UNFINISHED
    )
    is_over = (
        verification.status in TERMINAL
        or not is_in_time(row, at=at)
        or row.parent is None
        or row.parent.spent_at is not None
    )
    is_ended = not has_session and not is_stopped and (row.outcome or is_over)
    if contents.is_over(verification) or is_ended:
        raise PHONES.refusal(verification)
    return Waiting(row.verification_id, row.number, has_session, is_stopped)


def reply(*, untrusted_phone: str, is_told: bool) -> None:
    """Records the answer to "is somebody telling you what to press?".

    A no counts once, and in time. A yes counts while the verification is open, even after the
    code's end: a person at the first screen could end the code at any moment.

    Raises: `LinkUnusable` if the answer changes nothing.
    """
    digest, at = PHONES.digest(untrusted_phone), clock.now()
    with transactions.writing():
        row = PHONES.lock(second_digest=digest)
        verification = row.verification
        if not is_told:
            _usable(row, at=at)
            if row.number:
                raise PHONES.refusal(verification)
            # The key is outside the database, so a writer of rows cannot choose the number.
            PHONES.use(row, number=vault.numbers_of(digest)[0])
            return
        # The code may have ended during the wait for the lock: a yes counts anyway.
        row.refresh_from_db(fields=_CHANGING)
        is_settled = row.outcome in (Ended.STOPPED, Ended.DONE) or verification.status in TERMINAL
        if not WaysIn.of_codes(verification).has_code(row):
            raise PHONES.refusal()
        if is_settled:
            raise PHONES.refusal(verification)
        PHONES.use(row, outcome=Ended.STOPPED)
        key = contents.key_of(verification)
        with moving.moving(read_unverified(verification)):
            body = _agents(verification, key, at=at, phone=row)
            moving.record(verification, "hand_over.stopped", at=at, body=body)
            steps.schedule(verification, steps.STOP, due_at=at, queue=policy.ENDING_QUEUE)


def match(*, untrusted_session: str, untrusted_number: str, untrusted_agent: str) -> bool:
    """Hands over the session if this is the phone's number; False ends the code, because there is
    one try.

    Raises: `LinkUnusable` for an ended session, or while no phone shows a number.
    """
    at = clock.now()
    with transactions.writing():
        session = _session(untrusted_session)
        numbered = PHONES.rows.filter(parent=session, outcome="", expires_at__gt=at)
        row = numbered.exclude(number="").select_related("parent").first()
        if row is None:
            raise PHONES.refusal(session.verification)
        verification = row.verification = session.verification
        _usable(row, at=at)
        digest = bytes(row.second_digest or b"")
        # The row only says that a number is shown; which one, a writer of rows cannot choose.
        typed = _bounded(untrusted_number).strip().encode()
        if not any(
            hmac.compare_digest(typed, shown.encode()) for shown in vault.numbers_of(digest)
        ):
            PHONES.use(row, outcome=Ended.REFUSED)
            moving.record(verification, "hand_over.refused", at=at, body=entry_of(row))
            return False
        PHONES.use(row, outcome=Ended.DONE)
        links.begin_session(verification, digest=digest, at=at)
        # A link from the first screen would readmit that screen.
        links.end_unspent(verification, at=at)
        key = contents.key_of(verification)
        with moving.moving(read_unverified(verification)):
            body = _agents(verification, key, at=at, phone=row, desk=untrusted_agent)
            body["session"] = digest.hex()
            moving.record(verification, "verification.handed_over", at=at, body=body)
        return True


def _session(untrusted_session: str) -> Access:
    """The session with its verification locked.

    Raises: `LinkUnusable` if either has ended.
    """
    session = links.lock_session(untrusted_session=untrusted_session)
    verification = session.verification
    is_over = verification.status in TERMINAL or verification.step == steps.STOP
    if is_over or verification.status == Status.IN_REVIEW:
        raise LinkUnusable("this verification has ended")
    return session


def _usable(row: Access, *, at: datetime) -> Access:
    """The row, if in time and not ended.

    Raises: `LinkUnusable`.
    """
    verification = row.verification
    is_asked = verification.status not in TERMINAL and verification.status != Status.IN_REVIEW
    if not is_asked or not WaysIn.of_codes(verification).is_open(row, at=at):
        raise PHONES.refusal(verification)
    return row


def _agents(
    verification: Verification, key: vault.Key, *, at: datetime, phone: Access, desk: str = ""
) -> dict[str, Any]:
    """The log's description of both browsers in words of ours; their user agents are sealed
    evidence.
    """
    place = vault.place_of_agent(bytes(phone.digest))
    agent = key.unseal(bytes(phone.sealed or b""), **place).plain.decode()
    agents = {"from": _bounded(desk), "to": agent}
    item = store.put(key, canonical_json({**agents, "at": at.isoformat()}), kind=AGENTS, at=at)
    names = dict[str, str]()
    for name, agent in agents.items():
        browser = next((word for token, word in _BROWSERS.items() if token in agent), "other")
        names[name] = f"{browser}, {next((word for word in _SYSTEMS if word in agent), 'other')}"
    return {**entry_of(phone), **names, "evidence": store.leaf_list([item])}


def _bounded(untrusted_text: str) -> str:
    # A lone surrogate passes through a header and has no bytes.
    return untrusted_text[: policy.AGENT_MAX_CHARACTERS].encode("utf-8", "replace").decode()
