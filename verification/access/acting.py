"""What an act of a person needs: a reason, and the proof in its entry that it is this person's.

See `verification/log/acts.py`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth import get_user_model

from verification.access import passkeys
from verification.case.policy import REASON_MAX, REASON_MIN
from verification.core.errors import Refused
from verification.course import policy
from verification.course.actors import Actor
from verification.log import actors, acts


def reason_of(untrusted: str) -> str:
    """An operator's reason on one line.

    Raises: `Refused` (reason_missing).
    """
    reason = " ".join(untrusted.split())
    if not REASON_MIN <= len(reason) <= REASON_MAX or not reason.isprintable():
        raise Refused("reason_missing", f"a reason has {REASON_MIN} to {REASON_MAX} characters")
    return reason


def proof(
    log: str,
    person: str,
    shown: Callable[[], Mapping[str, Any]],
    *,
    answer: Any,
    may_act: Callable[[Actor], bool],
    code: str,
) -> dict[str, Any]:
    """The assertion over what was shown; in the test log, for a person without a passkey, the
    factor.

    Their row is locked in the caller's transaction, so that the act and the end of their role are
    in one order. answer: of a passkey, or None. code: of the refusal if they may not act.

    Raises: `Refused` (passkey_missing, `code`, or a code of `verification/engines/passkeys.py`).
    """
    people = get_user_model()._default_manager.select_for_update()
    row: Any = people.filter(pk=person).first()
    actor = actors.read(log, [person]).get(person)
    if row is None or actor is None or not actor.is_active or not may_act(actor):
        raise Refused(code, "no statement names this person with the role that it needs")
    keys = acts.passkeys_of(actor)
    if answer is None:
        if keys or log != policy.TEST_LOG:
            raise Refused("passkey_missing", "an act in this log counts by a passkey")
        return {"factor": acts.CODE}
    on_page = dict(shown())
    assertion = passkeys.prove(row, keys, answer, challenge=acts.challenge_of(on_page))
    return {"assertion": assertion, "shown": on_page}
