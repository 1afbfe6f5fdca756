"""A log that was cut, turned back or added to is named as such."""

from pathlib import Path

import pytest
from django.conf import settings

from tests.verification.log.ordered import found
from tests.verification.log.rows import tamper
from verification.log import checkpoint, keys
from verification.log.checkpoint import Checkpoint
from verification.log.signatures import spell_leaf
from verification.log.tree import leaf_hash
from verification.log.verify import verify_log
from verification.models import AuditEntry, AuditLeaf, AuditPending, Verification

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_added_leaf_is_named(log: list[AuditLeaf]) -> None:
    waiting = AuditPending.objects.get().entry
    spelt = spell_leaf(waiting, lender_sequence=None)
    AuditPending.objects.all().delete()
    AuditLeaf.objects.create(log="test", leaf_index=9, entry=waiting, leaf_hash=leaf_hash(spelt))
    named = {finding.code: finding for finding in found()}
    assert "the head says 9 entries, the leaves say 10" in named["head"].detail
    assert named["leaf_misplaced"].entry == waiting.pk


def test_a_log_cut_to_an_earlier_head_is_named_by_the_head_file_alone(log: list[AuditLeaf]) -> None:
    tamper(
        ("DELETE FROM verification_auditleaf WHERE leaf_index >= 6", ()),
        ("DELETE FROM verification_auditpending", ()),
        (
            (
                "DELETE FROM verification_auditentry WHERE id NOT IN (SELECT entry_id FROM"
                " verification_auditleaf)"
            ),
            (),
        ),
        ("DELETE FROM verification_auditcheckpoint WHERE size > 6", ()),
        ("UPDATE verification_audithead SET size = 6", ()),
        ("UPDATE verification_verification SET status = 'failed'", ()),
    )
    tamper(
        (
            "UPDATE verification_verification SET status = 'verified' WHERE id IN (%s, %s)",
            _verifications(log[:6]),
        )
    )
    tamper(("DELETE FROM verification_verification WHERE status = 'failed'", ()))
    assert [(finding.code, finding.detail) for finding in found()] == [
        (
            "head_file",
            "the head file does not fit: it was signed up to 9 entries, the database holds 6",
        )
    ]
    # A copy may well be older than the head file.
    assert list(verify_log("test", against_head_file=False)) == []


CUTS = {
    "UPDATE verification_audithead SET size = 6": "the head says 6 entries, the leaves say 9",
    "UPDATE verification_audithead SET size = 600000000000": (
        "the head says 600000000000 entries, the leaves say 9"
    ),
    "DELETE FROM verification_audithead": "the head says 0 entries, the leaves say 9",
    "DELETE FROM verification_auditcheckpoint WHERE size = 9": (
        "the head says 9 entries, the last checkpoint says 6"
    ),
    "DELETE FROM verification_auditleaf WHERE leaf_index = 8": (
        "the head says 9 entries, the leaves say 8"
    ),
}


@pytest.mark.parametrize("cut", CUTS)
def test_a_cut_head_is_named(log: list[AuditLeaf], cut: str) -> None:
    tamper((cut, ()))
    assert CUTS[cut] in [finding.detail for finding in found() if finding.code == "head"]


def _verifications(leaves: list[AuditLeaf]) -> tuple[str, ...]:
    entries = AuditEntry.objects.filter(pk__in=[leaf.entry_id for leaf in leaves])
    return tuple(
        Verification.objects.filter(entries__in=entries).distinct().values_list("pk", flat=True)
    )


def test_a_log_that_is_not_the_one_in_the_head_file_is_named(log: list[AuditLeaf]) -> None:
    path = Path(settings.TULGA_LOG_HEAD_DIR) / "test.head"
    key = keys.signing_key("test")
    fork = Checkpoint(origin=key.name, size=6, root=bytes(32))
    path.write_text(checkpoint.sign(fork, key=key))
    [named] = found()
    assert (named.code, named.log) == ("head_file", "test")
    assert "the root signed at 6 entries is not that of the stored tiles" in named.detail
    path.write_bytes(b"x")
    assert ["is damaged" in finding.detail for finding in found()] == [True]
    path.unlink()
    assert ["is missing" in finding.detail for finding in found()] == [True]
