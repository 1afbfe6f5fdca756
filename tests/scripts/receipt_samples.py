"""The answer with a receipt as the API gives it, made without a database: a log of eleven entries,
one of them its.
"""

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from jsonschema import Draft202012Validator, FormatChecker

from tests.verification.log import naive
from verification.artifacts import signing
from verification.core.decision_receipt import Facts, build
from verification.core.stored import canonical_json
from verification.evidence import vault
from verification.log import checkpoint, tlog_proof
from verification.log.checkpoint import Checkpoint, SigningKey

_SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "receipt.schema.json"
SCHEMA = Draft202012Validator(json.loads(_SCHEMA.read_text()), format_checker=FormatChecker())
IIN, ACCOUNT = "990101100010", "KZ86125KZT5004100100"
SALTS = {"iin": "11" * 16, "payout_account": "22" * 16}
AT = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
ATTEMPT = "att_aaaaaaaaaaaaaaaaaaaaaaaaaa"
PLACE = {"attempt": ATTEMPT, "route": "eds", "stage": "statement"}
KEPT = [
    {"id": "evd_a", "kind": "statement.text", "commitment": "b" * 64},
    {"kind": "shared.crl.0", "sha256": "c" * 64},
    {"id": "evd_b", "kind": "live_capture.0.frame.1", "commitment": "d" * 64},
]
CHECKS = [
    {"check": "eds.format", "outcome": "pass", "code": ""},
    {"check": "eds.path", "outcome": "pass", "code": ""},
]
INDEX = 6


def facts(**changes: Any) -> Facts:
    """What a receipt says of somebody who signed."""
    judged = {**PLACE, "release": "eds-1", "outcome": "passed", "code": "", "checks": CHECKS}
    said = {
        "issuer": "https://tulga.example",
        "mode": "live",
        "verification": "ver_aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "lender": "len_aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "profile_id": "KZ-2025-01",
        "profile_sha256": "a" * 64,
        "routes": ("eds",),
        "route": "eds",
        "renews": "",
        "status": "verified",
        "code": "",
        "decided_at": AT,
        "entries": (
            ("attempt.opened", AT, {**PLACE, "release": "eds-1"}),
            ("evidence.kept", AT, {**PLACE, "evidence": KEPT}),
            ("attempt.judged", AT, judged),
        ),
        "commitments": {
            "iin": vault.commitment(bytes.fromhex(SALTS["iin"]), IIN.encode()),
            "payout_account": vault.commitment(
                bytes.fromhex(SALTS["payout_account"]), ACCOUNT.encode()
            ),
        },
        "statement_sha256": "e" * 64,
    }
    return Facts(**{**said, **changes})


def entry(of: Facts, jws: str, **changes: Any) -> dict[str, Any]:
    """The decision's entry, as it is hashed."""
    law = {"profile": of.profile_id, "profile_sha256": of.profile_sha256}
    body = {"v": 1, "code": of.code, "receipt": sha256(jws.encode()).hexdigest(), **law}
    said = {
        "schema": 1,
        "id": "evt_a",
        "mode": of.mode,
        "type": f"verification.{of.status}",
        "lender": of.lender,
    }
    said |= {"at": "2026-11-28T09:30:00.000000Z", "verification": of.verification, "body": body}
    return {**said, "verification_sequence": 12, "lender_sequence": 3, **changes}


def answer(of: Facts | None = None, *, jws: str = "", **changes: Any) -> dict[str, Any]:
    """The whole answer; `changes`: of the entry."""
    of = of or facts()
    jws = jws or signing.sign_compact(build(of), mode=of.mode, type_=signing.RECEIPT_TYPE)
    leaf = canonical_json(entry(of, jws, **changes))
    return {"receipt": jws, "log": placed(leaf, mode=of.mode), "openings": dict(SALTS)}


def placed(leaf: bytes, *, mode: str) -> dict[str, Any]:
    """A leaf's place in a log of eleven, signed by the log's key."""
    leaves = [b"leaf %d" % number for number in range(11)]
    leaves[INDEX] = leaf
    key = SigningKey(name=f"tulga.example/log/{mode}", seed=settings.TULGA_LOG_KEYS[mode])
    note = checkpoint.sign(Checkpoint(key.name, len(leaves), naive.root(leaves)), key=key)
    proof = tlog_proof.make(index=INDEX, hashes=naive.path(INDEX, leaves), note=note)
    return {"index": INDEX, "leaf": leaf.decode(), "proof": proof, "checkpoint": note}


def keys() -> bytes:
    """What the installation publishes."""
    return json.dumps({"keys": signing.public_keys(), "log_keys": signing.log_keys()}).encode()
