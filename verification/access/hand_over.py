"""The hand-over to a phone: a code to scan, the question, a number that both screens must share,
then the session.

1. `mint`: the borrower's page shows a code, which lives two minutes and is read once.
2. `read`: the phone that scanned it gets a token of its own. It opens the loan and the question,
  and nothing else.
3. `reply`: told by somebody what to press, and a worker declines the verification; a no draws the
  phone's number.
4. `match`: the page that made the code says that number, in one try. The phone's token becomes the
session. A code dies with its time, with the session that made it, with a newer one, and with a
wrong number. All this stops whoever passes on a picture of the code; it does not stop a victim who
reads the number out to a caller.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import QuerySet

from verification import clock, transactions
from verification.access import links
from verification.access.links import TOKEN_BYTES, Minted
from verification.access.ways_in import WaysIn
from verification.case import contents, moving, policy, steps
from verification.case.moving import read_unverified
from verification.core.errors import Conflict, LinkUnusable
from verification.core.reasons import UNFINISHED, ending_of
from verification.core.status import TERMINAL, Status
from verification.core.stored import canonical_json
from verification.evidence import store, vault
from verification.models import BorrowerSession, HandOver, Verification

AGENTS = "hand_over.agents"
"""The kind of the evidence that says which browsers they were, in their own words."""
UNUSABLE = "phone_code_unusable"

# In this order, for most also say that they are Chrome, and Chrome that it is Safari.
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
# Likewise: Android says that it is Linux, and an iPhone that it is like Mac OS.
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "CrOS", "Mac OS", "Linux")


class Ended(StrEnum):
    """What became of a code."""

    SUPERSEDED = "superseded"
    STOPPED = "stopped"
    REFUSED = "refused"
    DONE = "done"


@dataclass(frozen=True)
class Waiting:
    """What the phone shows, and of which verification. `number`: empty until the question is
    answered.

    has_session: its token is the session. is_stopped: somebody tells the borrower what to press, or
        it ended in what
    reads the same: a phone that shows the end must not tell by that alone who answered yes.
    """

    verification_id: str
    number: str
    has_session: bool
    is_stopped: bool


def mint(*, untrusted_session: str) -> Minted:
    """A fresh code for the QR of the page that is open; the one before ends.

    Raises `LinkUnusable` for a session that has ended, and `Conflict` after too many codes, or for
    a new consent to
    receive the money: nobody looks at who gives it, so it stays with the browser that opened the
        lender's link.
    """
    at = clock.now()
    with transactions.writing():
        session = _session(untrusted_session)
        if session.verification.renews_id:
            raise Conflict("a new consent is not handed over", code="illegal_transition")
        earlier = HandOver.objects.filter(verification=session.verification)
        if earlier.count() >= policy.HAND_OVERS_MAX:
            raise Conflict("too many codes for one verification", code="phone_codes_exhausted")
        earlier.filter(outcome="").update(outcome=Ended.SUPERSEDED)
        expires_at = min(
            at + timedelta(seconds=policy.HAND_OVER_CODE_SECONDS), session.verification.expires_at
        )
        minted = Minted(secrets.token_urlsafe(TOKEN_BYTES), expires_at)
        row = HandOver(verification=session.verification, session=session, expires_at=expires_at)
        row.code_sha256 = _digest(minted.token)
        row.save()
        body = {"session": bytes(session.token_sha256).hex(), "expires_at": expires_at.isoformat()}
        moving.record(session.verification, "hand_over.minted", at=at, body=_named(row) | body)
        return minted


def read(*, untrusted_code: str, untrusted_agent: str) -> str:
    """The phone's own token for a code, once. Raises `LinkUnusable` for everybody else alike."""
    at = clock.now()
    with transactions.writing():
        row = _usable(
            HandOver.objects.filter(code_sha256=_digest(untrusted_code), phone_sha256=None), at=at
        )
        token = secrets.token_urlsafe(TOKEN_BYTES)
        agent = _bounded(untrusted_agent)
        place = vault.place_of_agent(row.pk)
        sealed = contents.key_of(row.verification).seal(agent.encode(), **place)
        row.phone_sha256, row.sealed_agent = _digest(token), sealed.data
        row.expires_at = min(
            at + timedelta(seconds=policy.HAND_OVER_SECONDS), row.verification.expires_at
        )
        row.save(update_fields=("phone_sha256", "sealed_agent", "expires_at"))
        body = {
            "phone": row.phone_sha256.hex(),
            "agent": sealed.commitment,
            "expires_at": row.expires_at.isoformat(),
        }
        moving.record(row.verification, "hand_over.read", at=at, body=_named(row) | body)
        return token


def waiting(*, untrusted_phone: str) -> Waiting:
    """How it stands, for the phone's page; changes nothing. Raises `LinkUnusable` once nothing can
    come of it.
    """
    at = clock.now()
    with transactions.looking_up("hand_over"):
        found = HandOver.objects.filter(phone_sha256=_digest(untrusted_phone))
        row = found.select_related("verification", "session").first()
        if row is None:
            raise _unusable()
        transactions.see(lender=row.verification.lender_id)
    if not WaysIn.of_codes(row.verification).has_code(row):
        raise _unusable()
    has_session = row.outcome == Ended.DONE
    of = row.verification
    # An end in the words that tell nothing reads as stopped: they are those of a borrower who
    # reported a caller, too.
    is_refused = of.status in (Status.DECLINED, Status.FAILED)
    is_untold = not has_session and is_refused and ending_of(of.code, of.last_failure) is UNFINISHED
    is_stopped = row.outcome == Ended.STOPPED or is_untold
    is_over = of.status in TERMINAL or row.expires_at <= at or row.session.ended_at is not None
    if contents.is_over(of) or (not has_session and not is_stopped and (row.outcome or is_over)):
        raise _unusable(of)
    return Waiting(row.verification_id, row.number, has_session, is_stopped)


def reply(*, untrusted_phone: str, is_told: bool) -> None:
    """The answer to "is somebody telling you what to press?". Raises `LinkUnusable` where it can
    change nothing.

    A no counts once, and in time. A yes counts as long as the verification is open, whatever became
    of the code, which the one behind the first screen could end at any moment.
    """
    at = clock.now()
    mine = HandOver.objects.filter(phone_sha256=_digest(untrusted_phone))
    with transactions.writing():
        if not is_told:
            row = _usable(mine.filter(number=""), at=at)
            # By a key that no database has: nobody who writes rows has the phone show the number
            # they were told.
            row.number = vault.numbers_of(bytes(row.phone_sha256 or b""))[0]
            row.save(update_fields=("number",))
            return
        row = _locked(mine.exclude(outcome__in=(Ended.STOPPED, Ended.DONE)))
        if not WaysIn.of_codes(row.verification).has_code(row):
            raise _unusable()
        row.outcome = Ended.STOPPED
        row.save(update_fields=("outcome",))
        verification, key = row.verification, contents.key_of(row.verification)
        with moving.moving(read_unverified(verification)):
            body = _agents(verification, key, at=at, phone=row)
            moving.record(verification, "hand_over.stopped", at=at, body=body)
            steps.schedule(verification, steps.STOP, due_at=at, queue=policy.ENDING_QUEUE)


def match(*, untrusted_session: str, untrusted_number: str, untrusted_agent: str) -> bool:
    """Hands the session over if this is the number of the phone; False ends the code, for there is
    one try.

    Raises `LinkUnusable` for a session that has ended, and where no phone shows a number.
    """
    at = clock.now()
    with transactions.writing():
        session = _session(untrusted_session)
        row = _usable(HandOver.objects.filter(session=session).exclude(number=""), at=at)
        verification = row.verification
        if not hmac.compare_digest(
            _bounded(untrusted_number).strip().encode(), row.number.encode()
        ):
            row.outcome = Ended.REFUSED
            row.save(update_fields=("outcome",))
            moving.record(verification, "hand_over.refused", at=at, body=_named(row))
            return False
        row.outcome = Ended.DONE
        row.save(update_fields=("outcome",))
        links.begin_session(verification, token_sha256=bytes(row.phone_sha256 or b""), at=at)
        links.end_unspent(
            verification, at=at
        )  # one minted on the first screen would let that in again
        key = contents.key_of(verification)
        with moving.moving(read_unverified(verification)):
            body = _agents(verification, key, at=at, phone=row, desk=untrusted_agent)
            body["session"] = bytes(row.phone_sha256 or b"").hex()
            moving.record(verification, "verification.handed_over", at=at, body=body)
        return True


def _session(untrusted_session: str) -> BorrowerSession:
    """The session with its verification locked; raises `LinkUnusable` if either has ended."""
    verification = links.lock_session(untrusted_session=untrusted_session)
    is_over = verification.status in TERMINAL or verification.step == steps.STOP
    if is_over or verification.status == Status.IN_REVIEW:
        raise LinkUnusable("this verification has ended")
    session = BorrowerSession.objects.get(verification=verification, ended_at=None)
    session.verification = verification
    return session


def _usable(named: QuerySet[HandOver], *, at: datetime) -> HandOver:
    """The row, in time and not ended yet, with its verification locked first; raises
    `LinkUnusable`.
    """
    row = _locked(named.filter(outcome="", expires_at__gt=at, session__ended_at=None))
    if row.verification.status == Status.IN_REVIEW or not WaysIn.of_codes(row.verification).is_open(
        row, at=at
    ):
        raise _unusable(row.verification)
    return row


def _locked(named: QuerySet[HandOver]) -> HandOver:
    """The row, with its verification locked first, which has not ended; raises `LinkUnusable`."""
    verification = links.lock_found(named, look_up="hand_over")
    row = (
        named.first() if verification is not None and verification.status not in TERMINAL else None
    )
    if row is None or verification is None:
        raise _unusable(verification)
    row.verification = verification
    return row


def _agents(
    verification: Verification, key: vault.Key, *, at: datetime, phone: HandOver, desk: str = ""
) -> dict[str, Any]:
    """What the log says of both browsers: words of ours, for theirs may hold anything, and those as
    sealed evidence.
    """
    sealed = bytes(phone.sealed_agent or b"")
    to = key.unseal(sealed, **vault.place_of_agent(phone.pk)).plain.decode()
    agents = {"from": _bounded(desk), "to": to}
    item = store.put(key, canonical_json({**agents, "at": at.isoformat()}), kind=AGENTS, at=at)
    named: dict[str, Any] = _named(phone)
    for name, agent in agents.items():
        browser = next((word for token, word in _BROWSERS.items() if token in agent), "other")
        named[name] = f"{browser}, {next((word for word in _SYSTEMS if word in agent), 'other')}"
    return {**named, "evidence": store.leaf_list([item])}


def _named(row: HandOver) -> dict[str, Any]:
    """How the log names it: by the hash that is kept of its code."""
    return {"hand_over": bytes(row.code_sha256).hex()}


def _bounded(untrusted_text: str) -> str:
    # A lone surrogate gets through a header and has no bytes.
    return untrusted_text[: policy.AGENT_MAX_CHARACTERS].encode("utf-8", "replace").decode()


def _unusable(verification: Verification | None = None) -> LinkUnusable:
    about = links.outline(verification) if verification else None
    return LinkUnusable("this code cannot be used", code=UNUSABLE, about=about)


def _digest(untrusted_token: str) -> bytes:
    return links.digest_of_code(untrusted_token, code=UNUSABLE)
