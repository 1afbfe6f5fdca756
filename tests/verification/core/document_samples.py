"""What a good document is made from, and the schema that every document is held against; a test
changes one thing.
"""

import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from tests.verification.core import answer_samples
from verification.core.identification_document import AttemptFacts, Ending, Facts, Judged
from verification.core.ids import Iin, Phone
from verification.core.lender import LenderFacts
from verification.core.opening import Document, Loan, Person
from verification.core.person import Case

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
ORDER = ("look_straight", "turn_right", "blink", "turn_left")
MODEL = {"model": "dlib", "model_sha256": "ab" * 32, "calibration": "lfw-2026-11", "review": "0.5"}
_SCHEMA = Path(__file__).resolve().parents[3] / "docs" / "identification-document.schema.json"
SCHEMA = Draft202012Validator(json.loads(_SCHEMA.read_text()), format_checker=FormatChecker())
CASE = Case(
    verification_id="ver_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    mode="test",
    profile="KZ-2021-04",
    lender=LenderFacts(id="len_a", name="Ақша LLP", bin="180440012349", phone="+77270000044"),
    person=Person(
        iin=Iin.parse("990101100010"),
        surname="ТЕСТОВ",
        name="ТЕСТ",
        patronymic="",
        birth_date=date(1899, 1, 1),
        phone=Phone.parse("+77011234567"),
        document=Document(type="id_card", number="012345678", valid_to=date(2033, 1, 1)),
    ),
    loan=Loan(
        amount="150000.00",
        currency="KZT",
        term_days=30,
        annual_rate="46.00",
        total_repayable="155000.00",
        payout_account="KZ86125KZT5004100100",
    ),
    purpose="microcredit",
    locale="ru",
    expires_at=AT + timedelta(hours=1),
)
GATE = Judged(
    name="face.one_face",
    outcome="pass",
    code="",
    score=1.0,
    threshold=0.9,
    detail={"most": 1, "mesh_sha256": "cd" * 32},
)
MATCH = Judged(name="face.match", outcome="pass", code="", score=0.31, threshold=0.35, detail=MODEL)


def later(seconds: float) -> datetime:
    """So long after the attempt was opened."""
    return AT + timedelta(seconds=seconds)


def capture(commands: int = len(ORDER), *, frames: int = 3) -> dict[str, bytes]:
    """The evidence of a capture in which so many commands were answered."""
    evidence = {"live_capture.order": json.dumps({"order": ORDER}).encode()}
    for number, command in enumerate(ORDER[:commands]):
        evidence |= {
            f"live_capture.{number}.frame.{seq}": f"frame {number} {seq}".encode()
            for seq in range(frames)
        }
        told = {"command": command, "revealed": later(3 * number + 1), "parts": 1}
        part = {
            "arrived": later(3 * number + 3),
            "chain": [500],
            "stills": [[seq, 500] for seq in range(frames)],
            "is_bound": True,
        }
        evidence[f"live_capture.{number}.turn"] = json.dumps(
            told, default=datetime.isoformat
        ).encode()
        evidence[f"live_capture.{number}.part.0"] = json.dumps(
            part, default=datetime.isoformat
        ).encode()
        evidence[f"live_capture.{number}.seen"] = b'{"seen":true,"then":""}'
    return evidence


def photo(**changes: Any) -> bytes:
    """What the register answered."""
    return answer_samples.spelled({**answer_samples.PHOTO, **changes})


def picture(jpeg: bytes = answer_samples.JPEG) -> dict[str, Any]:
    """Another picture in its answer."""
    return {"photo": b64encode(jpeg).decode(), "sha256": sha256(jpeg).hexdigest()}


def terms(*, best: Any = ()) -> bytes:
    """By what it was judged, and when: after the register had answered. `best`: the frames that
    were compared.
    """
    judged_by = {
        "at": later(20).isoformat(),
        "policy": {"version": "2026-11", "zones": {"match": "0.35"}},
    }
    return json.dumps({**judged_by, "facts": {"best": best}}).encode()


def facts(*, mode: str = "test", evidence: dict[str, bytes] | None = None, **changes: Any) -> Facts:
    """A passed attempt, or a changed one."""
    if evidence is None:
        evidence = {**capture(), "live_capture.photo": photo(), "live_capture.terms": terms()}
    whole = Facts(
        issuer="https://tulga.example",
        case=replace(CASE, mode=mode),
        client_reference="loan-1",
        identified_at=later(-60),
        profile_id="KZ-2025-01",
        profile_sha256="ef" * 32,
        attempt=AttemptFacts(
            id="att_aaaaaaaaaaaaaaaaaaaaaaaaaa",
            number=3,
            route="biometric",
            stage="live_capture",
            opened_at=AT,
            burnt=False,
        ),
        ending=Ending(outcome="passed", code="", decided_by="checks", at=later(21)),
        passed_stages=(("biometric", "consent", later(-30)),),
        checks=(GATE, MATCH),
        evidence=evidence,
        kept_at=dict.fromkeys(evidence, later(22)),
    )
    return replace(whole, **changes)


def valid(document: bytes) -> dict[str, Any]:
    """The document's fields, after it was held against the schema."""
    found: dict[str, Any] = json.loads(document)
    SCHEMA.validate(found)
    return found
