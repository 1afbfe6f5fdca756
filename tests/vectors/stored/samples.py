"""What the blobs that are no judgement say."""

from datetime import UTC, datetime

from lenders.resources.events import Event
from tests.verification.stages.person.known_case import memory
from tests.verification.stories.story import opening
from verification.core.lender import LenderFacts

LENDER = LenderFacts(id="len_a", name="Sandbox Credit", bin="120340000014", phone="+77270000044")
OPENING = opening()
MEMORY = memory()
ENTRY_BODY = {
    "attempt": "att_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "route": "eds",
    "stage": "statement",
    "outcome": "failed",
    "code": "eds_iin_mismatch",
    "burnt": True,
    "inputs": "e" * 64,
    "checks": [
        {"check": "eds.format", "outcome": "pass", "code": ""},
        {"check": "eds.identity", "outcome": "fail", "code": "eds_iin_mismatch"},
    ],
    "evidence": [
        {
            "id": "evd_aaaaaaaaaaaaaaaaaaaaaaaaaa",
            "kind": "statement.terms",
            "commitment": "b" * 64,
            "sealed_sha256": "c" * 64,
            "size": 512,
        },
        {
            "id": "evd_bbbbbbbbbbbbbbbbbbbbbbbbbb",
            "kind": "statement.report",
            "commitment": "f" * 64,
            "size": 900,
        },
        {"kind": "shared.crl.0", "sha256": "d" * 64, "size": 900},
    ],
}
CHECKPOINT = "tulga.example/test\n42\n" + "A" * 43 + "=\n\n\u2014 tulga.example/test AAAA\n"
EVENT = Event(
    id="evt_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    type="verification.verified",
    timestamp=datetime(2026, 11, 24, 18, 31, tzinfo=UTC),
    lender_sequence=7,
    verification_id="ver_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    client_reference="A-1",
    status="verified",
    sequence=9,
    mode="test",
    log_index=41,
)
