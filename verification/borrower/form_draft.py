"""What a borrower typed into a form, for the same browser to show again after a mismatch.

It is kept nowhere here. The browser gets it sealed under the key of the verification, and it opens
beside the session
in which it was typed and no other: whoever goes on by a fresh link or at another device has another
session and no such seal, and whoever copied the seal cannot read it. It cannot be opened either
once the case is erased.
"""

import base64
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from verification.access.links import Visit
from verification.case import contents
from verification.core.errors import EvidenceUnreadable
from verification.core.stored import canonical_json

SECONDS: Final = 15 * 60
"""How long the browser keeps it: as long as one may look for one's document. Ours."""
_LONGEST: Final = (
    3900  # characters of a seal: with name and attributes browsers keep 4 096 (RFC 6265 §6.1)
)
_TABLE: Final = "typed"


def seal(visit: Visit, typed: Mapping[str, str], *, session: str) -> str:
    """What the browser keeps; empty where that would be too long for it."""
    sealed = (
        contents.key_beside(visit.verification)
        .seal(canonical_json(typed), table=_TABLE, field=_field(session))
        .data
    )
    text = base64.urlsafe_b64encode(sealed).decode()
    return text if len(text) <= _LONGEST else ""


def unseal(visit: Visit, *, untrusted: str, session: str) -> Mapping[str, str]:
    """What was typed; nothing where this was not sealed for this verification and session."""
    try:
        sealed = base64.urlsafe_b64decode(untrusted[:_LONGEST].encode())
        opened = contents.key_beside(visit.verification).unseal(
            sealed, table=_TABLE, field=_field(session)
        )
    except (ValueError, EvidenceUnreadable):
        return {}
    typed: dict[str, str] = json.loads(opened.plain)
    return typed


def _field(session: str) -> str:
    return sha256(session.encode()).hexdigest()
