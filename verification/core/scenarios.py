"""Outcomes of test mode: scenarios that the sandbox plays through the real steps, and test people.

`GET /v1/test/scenarios` shows the table. Each IIN of it selects its scenario; the NCA RK's test
individual selects none. Their seventh digit, 9, is not assigned.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

_LENDER_CHARACTERS: Final = 16
SIMULATED: Final = "insecure_simulated"
"""The name of the engine that measured a simulated borrower: it is in each of their checks."""
SIGNED, FACED, ALL = ("eds",), ("biometric", "live_face"), ("eds", "biometric", "live_face")
FORMED, CONSENTED, AND_ANEW = ("live_face", "renewal"), (*FACED, "renewal"), (*ALL, "renewal")
"""Routes with a form and a code; routes that use 1414 under every law; all with the renewed
consent.

`renewal` has a verification of its own.
"""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One scenario: events, routes and outcome.

    registered: further routes under a profile with the register of people.
    iin: the IIN that plays it by default.
    status: its end, or its status after the borrower has left.
    code, last_failure: of the verification.
    checks: results of the checks that did not pass; a camera can add others.
    events: the lender's events after `verification.created`.
    clearance: code of the refusal of a clearance.
    then: what only time or the lender can bring.
    """

    name: str
    routes: tuple[str, ...]
    registered: tuple[str, ...] = ()
    happens: str
    status: str
    code: str = ""
    last_failure: str = ""
    checks: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    iin: str
    clearance: str = ""
    then: str = ""


def _denied(name: str, code: str, happens: str, *, iin: str) -> Scenario:
    """The register of people contradicts the lender: each route that uses it ends at once."""
    return Scenario(
        name=name,
        iin=iin,
        routes=FORMED,
        registered=("eds", "biometric"),
        happens=happens,
        status="declined",
        code=code,
        last_failure=code,
        checks=(code,),
        events=("verification.declined",),
    )


_TABLE: Final = (
    Scenario(
        name="verified",
        iin="900101900015",
        routes=AND_ANEW,
        happens="The borrower does everything right.",
        status="verified",
        events=("verification.verified",),
    ),
    Scenario(
        name="eds_revoked",
        iin="900101900025",
        routes=SIGNED,
        happens="Signs three times, each with an own key that is revoked.",
        status="declined",
        code="attempts_exhausted",
        last_failure="eds_certificate_revoked",
        checks=("eds_certificate_revoked",),
        events=("verification.declined",),
    ),
    Scenario(
        name="eds_expired",
        iin="900101900035",
        routes=SIGNED,
        happens="Signs three times, each with an own key whose certificate has run out.",
        status="declined",
        code="attempts_exhausted",
        last_failure="eds_certificate_expired",
        checks=("eds_certificate_expired",),
        events=("verification.declined",),
    ),
    Scenario(
        name="eds_other_iin",
        iin="900101900045",
        routes=SIGNED,
        happens="Somebody else signs three times, each with a good key of their own.",
        status="declined",
        code="attempts_exhausted",
        last_failure="eds_iin_mismatch",
        checks=("eds_iin_mismatch",),
        events=("verification.declined",),
    ),
    Scenario(
        name="eds_statement_mismatch",
        iin="900101900055",
        routes=SIGNED,
        happens=(
            "Signs three times with a good own key, each time another text than the page shows."
        ),
        status="declined",
        code="attempts_exhausted",
        last_failure="eds_statement_mismatch",
        checks=("eds_statement_mismatch",),
        events=("verification.declined",),
    ),
    Scenario(
        name="ocsp_silent",
        iin="900101900065",
        routes=SIGNED,
        happens=(
            "Signs rightly, but no responder and no fresh list says anything of the key. Tried for"
            " a minute."
        ),
        status="failed",
        code="retries_exhausted",
        checks=("eds_revocation_unknown",),
        events=("verification.failed",),
    ),
    Scenario(
        name="face_mismatch",
        iin="900101900075",
        routes=FACED,
        happens="Follows the commands three times, but the register's photo is somebody else's.",
        status="declined",
        code="attempts_exhausted",
        last_failure="face_mismatch",
        checks=("face_mismatch",),
        events=("verification.declined",),
    ),
    Scenario(
        name="command_missed",
        iin="900101900085",
        routes=FACED,
        happens="Shows other gestures than those asked for, three times.",
        status="declined",
        code="attempts_exhausted",
        last_failure="liveness_command_missed",
        checks=("liveness_command_missed",),
        events=("verification.declined",),
    ),
    Scenario(
        name="liveness_failed",
        iin="900101900095",
        routes=FACED,
        happens="The picture is stuck in each gesture, three times.",
        status="declined",
        code="attempts_exhausted",
        last_failure="liveness_frame_frozen",
        checks=("liveness_frame_frozen",),
        events=("verification.declined",),
    ),
    Scenario(
        name="multiple_faces",
        iin="900101900104",
        routes=FACED,
        happens="Somebody else's face is in the picture, three times.",
        status="declined",
        code="attempts_exhausted",
        last_failure="multiple_faces",
        checks=("multiple_faces",),
        events=("verification.declined",),
    ),
    Scenario(
        name="review",
        iin="900101900114",
        routes=FACED,
        happens="Follows the commands by a line on which too few pictures come: people look.",
        status="in_review",
        code="liveness_line_review",
        checks=("liveness_line_review",),
        events=("verification.in_review",),
        then=(
            "Your reviewers vote at the desk; after 24 hours it is `expired` with `review_timeout`."
            " With fewer than two of them it is `failed` with `review_unavailable` at once."
        ),
    ),
    Scenario(
        name="review_passed",
        iin="900101900124",
        routes=FACED,
        happens="As `review`; then the sandbox's two reviewers vote at the desk that it is them.",
        status="verified",
        checks=("liveness_line_review",),
        events=("verification.in_review", "verification.verified"),
    ),
    Scenario(
        name="review_refused",
        iin="900101900134",
        routes=FACED,
        happens="As `review`; then one of the sandbox's reviewers votes that it is not them.",
        status="declined",
        code="review_refused",
        last_failure="review_refused",
        checks=("liveness_line_review",),
        events=("verification.in_review", "verification.declined"),
    ),
    Scenario(
        name="face_reference_unavailable",
        iin="900101900144",
        routes=FACED,
        happens=(
            "Follows the commands, but the register of photos has none of the borrower, who goes"
            " away. Nothing is burnt."
        ),
        status="requires_input",
        last_failure="face_reference_unavailable",
        then="Simulate it again; or it is `expired` after 24 hours.",
    ),
    Scenario(
        name="captures_exceeded",
        iin="900101900154",
        routes=FACED,
        happens="As `face_reference_unavailable`, six times: no capture is left today.",
        status="requires_input",
        last_failure="captures_exceeded",
        then="The same person may begin a capture again tomorrow.",
    ),
    _denied(
        "name_mismatch", "name_mismatch", "The register has another surname.", iin="900101900164"
    ),
    _denied(
        "birth_date_differs",
        "birth_date_differs",
        "The register has another birth date for this IIN.",
        iin="900101900174",
    ),
    _denied(
        "person_unknown",
        "person_unknown",
        "The register of people does not know this IIN.",
        iin="900101900184",
    ),
    _denied(
        "deceased",
        "person_deceased",
        "The register says that the person has died.",
        iin="900101900194",
    ),
    _denied(
        "document_lost",
        "document_invalid",
        "The document is registered as lost.",
        iin="900101900203",
    ),
    _denied(
        "document_expired",
        "document_expired",
        "The document ran out, as the register has it.",
        iin="900101900213",
    ),
    Scenario(
        name="consent_unanswered",
        iin="900101900223",
        routes=CONSENTED,
        registered=("eds",),
        happens=(
            "Does not answer the state's SMS from 1414, and goes away when asked again. Nothing is"
            " burnt."
        ),
        status="requires_input",
        last_failure="consent_unanswered",
        then="Simulate it again; or it is `expired` after 24 hours.",
    ),
    Scenario(
        name="phone_owner_mismatch",
        iin="900101900233",
        routes=FORMED,
        happens="The phone is another person's, as the register has it.",
        status="declined",
        code="attempts_exhausted",
        last_failure="phone_owner_mismatch",
        checks=("phone_owner_mismatch",),
        events=("verification.declined",),
    ),
    Scenario(
        name="registry_unavailable",
        iin="900101900243",
        routes=CONSENTED,
        registered=("eds",),
        happens="The registers do not answer. Tried for a minute.",
        status="failed",
        code="retries_exhausted",
        events=("verification.failed",),
    ),
    Scenario(
        name="failed",
        iin="900101900253",
        routes=CONSENTED,
        registered=("eds",),
        happens="The state's consent service reports an error, each time. Tried for a minute.",
        status="failed",
        code="retries_exhausted",
        events=("verification.failed",),
    ),
    Scenario(
        name="wrong_code",
        iin="900101900263",
        routes=FORMED,
        happens="Types a wrong code five times.",
        status="declined",
        code="attempts_exhausted",
        last_failure="otp_attempts_exhausted",
        checks=("otp_attempts_exhausted",),
        events=("verification.declined",),
    ),
    Scenario(
        name="otp_expired",
        iin="900101900273",
        routes=FORMED,
        happens="Types the code when its time is over, after five minutes. Nothing is burnt.",
        status="requires_input",
        last_failure="otp_expired",
        checks=("otp_expired",),
        then="Simulate it again; or it is `expired` after 24 hours.",
    ),
    Scenario(
        name="consent_declined",
        iin="900101900283",
        routes=AND_ANEW,
        happens="Does not consent to the processing of data.",
        status="declined",
        code="consent_declined",
        last_failure="consent_declined",
        checks=("consent_declined",),
        events=("verification.declined",),
    ),
    Scenario(
        name="coercion_reported",
        iin="900101900293",
        routes=AND_ANEW,
        happens="Says that somebody tells them what to press.",
        status="declined",
        code="coercion_reported",
        last_failure="coercion_reported",
        checks=("coercion_reported",),
        events=("verification.declined",),
    ),
    Scenario(
        name="handed_over",
        iin="900101900302",
        routes=SIGNED,
        happens=(
            "Goes on at a phone, by the code on the page and the number on the phone, and does"
            " everything right."
        ),
        status="verified",
        events=("verification.handed_over", "verification.verified"),
    ),
    Scenario(
        name="stop_credit",
        iin="900101900312",
        routes=(),
        registered=("eds", "biometric"),
        happens="Does everything right, but has refused all credits, as the bureau has it.",
        status="verified",
        events=("verification.verified",),
        clearance="stop_credit",
        then="Ask for a clearance: it is refused.",
    ),
    Scenario(
        name="account_owner_mismatch",
        iin="900101900322",
        routes=(),
        registered=("eds",),
        happens="Does everything right, but the account is not theirs, as the bank has it.",
        status="verified",
        events=("verification.verified",),
        clearance="account_owner_mismatch",
        then="Ask for a clearance: it is refused.",
    ),
    Scenario(
        name="abandoned",
        iin="900101900332",
        routes=AND_ANEW,
        happens="Agrees, and goes away from the first page that asks for a proof.",
        status="requires_input",
        then=(
            "When the page's time is over, or the test clock put forward, it is `abandoned`."
            " Simulate it again."
        ),
    ),
    Scenario(
        name="expires",
        iin="900101900342",
        routes=AND_ANEW,
        happens="Opens the link, reads, and goes away for good.",
        status="requires_input",
        then=(
            "When the 24 hours are over, or the test clock put forward, it is `expired`:"
            " `verification_expired`."
        ),
    ),
)
SCENARIOS: Final[Mapping[str, Scenario]] = {scenario.name: scenario for scenario in _TABLE}
SCRIPTED: Final[Mapping[str, str]] = {scenario.iin: scenario.name for scenario in _TABLE}
"""The scenario of each scripted person; all numbers pass the check digit.

Source: docs/lender/sandbox.md.
"""


def lender_word(lender_id: str) -> str:
    """A word by which the sandbox separates lenders without names: 64 bits, so no two collide."""
    return sha256(f"simulations of {lender_id}".encode()).hexdigest()[:_LENDER_CHARACTERS]


def engine(scenario: str) -> dict[str, str]:
    """The name of the engine in each check while the sandbox plays this scenario."""
    return {"name": SIMULATED, "scenario": scenario}
