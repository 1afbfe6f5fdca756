"""Verified borrowers of a bench, in this process: its own authority, real signatures, the
product's worker.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path

from django.conf import settings

from insecure_sandbox.authority import create_authority, issue
from insecure_sandbox.credential import Credential
from lenders.models import Lender
from tests.verification.stories.conftest import crl_of
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.story import IIN, Story, begin, opening
from verification.payout import clearances


def contract_of(story: Story) -> str:
    """The hash of its loan's contract."""
    return sha256(f"The contract of {story.id}.".encode()).hexdigest()


@dataclass
class Signer:
    """A key owner whose signatures this process trusts."""

    credential: Credential
    numbers: count = field(default_factory=count)  # type: ignore[type-arg]

    @classmethod
    def trusted(cls, folder: Path) -> "Signer":
        """A signer of a fresh authority, whose anchors are installed in this folder."""
        authority = create_authority("rsa", at=datetime.now(UTC) - timedelta(days=30))
        pins = ["mode test"]
        for role, certificate in (("anchor", authority.root), ("intermediate", authority.issuing)):
            (folder / f"{role}.cer").write_bytes(certificate.certificate)
            pins.append(f"{sha256(certificate.certificate).hexdigest()} {role}")
        (folder / "pins.txt").write_text("\n".join(pins))
        adapter = f"{InsecureRevocation.__module__}.{InsecureRevocation.__qualname__}"
        sources = {"revocation": {"adapter": adapter}, "trust_anchors": {"directory": folder}}
        settings.TULGA_SOURCES = {"test": sources, "live": {}}
        InsecureRevocation.lists = {"rsa": (crl_of(authority),)}
        at = datetime.now(UTC) - timedelta(days=1)
        return cls(issue(authority, iin=IIN, surname="ТЕСТОВ", given_name="ТЕСТ", at=at))

    def opened(self, lender: Lender) -> str:
        """The id of a verification whose borrower has not come yet."""
        return begin(lender, f"signed-{next(self.numbers)}").id

    def verified(self, lender: Lender) -> Story:
        """A verification with a signature, public in the log."""
        story = begin(lender, f"signed-{next(self.numbers)}").to_statement()
        story.sign(self.credential)
        story.work()
        return story

    def cleared(self, lender: Lender) -> tuple[str, str]:
        """A clearance that a worker has issued, by its id, and its contract."""
        story = self.verified(lender)
        clearance = clearances.ask(
            lender_id=lender.pk,
            mode="test",
            verification_id=story.id,
            profile_id="KZ-2021-04",
            contract_sha256=contract_of(story),
        )
        story.work()
        return clearance, contract_of(story)


def payment(contract: str) -> dict[str, str]:
    """The body of a consume request for any borrower verified here."""
    loan = opening().loan
    return {
        "amount": loan.amount,
        "iin": IIN,
        "contract_sha256": contract,
        "payout_account": loan.payout_account,
    }
