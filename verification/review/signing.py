"""The act of a person at the desk, signed by their passkey over what the page had shown.

1. The page asks for a challenge: the server makes what is shown, and keeps its salt in the session.
2. The key answers, and the page posts act and answer together.
3. The door makes what was shown again from the posted act. Another act has another challenge.

What is sealed, such as a reason, stands in it by its keyed hash; the salt is sealed beside it.
The log judges the assertion again: `verification/log/acts.py`.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import HttpRequest, JsonResponse

from verification.access import acting, passkeys
from verification.case.votes import Reviewer
from verification.course.actors import REVIEWER
from verification.log import acts
from verification.models import Verification

SALT_BYTES: Final = 16
"""Of the keyed hash of a sealed text: 128 bits cannot be guessed."""


@dataclass(frozen=True)
class Signed:
    """An answer of a person's passkey. salt, pictures: of what the page had shown."""

    answer: Any = field(repr=False)
    salt: bytes = field(repr=False)
    pictures: tuple[str, ...] = ()


def fresh_salt() -> bytes:
    """The salt of one act."""
    return secrets.token_bytes(SALT_BYTES)


def mark(text: str, salt: bytes) -> str:
    """The keyed hash by which a sealed text stands in what was shown: HMAC-SHA256 in hex."""
    return hmac.digest(salt, text.encode(), "sha256").hex()


def challenge(
    request: HttpRequest, purpose: str, shown: Mapping[str, Any], *, salt: bytes
) -> JsonResponse:
    """The options for the signed-in person's passkey over what is shown, as JSON.

    purpose: the act and its case.
    """
    kept = {"salt": salt.hex(), "pictures": shown.get("pictures", [])}
    passkeys.ask(request.session, purpose, kept)
    person: Any = request.user
    known = tuple(key["id"] for key in person.passkeys)
    return JsonResponse(passkeys.request_options(acts.challenge_of(shown), known))


def given(request: HttpRequest, purpose: str) -> Signed | None:
    """The posted answer, with what its challenge was made of; None without an answer.

    Raises: `Refused` (passkey_malformed, passkey_challenge).
    """
    untrusted = request.POST.get("passkey", "")
    if not untrusted:
        return None
    kept = passkeys.take(request.session, purpose)
    answer = passkeys.read(untrusted)
    return Signed(answer, bytes.fromhex(kept["salt"]), tuple(kept["pictures"]))


def proof(
    verification: Verification,
    act: str,
    body: Mapping[str, Any],
    *,
    reviewer: Reviewer,
    signed: Signed | None,
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """What an entry of an act holds to prove that it is this person's.

    Their row is locked in the caller's transaction, so that the act and the end of their role are
    in one order. more: what was shown beside the body.

    Raises: `Refused` (not_a_reviewer, passkey_missing, or a code of
    `verification/engines/passkeys.py`).
    """
    place = (REVIEWER, verification.lender_id)
    return acting.proof(
        verification.mode,
        reviewer.person_id,
        lambda: acts.shown(act, verification.pk, body, **more),
        answer=signed.answer if signed is not None else None,
        may_act=lambda actor: (actor.fields["role"], actor.fields["lender"]) == place,
        code="not_a_reviewer",
    )
