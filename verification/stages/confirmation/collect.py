"""What the page showed beside the question, stored with the answer."""

from collections.abc import Mapping
from dataclasses import asdict

from verification.core.ids import mask_account
from verification.core.person import Case
from verification.core.route import Evidence
from verification.core.stored import canonical_json
from verification.stages.confirmation.dialogue import RENEWAL_SHOWN


def collect_renewal(case: Case, evidence: Evidence) -> Mapping[str, bytes]:
    """Lender, sum, purpose and account as shown, and the waiting contract; empty without one."""
    if case.renewal is None:
        return {}
    terms = {
        "lender": case.lender.name,
        "amount": case.loan.amount,
        "currency": case.loan.currency,
        "total_repayable": case.loan.total_repayable,
        "purpose": case.purpose,
        "account_masked": mask_account(case.loan.payout_account),
        **asdict(case.renewal),
    }
    return {RENEWAL_SHOWN: canonical_json(terms)}
