"""One question: sign this statement. The text is written by us, shown in words, and kept before it is shown."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from verification.core.canonical import canonical_json
from verification.core.errors import BadInput
from verification.core.ids import Iin
from verification.core.person import Case, mask_account
from verification.core.route import Memory, Next, Turn, Untrusted
from verification.routes.eds.policy import POLICY

TEXT = "statement.text"
SIGNATURE = "statement.signature"
ANSWER = "statement.answer"
# What we asked about the signature, with the nonces we asked it with.
OCSP, OCSP_NONCE = "statement.ocsp", "statement.ocsp_nonce"
TIMESTAMP, TIMESTAMP_NONCE = "statement.timestamp", "statement.timestamp_nonce"


def statement(case: Case, *, nonce: str, issued: str, expires: str) -> bytes:
    """The canonical bytes to be signed: who owes what to whom, for this verification only. `nonce`: 128 bits, hex."""
    loan = case.loan
    return canonical_json(
        {
            "type": "tulga.statement.v1",
            "mode": case.mode,
            "verification": case.verification_id,
            "lender_bin": case.lender.bin,
            "lender_name": case.lender.name,
            "iin": case.person.iin.value,
            "purpose": case.purpose,
            "amount": loan.amount,
            "currency": loan.currency,
            "term_days": loan.term_days,
            "annual_rate": loan.annual_rate,
            "total_repayable": loan.total_repayable,
            "payout_account": mask_account(loan.payout_account),
            "payout_account_sha256": sha256(loan.payout_account.encode()).hexdigest(),
            "contract_sha256": loan.contract_sha256,
            "nonce": nonce,
            "issued": issued,
            "expires": expires,
        }
    )


def prompt_statement(memory: Memory) -> Mapping[str, Any]:
    """The bytes to sign, the same in words with the IIN masked, and the key usages to ask the signer's program for."""
    text = str(memory["statement"])
    fields = json.loads(text)
    words = {
        "verification_id": fields["verification"],
        "lender_name": fields["lender_name"],
        "lender_bin": fields["lender_bin"],
        "iin_masked": Iin(fields["iin"]).masked,
        "account_masked": fields["payout_account"],
        **{name: fields[name] for name in ("purpose", "amount", "currency", "term_days", "annual_rate")},
        **{name: fields[name] for name in ("total_repayable", "contract_sha256", "issued", "expires")},
    }
    encoded = base64.b64encode(text.encode()).decode()
    return {"statement_base64": encoded, "statement": words, "eku_oids": list(POLICY.extended_key_usages)}


def accept_statement(memory: Memory, untrusted: Untrusted, at: datetime) -> Turn:
    """Takes the signature as it came, with the time it came; whether it is one is for the checks to say."""
    signature = untrusted.get("signature")
    if not isinstance(signature, str) or not signature.strip() or not signature.isascii():
        raise BadInput("a signature is PEM or base64 text", code="bad_answer", pointer="/signature")
    if len(signature) > 2 * POLICY.signature_max_bytes:
        raise BadInput("the signature is too long", code="bad_answer", pointer="/signature")
    answer = canonical_json({"at": at.isoformat()})
    return Turn(next=Next.COLLECT, memory=memory, evidence={SIGNATURE: signature.encode(), ANSWER: answer})
