"""What asking the register of people adds to a verification by a signature, in processor time.

`make bench PART=register`. On an SQLite file in memory, in one process that is web and worker in
turn: verifications by EDS (RSA) from the opening to the verdict, in rounds that alternate between a
law that asks the register and the same law without. Consent service and register answer at once
from memory, so that their own time is not counted.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(
    0, str(Path(__file__).resolve().parent.parent)
)  # run as a file, as `make bench` runs any here

import django

from verification.management.commands.make_keys import make_missing

_FOLDER = TemporaryDirectory(prefix="tulga-bench-", dir="/dev/shm")
_KEYS = Path(_FOLDER.name, "keys")
make_missing(_KEYS, made_by="operator")
os.environ.update(
    TULGA_VAR_DIR=_FOLDER.name,
    TULGA_KEYS_DIR=str(_KEYS),
    TULGA_PROCESS="every",  # this one is web, worker and tick in turn
    DATABASE_URL=f"sqlite:///{_FOLDER.name}/bench.sqlite3",
    DJANGO_SETTINGS_MODULE="config.settings",
    TULGA_LOG_LEVEL="ERROR",
)
django.setup()

from django.conf import settings
from django.core.management import call_command

from insecure_sandbox.authority import Authority, create_authority, issue
from lenders.models import Lender
from tests.verification import insecure_register
from tests.verification.stories.conftest import crl_of
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.story import Story, opening, person
from verification import tasks
from verification.access import commands
from verification.core import profiles
from verification.core.lender import LenderFacts
from verification.core.opening import Person
from verification.models import EvidenceItem, Verification
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

_ROUNDS, _CASES = 12, 20
_LAWS = {
    asks: replace(profiles.get("KZ-2021-04"), id=f"KZ-BENCH-{asks}", register_asked=asks or None)
    for asks in (False, True)
}


def main() -> None:
    """Measure and print."""
    call_command("migrate", verbosity=0)
    profiles.PROFILES.update({law.id: law for law in _LAWS.values()})
    know(person())
    play = player(trusted())
    spent: dict[bool, list[float]] = {False: [], True: []}
    for asks in spent:
        play(asks)  # what is done once a process
    for turn in range(_ROUNDS):
        for asks in (bool(turn % 2), not turn % 2):
            began = time.process_time()
            for _ in range(_CASES):
                play(asks)
            spent[asks].append((time.process_time() - began) / _CASES * 1000)
    if Verification.objects.exclude(status="verified").exists():
        raise SystemExit("a verification of the bench was not verified")
    asked = EvidenceItem.objects.filter(kind="register.person").count()
    without, with_register = (statistics.median(spent[asks]) for asks in (False, True))
    print(
        f"{_ROUNDS} rounds of {_CASES} verifications each way; the register was asked {asked} times"
    )
    print(f"without the register {without:6.1f} ms of processor a verification, median of rounds")
    print(f"with the register    {with_register:6.1f} ms; ratio {with_register / without:.2f}x")


def trusted() -> Authority:
    """An authority that the test set trusts, with its list, beside the register in memory."""
    authority = create_authority("rsa", at=datetime.now(UTC) - timedelta(days=30))
    folder = Path(_FOLDER.name, "pinned")
    folder.mkdir()
    pins = ["mode test"]
    for role, pinned in (("anchor", authority.root), ("intermediate", authority.issuing)):
        (folder / f"{role}.cer").write_bytes(pinned.certificate)
        pins.append(f"{sha256(pinned.certificate).hexdigest()} {role}")
    (folder / "pins.txt").write_text("\n".join(pins))
    InsecureRevocation.lists = {"rsa": (crl_of(authority),)}
    revocation = f"{InsecureRevocation.__module__}.{InsecureRevocation.__qualname__}"
    test = {"revocation": {"adapter": revocation}, "trust_anchors": {"directory": folder}}
    settings.TULGA_SOURCES = {"test": test | insecure_register.sources(), "live": {}}
    return authority


def know(stated: Person) -> None:
    """The register has this person as the lender states them."""
    document = {
        "type": "id_card",
        "number": stated.document.number,
        "issued_on": None,
        "status": "valid",
    }
    insecure_register.KNOWN.update(
        surname=stated.surname,
        name=stated.name,
        patronymic=stated.patronymic,
        birth_date=stated.birth_date.isoformat(),
        documents=[{**document, "valid_to": None}],
    )


def player(authority: Authority) -> Callable[[bool], None]:
    """Plays one verification, under the law that asks or the one that does not."""
    stated, since = person(), datetime.now(UTC) - timedelta(days=1)
    key = issue(
        authority, iin=stated.iin.value, surname=stated.surname, given_name=stated.name, at=since
    )
    lender = Lender.objects.create(name="Bench Credit", bin="120340000014", phone="+77270000044")
    facts = LenderFacts(id=lender.pk, name=lender.name, bin=lender.bin, phone=lender.phone)
    number = iter(range(1_000_000))

    def play(asks: bool) -> None:
        wanted, law = opening(f"bench-{next(number)}", routes=("eds",)), _LAWS[asks]
        opened = commands.open_verification(
            lender=facts, mode="test", profile_id=law.id, opening=wanted
        )
        story = Story(lender, opened.verification_id, opened.token)
        story.answer(agreed=True, version=CURRENT, language="ru")
        tasks.advance(story.id)
        story.answer(somebody_tells_me=False)
        for _ in ("question", "preparation"):
            tasks.advance(story.id)
        story.sign(key)
        tasks.advance(story.id)

    return play


if __name__ == "__main__":
    main()
