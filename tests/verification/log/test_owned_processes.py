"""A process that is wholly the attacker's: its keys, its role, whatever SQL. What it forges, and
what names it.
"""

import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tests import entries
from tests.verification.log import root
from tests.verification.log.judged import findings
from tests.verification.log.judged import judged as judge
from tests.verification.log.rows import NOON, order_all, slip_in
from tests.verification.stories.conftest import Issued, authorities, issued, trusted  # noqa: F401
from tests.verification.stories.story import Story, begin
from verification.core import certificates, events
from verification.core.certificates import PROCESSES, key_id
from verification.core.errors import BadInput, Misconfigured
from verification.log import decided, keys, log, signatures
from verification.management.commands.make_keys import ROOT_KEY
from verification.models import AuditEntry, AuditLeaf, AuditPending
from verification.payout import clearances

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

SIGNED = sorted(entries.SIGNED)


@pytest.fixture
def judged(issued: Issued) -> Story:  # noqa: F811
    """A case that was verified by a signature, ordered."""
    return judge(issued)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that other users come to; pytest's own are nobody else's."""
    with TemporaryDirectory(prefix="tulga-test-keys-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder, "keys")


def owned(settings: Settings, *kinds: str) -> None:
    """From here on this process holds the signing keys of these kinds and no others."""
    every = settings.TULGA_SIGNING_KEYS
    settings.TULGA_SIGNING_KEYS = {kind: every[kind] if kind in kinds else {} for kind in every}


@pytest.mark.parametrize(
    ("kinds", "may"),
    [
        (("door",), {name for name, one in events.ENTRY_TYPES.items() if events.WEB in one.signed}),
        (
            ("decision",),
            {name for name, one in events.ENTRY_TYPES.items() if events.WORKER in one.signed},
        ),
        (("sender",), {"endpoint.disabled"}),
        (("log",), {"log.heartbeat"}),
    ],
    ids=["web", "worker", "sender", "tick"],
)
def test_each_process_says_what_its_key_may_and_nothing_else(
    judged: Story, settings: Settings, kinds: tuple[str, ...], may: set[str]
) -> None:
    owned(settings, *kinds)
    said = set()
    for name, one in events.ENTRY_TYPES.items():
        if one.signed != (events.ROOT,):
            entry = AuditEntry(log="test", type=name, at=NOON, body={"v": 1})
            try:
                signatures.sign([entry])
            except Misconfigured:
                continue
            said.add(name)
    assert said == may


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a file to another user")
@pytest.mark.parametrize("process", PROCESSES)
def test_as_users_of_their_own_processes_read_their_own_keys_and_no_others(
    open_folder: Path, process: str
) -> None:
    users = [f"{name}={60_000 + number}" for number, name in enumerate(PROCESSES)]
    asked = [word for user in users for word in ("--user", user)]
    call_command("make_keys", str(open_folder), *asked, stdout=StringIO())
    uid = 60_000 + list(PROCESSES).index(process)
    program = (
        "import os, sys; from pathlib import Path; from config.key_files import read_keys,"
        f" readable_beside; keys = Path({str(open_folder)!r}); os.setgroups([]); os.setgid({uid});"
        f" os.setuid({uid}); print(bool(read_keys(keys, process={process!r}).signing),"
        f" readable_beside(keys, process={process!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("True []\n", "")


def test_what_the_root_certified_stands_in_the_log_and_is_believed_without_files(
    judged: Story, settings: Settings
) -> None:
    assert log.certify("test") == 4
    assert log.certify("test") == 0
    order_all()
    assert {one.kind for one in keys.on_record("test")} == set(events.SIGNERS)
    of_the_log = tuple(one for one in settings.TULGA_CERTIFIED if one.kind == "log")
    settings.TULGA_CERTIFIED = of_the_log
    assert findings() == []


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "door"},
        {"number": 2},
        {"certificate": b64encode(bytes(64)).decode()},
        {"certificate": 5},
        {"public": b64encode(bytes(32)).decode()},
    ],
)
def test_a_certificate_that_is_not_the_roots_is_refused(
    judged: Story, changed: dict[str, Any]
) -> None:
    log.certify("test")
    genuine = AuditEntry.objects.filter(type=events.CERTIFIED, body__kind="decision").get()
    bad = slip_in(genuine, verification_sequence=None, body=genuine.body | changed)
    order_all()
    assert AuditPending.objects.get(refused=True).entry_id == bad
    assert {one.id for one in keys.on_record("test")} == {one.id for one in keys.of_files("test")}


def test_a_revoked_key_is_believed_up_to_an_index_and_the_lenders_are_told(
    judged: Story, settings: Settings
) -> None:
    own = key_id(root.public("decision"))
    before = AuditLeaf.objects.count()
    out = StringIO()
    of_root = ["--root", str(settings.TULGA_KEYS_DIR / ROOT_KEY)]
    call_command("revoke_signing_key", "test", own, str(before), *of_root, stdout=out)
    assert "had decided 0 verifications" in out.getvalue()
    order_all()
    assert findings() == []
    later = begin(judged.lender, "A-2", iin="900101300017").to_statement()
    order_all()
    refused = AuditPending.objects.filter(refused=True).values_list("entry_id", flat=True)
    # What follows it waits too, and is named as well.
    assert set(refused) < {found.get("entry") for found in findings()}
    assert AuditEntry.objects.filter(verification_id=later.id, leaf=None).exists()
    # From earlier on: its decision is listed, and its lender told.
    out = StringIO()
    signed = certificates.revocation(root.seed(), mode="test", key=own, from_index=0)
    call_command("revoke_signing_key", "test", own, "0", "--signed", signed, stdout=out)
    assert out.getvalue().splitlines()[0] == judged.id
    order_all()
    # Nobody is told what it had decided any more, and what happened since is.
    assert decided.status_of(judged.row()).status == "processing"
    leaves = decided.leaves_after("test", lender_id=judged.lender.pk, lender_sequence=0, limit=100)
    assert not {leaf.entry.type for leaf in leaves} & set(events.DECISIONS)
    assert leaves[-1].entry.type == clearances.TOLD
    told = AuditEntry.objects.get(type=clearances.TOLD)
    assert (told.verification_id, told.leaf.lender_sequence is not None) == (judged.id, True)
    codes = {found["code"] for found in findings()}
    assert codes == {"key_revoked", "entry_refused"}
    call_command("revoke_signing_key", "test", own, "0", "--signed", signed, stdout=StringIO())
    assert AuditEntry.objects.filter(type=clearances.TOLD).count() == 1


def test_only_the_root_revokes(judged: Story, settings: Settings) -> None:
    own = key_id(root.public("decision"))
    for seed in (
        settings.TULGA_SIGNING_KEYS["decision"]["test"][1],
        settings.TULGA_LOG_KEYS["test"],
        bytes(32),
    ):
        signed = certificates.revocation(seed, mode="test", key=own, from_index=0)
        with pytest.raises(BadInput, match="did not sign this revocation"):
            clearances.revoke_key("test", key=own, from_index=0, signature=signed)
    for mode, key, index in (("live", own, 0), ("test", "0" * 16, 0), ("test", own, 1)):
        signed = certificates.revocation(root.seed(), mode=mode, key=key, from_index=index)
        with pytest.raises(BadInput):
            clearances.revoke_key("test", key=own, from_index=0, signature=signed)
    with pytest.raises(BadInput, match="no key"):
        clearances.revoke_key("test", key="0" * 16, from_index=0, signature="")
    with pytest.raises(CommandError):
        call_command("revoke_signing_key", "test", own, "-1", "--signed", "x")
    genuine = AuditEntry.objects.get(verification_id=judged.id, type="verification.created")
    body = {"v": 1, "key": own, "from_index": 0, "revocation": b64encode(bytes(64)).decode()}
    of_nobody = {"verification_id": None, "lender_id": None, "verification_sequence": None}
    bad = slip_in(genuine, **of_nobody, type="key.revoked", body=body)
    order_all()
    assert AuditPending.objects.get(refused=True).entry_id == bad
    assert keys.revoked("test") == {}
