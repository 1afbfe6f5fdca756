"""How a simulated borrower deviates from an honest one, by scenario. Outcomes:
`core/scenarios.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Face = Literal["own", "another", "none"]
"""The register's photograph: another one of the face at the camera, another person's, or none."""
Shown = Literal["as_told", "wrongly", "stuck", "with_another", "slowly"]
"""Shown at the camera: the gesture, another one, one stuck at its end, one with a second face,
or too few pictures.
"""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """A borrower's behaviour; the default is honest and competent.

    key: the state of their certificate.
    signs_as_another: with another person's key.
    alters_statement: signs another text than the displayed one.
    face: the registered photograph; shows: the content of the camera.
    registered, document: registers' deviations from the lender, on the person and on their
    document.
    turns: they leave after so many pages of a kind.
    leaves_at: they leave when one of these pages opens.
    is_late: they type the code when its time is over.
    vote: of the lender's reviewers afterwards; empty if they do not vote.
    goes_on_at: when this page opens, a phone takes over by the page's code, and they continue
    there.
    """

    key: str = "valid"
    signs_as_another: bool = False
    alters_statement: bool = False
    agrees: bool = True
    is_told_what_to_press: bool = False
    knows_the_code: bool = True
    face: Face = "own"
    shows: Shown = "as_told"
    registered: Mapping[str, Any] = field(default_factory=dict)
    document: Mapping[str, str] = field(default_factory=dict)
    turns: Mapping[str, int] = field(default_factory=dict)
    leaves_at: tuple[str, ...] = ()
    goes_on_at: str = ""
    is_late: bool = False
    vote: Literal["", "pass", "fail"] = ""


HONEST: Final = Manner()
MANNERS: Final[Mapping[str, Manner]] = {
    "verified": HONEST,
    "eds_revoked": Manner(key="revoked"),
    "eds_expired": Manner(key="expired"),
    "eds_other_iin": Manner(signs_as_another=True),
    "eds_statement_mismatch": Manner(alters_statement=True),
    "ocsp_silent": Manner(key="unanswered"),
    "consent_declined": Manner(agrees=False),
    "coercion_reported": Manner(is_told_what_to_press=True),
    "face_mismatch": Manner(face="another"),
    "command_missed": Manner(shows="wrongly"),
    "liveness_failed": Manner(shows="stuck"),
    "multiple_faces": Manner(shows="with_another"),
    "review": Manner(shows="slowly"),
    "review_passed": Manner(shows="slowly", vote="pass"),
    "review_refused": Manner(shows="slowly", vote="fail"),
    "face_reference_unavailable": Manner(face="none", turns={"commands": 1}),
    "captures_exceeded": Manner(face="none", leaves_at=("resume",)),
    "name_mismatch": Manner(registered={"surname": "ИНАКОВ"}),
    "birth_date_differs": Manner(registered={"birth_date": "1990-12-31"}),
    "person_unknown": Manner(registered={"is_known": False}),
    "document_lost": Manner(document={"status": "lost"}),
    "document_expired": Manner(document={"valid_to": "2020-01-01"}),
    "consent_unanswered": Manner(
        registered={"consent": "timeout"}, turns={"statement": 1, "form": 1, "commands": 1}
    ),
    "registry_unavailable": Manner(registered={"is_answered": False}),
    "deceased": Manner(registered={"life_status": "deceased"}),
    "phone_owner_mismatch": Manner(registered={"phone": "+77000000000"}),
    "failed": Manner(registered={"consent": "error"}),
    "wrong_code": Manner(knows_the_code=False),
    "otp_expired": Manner(is_late=True, turns={"code": 1}),
    "stop_credit": Manner(registered={"refuses_credits": True}),
    "account_owner_mismatch": Manner(registered={"accounts": ()}),
    "handed_over": Manner(goes_on_at="statement"),
    "abandoned": Manner(leaves_at=("statement", "form", "commands")),
    "expires": Manner(leaves_at=("consent",)),
}
