"""An installation in this process with an SQLite file in memory. Its import sets it up, so
import it before any model.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import django
from django.conf import settings
from django.core.management import call_command

from insecure_sandbox.authority import Authority, create_authority
from lenders.models import Lender
from tests.verification.stories.conftest import crl_of, trust
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.story import IIN, Story, opening
from verification import tasks
from verification.access import openings
from verification.core.ids import Iin, check_digit
from verification.core.lender import LenderFacts
from verification.management.commands.make_keys import make_missing

_MADE = TemporaryDirectory(prefix="tulga-bench-", dir="/dev/shm")
FOLDER = Path(_MADE.name)
make_missing(FOLDER / "keys", made_by="operator")
os.environ.update(
    TULGA_VAR_DIR=str(FOLDER),
    TULGA_KEYS_DIR=str(FOLDER / "keys"),
    TULGA_PROCESS="every",  # this process is web, worker and tick in turn
    DATABASE_URL=f"sqlite:///{FOLDER / 'bench.sqlite3'}",
    DJANGO_SETTINGS_MODULE="config.settings",
    TULGA_LOG_LEVEL="ERROR",
)
django.setup()


call_command("migrate", verbosity=0)


def new_lender() -> Lender:
    """A bench's lender."""
    return Lender.objects.create(name="Bench Credit", bin="120340000014", phone="+77270000044")


def begin(lender: Lender, reference: str, *, iin: str = IIN, profile: str = "KZ-2021-04") -> Story:
    """A verification by signature, opened by the lender."""
    facts = LenderFacts(id=lender.pk, name=lender.name, bin=lender.bin, phone=lender.phone)
    opened = openings.open_verification(
        lender=facts,
        mode="test",
        profile_id=profile,
        opening=opening(reference, iin=iin, routes=("eds",)),
    )
    return Story(lender, opened.verification_id, opened.token)


def iin_of(number: int) -> str:
    """A personal number, one per person."""
    while (last := check_digit(eleven := f"9901011{number:04}")) == "x":
        number += 5000
    return str(Iin.parse(eleven + last).value)


def work(story: Story) -> None:
    """A worker's work until no step is due."""
    while story.row().step:
        tasks.advance(story.id)


def trusted_authority(family: Literal["gost512", "rsa"]) -> Authority:
    """A fresh authority with its revocation list, trusted by this process from here on."""
    authority = create_authority(family, at=datetime.now(UTC) - timedelta(days=30))
    trust({family: authority}, settings, FOLDER / "anchors")  # type: ignore[arg-type]
    InsecureRevocation.lists = {family: (crl_of(authority),)}
    InsecureRevocation.faults = InsecureRevocation.asked = 0
    return authority
