"""Each change behind the back of the log is named: entries, leaves, tiles, checkpoints and rows."""

import json
import multiprocessing
import os
import signal
from base64 import b64encode
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from tests import registered
from tests.verification.log import root
from tests.verification.log.judged import (
    audit,
    delete,
    entry_of,
    erase,
    findings,
    findings_of,
    judged,
    lapsed,
    places,
    update,
)
from tests.verification.log.ordered import ENTRY, found, nine_ordered
from tests.verification.log.rows import (
    NOON,
    add_entry,
    add_lender,
    add_verification,
    order_all,
    tamper,
)
from tests.verification.stories.conftest import Issued
from tests.verification.stories.insecure_glance import glanced, one_voted, voted
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.insecure_glance import judged as glanced_attempt
from tests.verification.stories.story import OTHER_IIN, Story, begin, lender
from verification import clock
from verification.access import links, openings
from verification.case import moving
from verification.core.errors import BadInput
from verification.core.events import KEEPING
from verification.core.keeping import claims
from verification.course import tables
from verification.evidence import store, vault
from verification.log import checkpoint, keys, policy, verify_cases, verify_tree
from verification.log.checkpoint import Checkpoint, SigningKey
from verification.log.signatures import spell_leaf
from verification.log.spread import spread, together
from verification.log.stored_rows import Case, load
from verification.log.tree import leaf_hash
from verification.log.verify import log_of, verify_log, verify_since
from verification.models import (
    Attempt,
    AuditCheckpoint,
    AuditEntry,
    AuditLeaf,
    AuditPending,
    AuditTile,
    EvidenceItem,
    SharedEvidence,
    SharedEvidenceUse,
    Verification,
)
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

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


# A changed entry or leaf is named with its place.


TOLD = 2  # the decision of the first case: the first that its lender is told, and so counted


def test_an_unchanged_log_has_no_findings(log: list[AuditLeaf]) -> None:
    assert found() == []
    assert found("live") == []


ON_ENTRY = "UPDATE verification_auditentry SET {} WHERE id = %s"

ON_LEAF = "UPDATE verification_auditleaf SET {} WHERE leaf_index = %s"

ENTRY_EDITS = [
    *(
        f"body = '{body}'"
        for body in ('{"v":"1"}', '{"v":true}', '{"v":1.5}', '{"v":null}', "[]", "1")
    ),
    'body = \'{"v":1,"sequence":"1","codes":["eds_certificate_revoked"]}\'',
    "at = '2026-03-01 12:00:02.000001+00:00'",
    "type = 'attempt.opened', body = '{\"codes\":[],\"sequence\":2}'",
    "lender_id = (SELECT max(id) FROM lenders_lender WHERE bin = '222222222222')",
    "type = 'link.spent'",
    "at = '2026-03-01 12:00:09+00:00'",
    "verification_sequence = 7",
    "log = 'live'",
    "verification_id = NULL",
]

# What is changed in a leaf, and the code and field by which it is named.
LEAF_EDITS = {
    **dict.fromkeys(
        [f"leaf_hash = '\\x{'00' * size}'" for size in (1, 31, 32, 64)], ("leaf_hash", "leaf")
    ),
    "leaf_hash = '\\x'": ("entry_differs", ""),
    "lender_sequence = 9": ("lender_sequence", "lender_sequence"),
    "told_to = 'len_x'": ("lender", "told_to"),
}


@pytest.mark.parametrize("edit", ENTRY_EDITS)
def test_an_edited_entry_is_named_with_its_leaf(log: list[AuditLeaf], edit: str) -> None:
    tamper((ON_ENTRY.format(edit), (log[ENTRY].entry_id,)))
    [named] = [finding for finding in found() if finding.code == "entry_differs"]
    assert (named.log, named.leaf_index, named.entry) == ("test", ENTRY, log[ENTRY].entry_id)


@pytest.mark.embedded
@pytest.mark.parametrize(
    "edit",
    [
        """body = '{"v":2,' || substr(body, 2)""",
        """body = replace(body, ': ', ':')""",
        "at = replace(at, ' ', 'T')",
        "at = at || '+00:00'",
    ],
)
def test_an_entry_that_sqlite_reads_otherwise_than_we_hash_it_is_named(
    log: list[AuditLeaf], edit: str
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL keeps values, not their spelling")
    tamper((ON_ENTRY.format(edit), (log[ENTRY].entry_id,)))
    assert [(finding.code, finding.leaf_index) for finding in found()] == [("entry_spelled", ENTRY)]


@pytest.mark.parametrize("edit", LEAF_EDITS)
def test_an_edited_leaf_is_named_with_the_field(log: list[AuditLeaf], edit: str) -> None:
    code, field = LEAF_EDITS[edit]
    if connection.vendor == "sqlite":
        edit = edit.replace("'\\x", "x'")
    tamper((ON_LEAF.format(edit), (ENTRY,)))
    assert (code, ENTRY, field) in [
        (finding.code, finding.leaf_index, finding.field) for finding in found()
    ]


def test_an_edited_body_has_exactly_one_finding(log: list[AuditLeaf]) -> None:
    tamper((ON_ENTRY.format("body = '{}'"), (log[ENTRY].entry_id,)))
    assert [str(finding) for finding in found()] == [
        f"test log, leaf {ENTRY}, entry {log[ENTRY].entry_id}: what the entry says is not what was"
        " hashed"
    ]


def test_a_deleted_leaf_is_named_and_so_is_its_entry(log: list[AuditLeaf]) -> None:
    tamper(("DELETE FROM verification_auditleaf WHERE leaf_index = %s", (TOLD,)))
    named = {finding.code: finding for finding in found()}
    assert named["leaf_missing"].leaf_index == TOLD
    assert named["entry_lost"].entry == log[TOLD].entry_id
    assert "goes from 0 to 2" in named["lender_sequence"].detail
    assert set(named) == {"leaf_missing", "entry_lost", "lender_sequence"}


def test_a_deleted_entry_is_named_with_its_leaf(log: list[AuditLeaf]) -> None:
    verification = log[ENTRY].entry.verification_id
    tamper(("DELETE FROM verification_auditentry WHERE id = %s", (log[ENTRY].entry_id,)))
    named = {finding.code: finding for finding in found()}
    assert (named["entry_missing"].leaf_index, named["entry_missing"].entry) == (
        ENTRY,
        log[ENTRY].entry_id,
    )
    assert str(verification) in named["verification_sequence"].detail


def test_a_leaf_deleted_with_its_entry_leaves_gaps_that_are_named(log: list[AuditLeaf]) -> None:
    tamper(
        ("DELETE FROM verification_auditleaf WHERE leaf_index = %s", (TOLD,)),
        ("DELETE FROM verification_auditentry WHERE id = %s", (log[TOLD].entry_id,)),
    )
    codes = [finding.code for finding in found()]
    assert sorted(codes) == ["leaf_missing", "lender_sequence", "undecided"]


def test_two_entries_with_swapped_places_are_named(log: list[AuditLeaf]) -> None:
    first, second = log[ENTRY].entry_id, log[ENTRY + 1].entry_id
    tamper(
        (ON_LEAF.format("entry_id = 'evt_x'"), (ENTRY,)),
        (
            "UPDATE verification_auditleaf SET entry_id = %s WHERE leaf_index = %s",
            (first, ENTRY + 1),
        ),
        ("UPDATE verification_auditleaf SET entry_id = %s WHERE leaf_index = %s", (second, ENTRY)),
    )
    named = [finding for finding in found() if finding.code == "entry_differs"]
    assert [(finding.leaf_index, finding.entry) for finding in named] == [
        (ENTRY, second),
        (ENTRY + 1, first),
    ]


def test_evidence_that_leaves_list_must_stand_unchanged() -> None:
    verification = add_verification(add_lender())
    key = vault.make(verification_id=verification.pk, lender_id=verification.lender_id)
    vault.keep(key)
    items = [
        store.put(key, b"original", kind="statement.signed"),
        store.put(key, b"other", kind="x.y"),
    ]
    add_entry(verification, body={"evidence": [store.leaf_list([item])[0] for item in items]})
    order_all()
    assert found() == []
    EvidenceItem.objects.filter(pk=items[0].pk).update(commitment="0" * 64)
    EvidenceItem.objects.filter(pk=items[1].pk).delete()
    assert sorted((finding.code, finding.field) for finding in found()) == [
        ("evidence_differs", "commitment"),
        ("evidence_missing", ""),
    ]


def test_shared_evidence_that_leaves_list_must_stand_unchanged() -> None:
    first, second = store.put_all_shared([b"a revocation list", b"an anchor"])
    listed = [{"kind": "shared.crl", "sha256": row.pk, "size": row.size} for row in (first, second)]
    add_entry(body={"evidence": listed})
    order_all()
    assert found() == []
    SharedEvidence.objects.filter(pk=first.pk).update(size=1)
    SharedEvidence.objects.filter(pk=second.pk).delete()
    assert [(finding.code, finding.field) for finding in found()] == [
        ("evidence_differs", "size"),
        ("evidence_missing", ""),
    ]


@pytest.mark.parametrize(
    "claim", [{"sha256": "x"}, {"sha256": "\U0001f600"}, {"sha256": ""}, {"id": "x"}], ids=repr
)
def test_evidence_that_cannot_be_there_is_named_missing(claim: dict[str, str]) -> None:
    add_entry(body={"evidence": [claim]})
    order_all()
    assert [(finding.code, finding.field) for finding in found()] == [("evidence_missing", "")]


@pytest.mark.parametrize(
    "evidence", ["x", 1, [1], [{}], [{"id": 1}], [{"sha256": [1]}], {"id": "x"}]
)
def test_a_body_may_use_the_word_evidence_for_something_else(evidence: object) -> None:
    add_entry(body={"evidence": evidence})
    order_all()
    assert found() == []


@pytest.mark.embedded
@pytest.mark.parametrize("body", ["{", '{"a": "\ud800"}', "[0.5]", "null"])
def test_an_unreadable_body_is_named_and_reading_goes_on(log: list[AuditLeaf], body: str) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL stores no such text")
    damaged = body.encode("utf-8", "surrogatepass")
    tamper(
        (
            "UPDATE verification_auditentry SET body = CAST(%s AS TEXT) WHERE id = %s",
            (damaged, log[ENTRY].entry_id),
        )
    )
    named = [
        (finding.leaf_index, finding.entry)
        for finding in found()
        if finding.code.startswith("entry_")
    ]
    assert named == [(ENTRY, log[ENTRY].entry_id)]


@pytest.mark.parametrize(
    "column", ["lender_sequence = 'x'", "lender_sequence = NULL", "told_to = ''"]
)
def test_a_lenders_sequence_that_is_no_number_is_named(log: list[AuditLeaf], column: str) -> None:
    if connection.vendor != "sqlite":
        column = column.replace("'x'", "NULL")
    tamper((ON_LEAF.format(column), (TOLD,)))
    named = [
        (finding.leaf_index, finding.code)
        for finding in found()
        if finding.field == "lender_sequence"
    ]
    assert (TOLD, "lender_sequence") in named


def test_an_entry_that_no_lender_is_told_of_has_no_number(log: list[AuditLeaf]) -> None:
    assert [leaf.lender_sequence for leaf in log if leaf.entry.type == "attempt.opened"] == [
        None
    ] * 6
    tamper((ON_LEAF.format("lender_sequence = 4"), (ENTRY,)))
    named = [
        (finding.leaf_index, finding.detail)
        for finding in found()
        if finding.code == "lender_sequence"
    ]
    assert (ENTRY, "an entry of the type attempt.opened is counted for its lender") in named


# Entries that were lost, doubled or reordered are named, and so is a status that the log did not
# decide.


def test_an_entry_that_no_longer_waits_is_named(log: list[AuditLeaf]) -> None:
    waiting = AuditPending.objects.get().entry_id
    tamper(("DELETE FROM verification_auditpending", ()))
    assert [(finding.code, finding.entry) for finding in found()] == [("entry_lost", waiting)]


def test_an_entry_that_is_ordered_and_waits_is_named(log: list[AuditLeaf]) -> None:
    AuditPending.objects.create(entry_id=log[0].entry_id)
    assert [(finding.code, finding.entry) for finding in found()] == [
        ("entry_waits", log[0].entry_id)
    ]


def test_a_status_that_the_log_did_not_decide_is_named(log: list[AuditLeaf]) -> None:
    decision = log[5].entry
    tamper(
        (
            "UPDATE verification_verification SET status = 'declined' WHERE id = %s",
            (decision.verification_id,),
        )
    )
    assert [(finding.code, finding.entry, finding.field) for finding in found()] == [
        ("status", decision.pk, "status")
    ]
    assert decision.lender is not None
    undecided = add_verification(decision.lender, status="verified")
    assert [finding.detail for finding in found() if finding.code == "undecided"] == [
        f"verification {undecided.pk} stands as verified, but the log decided nothing"
    ]


def test_two_decisions_are_named(log: list[AuditLeaf]) -> None:
    drop = {"sqlite": "DROP INDEX", "postgresql": "DROP INDEX"}[connection.vendor]
    tamper(
        (f"{drop} one_decision_per_verification", ()),
        (ON_ENTRY.format("type = 'verification.verified'"), (log[ENTRY].entry_id,)),
    )
    named = {finding.code: finding for finding in found()}
    assert (
        named["decisions"].detail
        == f"verification {log[ENTRY].entry.verification_id} has 2 decisions"
    )
    assert named["entry_differs"].entry == log[ENTRY].entry_id


def test_sequences_that_run_backwards_in_the_log_are_named() -> None:
    verification = add_verification(add_lender())
    second = add_entry(verification, verification_sequence=2)
    order_all()
    first = add_entry(verification, verification_sequence=1)
    order_all()
    assert [(finding.code, finding.entry) for finding in found()] == [
        ("verification_order", first.pk)
    ]
    assert second.pk != first.pk


def test_sequences_begin_at_one_and_have_no_gaps() -> None:
    lender = add_lender()
    for numbers in ((1, 3), (2, 3), (1, 2)):
        verification = add_verification(lender)
        for number in numbers:
            add_entry(verification, verification_sequence=number)
    order_all()
    assert [finding.code for finding in found()] == ["verification_sequence"] * 2


def test_a_waiting_entry_whose_name_is_damaged_is_not_read_for_ever(log: list[AuditLeaf]) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("this database stores no such row")
    # Bytes stand behind every text, and before it once they are asked for as one.
    waiting = AuditPending.objects.get().entry_id
    tamper(
        ("UPDATE verification_auditentry SET id = CAST(id AS BLOB) WHERE id = %s", (waiting,)),
        (
            (
                "UPDATE verification_auditpending SET entry_id = CAST(entry_id AS BLOB) WHERE"
                " entry_id = %s"
            ),
            (waiting,),
        ),
    )
    assert {finding.code for finding in found()} <= {"entry_refused"}


# Changes that keep rows in step are named by the tiles, and those that keep the tiles in step by
# the signatures.


def rewrite(
    leaf: AuditLeaf, *, body: dict[str, Any], tile: bool
) -> list[tuple[str, tuple[Any, ...]]]:
    """An insider's edit that keeps entry and leaf in step, and with `tile` the tile as well."""
    entry = leaf.entry
    entry.body = body
    spelt = spell_leaf(entry, lender_sequence=leaf.lender_sequence)
    statements: list[tuple[str, tuple[Any, ...]]] = [
        (
            "UPDATE verification_auditentry SET body = %s WHERE id = %s",
            (json.dumps(body), entry.pk),
        ),
        (
            "UPDATE verification_auditleaf SET leaf_hash = %s WHERE leaf_index = %s",
            (leaf_hash(spelt), leaf.leaf_index),
        ),
    ]
    if tile:
        row = bytearray(AuditTile.objects.get(level=0).hashes)
        row[leaf.leaf_index * 32 : leaf.leaf_index * 32 + 32] = leaf_hash(spelt)
        statements.append(("UPDATE verification_audittile SET hashes = %s", (bytes(row),)))
    return statements


def test_an_edit_that_keeps_entry_and_leaf_in_step_is_named_by_the_tile(
    log: list[AuditLeaf],
) -> None:
    tamper(*rewrite(log[ENTRY], body={}, tile=False))
    assert [(finding.code, finding.leaf_index, finding.field) for finding in found()] == [
        ("leaf_hash", ENTRY, "leaf"),
        ("entry_unsigned", ENTRY, ""),
    ]
    assert "not the one that was signed" in found()[0].detail


def test_an_edit_that_keeps_all_rows_in_step_is_placed_by_the_signatures(
    log: list[AuditLeaf],
) -> None:
    tamper(*rewrite(log[ENTRY], body={}, tile=True))
    roots = [finding for finding in found() if finding.code == "root"]
    assert len(roots) == 1
    assert "signed at 6 entries, nor to 1 later ones: one of the entries 3 to 5" in roots[0].detail


def test_an_edited_tile_is_told_from_an_edited_leaf(log: list[AuditLeaf]) -> None:
    row = bytearray(AuditTile.objects.get(level=0).hashes)
    row[ENTRY * 32] ^= 1
    tamper(("UPDATE verification_audittile SET hashes = %s", (bytes(row),)))
    [named] = [finding for finding in found() if finding.code == "leaf_hash"]
    assert (named.leaf_index, named.field) == (ENTRY, "tile")
    assert "the tile's copy of it was changed" in named.detail


def test_every_stored_checkpoint_is_verified(log: list[AuditLeaf]) -> None:
    note = AuditCheckpoint.objects.get(size=6).note
    root = note.split("\n")[2]
    changed = note.replace(root, ("B" if root[0] == "A" else "A") + root[1:])
    tamper(("UPDATE verification_auditcheckpoint SET note = %s WHERE size = 6", (changed,)))
    named = [finding for finding in found() if finding.code == "checkpoint"]
    assert ["of 6 entries is not good" in finding.detail for finding in named] == [True]
    tamper(("UPDATE verification_auditcheckpoint SET size = 7 WHERE size = 9", ()))
    assert any("it is of 9 entries" in finding.detail for finding in found())


def test_checkpoints_under_another_key_are_named(log: list[AuditLeaf], settings: Settings) -> None:
    others = [one for one in settings.TULGA_CERTIFIED if (one.kind, one.mode) != ("log", "test")]
    settings.TULGA_CERTIFIED = (*others, root.certified("log", 0, bytes(32)))
    assert [finding.code for finding in found()].count("checkpoint") == 3


def test_a_missing_or_cut_tile_is_named(log: list[AuditLeaf]) -> None:
    tamper(
        (
            "UPDATE verification_audittile SET hashes = %s",
            (bytes(AuditTile.objects.get().hashes)[:-5],),
        )
    )
    assert ("tile", "tile 0/0 holds 283 bytes, not 288") in [
        (finding.code, finding.detail) for finding in found()
    ]
    tamper(("DELETE FROM verification_audittile", ()))
    assert ("tile", "tile 0/0 holds 0 bytes, not 288") in [
        (finding.code, finding.detail) for finding in found()
    ]


def test_a_larger_log_is_verified_over_pages_and_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verification.log.verify_tree.LEAF_PAGE", 70)
    for number in range(600):
        add_entry(body={"number": number}, at=NOON)
    order_all(limit=150)
    assert found() == []
    tile = AuditTile.objects.get(level=1)
    tamper(
        (
            "UPDATE verification_audittile SET hashes = %s WHERE level = 1",
            (bytes(len(tile.hashes)),),
        )
    )
    assert [finding.detail for finding in found() if finding.code == "tile"] == [
        "tile 1/0 and tile 0/0 below it do not agree",
        "tile 1/0 and tile 0/1 below it do not agree",
    ]


def test_checkpoints_beyond_the_leaves_say_that_the_log_was_cut(log: list[AuditLeaf]) -> None:
    tamper(
        ("DELETE FROM verification_auditleaf WHERE leaf_index >= 6", ()),
        ("UPDATE verification_audithead SET size = 6", ()),
        ("UPDATE verification_auditcheckpoint SET size = 2000 WHERE size = 9", ()),
    )
    named = [(finding.code, finding.log, finding.detail) for finding in found()]
    assert ("head", "test", "the head says 6 entries, the last checkpoint says 2000") in named
    assert (
        "checkpoint",
        "test",
        "the stored checkpoint of 2000 entries is not good: it is of 9 entries",
    ) in named


def test_a_signed_checkpoint_beyond_the_leaves_says_that_the_log_was_cut(
    log: list[AuditLeaf],
) -> None:
    key = keys.signing_key("test")
    ahead = checkpoint.sign(Checkpoint(origin=key.name, size=5000, root=bytes(32)), key=key)
    AuditCheckpoint.objects.create(log="test", size=5000, note=ahead, created_at=NOON)
    [cut] = [finding for finding in found() if finding.code == "truncated"]
    assert (cut.log, cut.detail) == (
        "test",
        "checkpoints were signed up to 5000 entries, the log holds 9: it was cut",
    )


def test_without_signatures_an_edit_is_named_but_not_judged(log: list[AuditLeaf]) -> None:
    tamper(
        *rewrite(log[ENTRY], body={}, tile=False), ("DELETE FROM verification_auditcheckpoint", ())
    )
    [named] = [finding for finding in found() if finding.code == "leaf_hash"]
    assert (named.log, named.leaf_index) == ("test", ENTRY)
    assert "no signed root says which was changed" in named.detail


def test_edits_of_leaf_and_tile_in_different_places_are_both_named(log: list[AuditLeaf]) -> None:
    row = bytearray(AuditTile.objects.get(level=0).hashes)
    row[3 * 32] ^= 1
    tamper(
        *rewrite(log[ENTRY], body={}, tile=False),
        ("UPDATE verification_audittile SET hashes = %s", (bytes(row),)),
    )
    named = [finding for finding in found() if finding.code == "leaf_hash"]
    assert [finding.leaf_index for finding in named] == [3, ENTRY]
    assert all("neither leads to the signed root" in finding.detail for finding in named)
    assert [
        "one of the entries 3 to 5 is" in finding.detail
        for finding in found()
        if finding.code == "root"
    ] == [True]


def test_an_edit_in_the_first_batch_is_placed_from_the_beginning(log: list[AuditLeaf]) -> None:
    tamper(*rewrite(log[1], body={}, tile=True))
    assert [
        "one of the entries 0 to 2 is" in finding.detail
        for finding in found()
        if finding.code == "root"
    ] == [True]


def test_an_edit_beyond_the_first_tile_is_named_with_its_leaf() -> None:
    for number in range(300):
        add_entry(body={"number": number}, at=NOON)
    order_all()
    leaf = AuditLeaf.objects.get(leaf_index=270)
    tamper(*rewrite(leaf, body={}, tile=False))
    assert [(finding.code, finding.leaf_index) for finding in found()] == [
        ("leaf_hash", 270),
        ("entry_unsigned", 270),
    ]


# A log that does not continue a kept checkpoint is named; no kept file crashes the command.


def note(size: int) -> bytes:
    return str(AuditCheckpoint.objects.get(log="test", size=size).note).encode()


def codes(kept: bytes) -> list[str]:
    assert log_of(kept) == "test"
    return [finding.code for finding in verify_since("test", kept)]


@pytest.mark.parametrize("size", [3, 6, 9])
def test_a_log_that_goes_on_from_what_was_kept_is_in_order(log: list[AuditLeaf], size: int) -> None:
    add_entry()
    order_all()
    assert codes(note(size)) == []


def test_the_checkpoint_of_an_empty_log_is_kept_by_every_log(log: list[AuditLeaf]) -> None:
    key = keys.signing_key("test")
    empty = Checkpoint(
        origin=key.name, size=0, root=checkpoint.parse_hash(b64encode(EMPTY).decode())
    )
    assert codes(checkpoint.sign(empty, key=key).encode()) == []


EMPTY = bytes.fromhex(
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)  # SHA-256 of nothing


def test_a_log_that_was_turned_back_is_named(log: list[AuditLeaf]) -> None:
    kept = note(9)
    tamper(("DELETE FROM verification_auditleaf WHERE leaf_index >= 6", ()))
    assert codes(kept) == ["since_turned_back"]
    assert codes(note(6)) == []


def test_a_log_that_was_rewritten_is_named_though_all_in_it_fits(log: list[AuditLeaf]) -> None:
    """The holder of the log's key signs another history of the same length."""
    key = keys.signing_key("test")
    kept = checkpoint.sign(Checkpoint(origin=key.name, size=6, root=bytes(32)), key=key)
    assert codes(kept.encode()) == ["since_forked"]


@pytest.mark.parametrize(
    "change",
    ["DELETE FROM verification_auditleaf", "UPDATE verification_auditleaf SET leaf_hash = 'x'"],
)
def test_a_leaf_before_it_that_is_gone_or_changed_is_named(
    log: list[AuditLeaf], change: str
) -> None:
    tamper((f"{change} WHERE leaf_index = 4", ()))
    assert codes(note(6)) == ["since_forked"]
    assert codes(note(3)) == []


def test_a_checkpoint_that_the_log_never_signed_is_named(log: list[AuditLeaf]) -> None:
    name = keys.signing_key("test").name
    of_another = SigningKey(name=name, seed=b"\x07" * 32)
    kept = checkpoint.sign(Checkpoint(origin=name, size=3, root=bytes(32)), key=of_another)
    assert codes(kept.encode()) == ["since_unsigned"]
    assert codes(note(6).replace(b"\n6\n", b"\n3\n")) == ["since_unsigned"]


def command(path: Path, *arguments: str) -> tuple[int, str]:
    registered.every_lender()
    out = StringIO()
    try:
        call_command("audit_verify", "--since", str(path), *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


def test_the_command_compares_with_the_file_that_was_kept(
    log: list[AuditLeaf], tmp_path: Path
) -> None:
    (path := tmp_path / "kept").write_bytes(note(6))
    assert command(path)[0] == 0
    assert command(path, "--log", "test")[0] == 0
    code, said = command(path, "--log", "live")
    assert (code, "which is left out" in said) == (3, True)
    path.write_bytes(note(6).replace(b"\n6\n", b"\n3\n"))
    code, said = command(path)
    assert (code, "the kept checkpoint is not of this log" in said) == (1, True)


BAD: dict[bytes, str] = {
    b"": "no signatures",
    b"\xff\xfe": "no UTF-8",
    b"x" * (policy.NOTE_BYTES + 1): "too large",
    b"tulga/test\n9\n": "no signatures",
    b"x\n1\n\n\xe2\x80\x94 x AAAAAAAA\n": "three lines",
    b"elsewhere\n0\n"
    + b64encode(EMPTY)
    + b"\n\n\xe2\x80\x94 elsewhere AAAAAAAA\n": "a log that is not here",
}


@pytest.mark.parametrize("content", BAD)
def test_a_file_that_is_no_checkpoint_of_ours_is_told_and_exits_with_3(
    transactional_db: None, tmp_path: Path, content: bytes
) -> None:
    (path := tmp_path / "kept").write_bytes(content)
    code, said = command(path)
    assert (code, "the file is not a checkpoint of a log here" in said) == (3, True)
    assert BAD[content] in said


def test_a_file_that_is_not_there_is_told_and_exits_with_3(
    transactional_db: None, tmp_path: Path
) -> None:
    for path in (tmp_path / "none", tmp_path):
        code, said = command(path)
        assert (code, "the kept checkpoint cannot be read" in said) == (3, True)


def test_a_log_whose_key_is_not_here_is_not_compared_with(
    log: list[AuditLeaf], settings: Settings
) -> None:
    kept = note(3)
    settings.TULGA_CERTIFIED = tuple(
        one for one in settings.TULGA_CERTIFIED if (one.kind, one.mode) != ("log", "test")
    )
    with pytest.raises(BadInput, match="not here"):
        log_of(kept)


@given(st.binary(max_size=400))
def test_no_bytes_crash_the_reader(content: bytes) -> None:
    with pytest.raises(BadInput):
        log_of(content)


# What the tables hold beside the log is compared with it: every row that was changed, added or
# taken away is named.


@pytest.fixture
def story(issued: Issued, trusted: object) -> Story:
    return judged(issued)


NOTHING_LEFT_OUT = {"cases": 0, "indexes": 0, "originals": 0}


def test_honest_cases_have_no_findings(story: Story, issued: Issued) -> None:
    canceled = begin(story.lender, "A-2", iin=OTHER_IIN).to_statement()
    openings.cancel(lender_id=canceled.lender.pk, mode="test", verification_id=canceled.id)
    lapsed(begin(story.lender, "A-3", iin=OTHER_IIN))
    declined = begin(lender("Other", number=500), "A-4")
    declined.answer(agreed=False, version=CURRENT, language="kk")
    declined.work()
    judging = begin(lender("Third", number=700), "A-5").to_statement()
    judging.sign(issued())
    statuses = set(Attempt.objects.values_list("status", flat=True))
    assert statuses >= {"passed", "failed", "void", "lapsed", "judging"}
    assert findings() == []
    order_all()
    told = audit()
    assert told["findings"] == []
    assert told["unchecked"]["test"] == NOTHING_LEFT_OUT


VERIFICATION = {
    "code = 'eds_iin_mismatch'": "code",
    "profile_id = 'KZ-2025-01'": "profile",
    "profile_sha256 = borrower_index": "profile_sha256",
    'passed_routes = \'["eds", "biometric"]\'': "routes",
    "finished_at = '2026-01-01 00:00:00'": "at",
}


@pytest.mark.parametrize("change", VERIFICATION)
def test_a_verification_that_is_not_as_it_was_decided_is_named(story: Story, change: str) -> None:
    tamper(update("verification", change, story.id))
    decision = entry_of(story, "verification.verified")
    assert ("row_differs", decision.pk, VERIFICATION[change]) in places(findings())


def test_a_verification_moved_to_another_mode_or_time_is_named_by_its_opening(story: Story) -> None:
    created = entry_of(story, "verification.created")
    tamper(update("verification", "mode = 'live', created_at = '2026-01-01 00:00:00'", story.id))
    for arguments in (("--log", "test"), ("--log", "live")):
        named = places(findings(*arguments))
        assert {("row_differs", created.pk, "log"), ("row_differs", created.pk, "at")} <= named


def test_a_newest_entry_taken_away_before_it_was_ordered_is_named(story: Story) -> None:
    waiting = begin(story.lender, "A-2", iin=OTHER_IIN)
    links.mint(verification_id=waiting.id, lender_id=story.lender.pk, mode="test")
    newest = AuditEntry.objects.filter(verification_id=waiting.id).latest("verification_sequence")
    assert AuditPending.objects.filter(entry=newest).exists()
    tamper(
        ("DELETE FROM verification_auditpending WHERE entry_id = %s", (newest.pk,)),
        delete("auditentry", newest.pk),
    )
    named = {(found["code"], found.get("field")) for found in findings()}
    # Without it no entry speaks of the link that it made either.
    assert named == {
        ("entry_lost", "sequence"),
        ("row_unsaid", None),
        ("row_differs", "expires_at"),
    }
    assert any(waiting.id in found["detail"] for found in findings())
    tamper(update("verification", "sequence = 1", waiting.id))
    assert ("row_differs", "sequence") in {
        (named["code"], named.get("field")) for named in findings()
    }


ATTEMPT = {
    "burnt = NOT burnt": ("attempt.judged", "burnt"),
    "code = 'eds_certificate_revoked'": ("attempt.judged", "code"),
    "status = 'passed'": ("attempt.judged", "status"),
    "closed_at = '2026-01-01 00:00:00'": ("attempt.judged", "at"),
    "route = 'biometric'": ("attempt.opened", "route"),
    "stage = 'consent'": ("attempt.opened", "stage"),
    "mode = 'live'": ("attempt.opened", "log"),
    "borrower_index = NULL": ("attempt.opened", "borrower_index"),
}


@pytest.mark.parametrize("change", ATTEMPT)
def test_an_attempt_that_is_not_as_it_was_judged_is_named(story: Story, change: str) -> None:
    burnt = Attempt.objects.get(verification_id=story.id, burnt=True)
    entry_type, field = ATTEMPT[change]
    tamper(update("attempt", change, burnt.pk))
    assert ("row_differs", entry_of(story, entry_type, attempt=burnt.pk).pk, field) in places(
        findings()
    )


def test_a_lapsed_attempt_that_counts_as_passed_is_named(story: Story) -> None:
    silent = lapsed(begin(story.lender, "A-3", iin=OTHER_IIN))
    attempt = Attempt.objects.get(verification_id=silent.id)
    assert findings() == []
    tamper(update("attempt", "status = 'passed'", attempt.pk))
    assert places(findings()) == {("row_differs", entry_of(silent, "attempt.lapsed").pk, "status")}


def test_an_open_attempt_that_counts_as_judged_is_named(story: Story) -> None:
    asked = begin(story.lender, "A-2", iin=OTHER_IIN)
    attempt = Attempt.objects.get(verification_id=asked.id)
    for change, field in (
        ("status = 'passed'", "status"),
        ("burnt = NOT burnt, status = 'open'", "burnt"),
    ):
        tamper(update("attempt", change, attempt.pk))
        [named] = findings()
        assert (named["code"], named["field"], attempt.pk in named["detail"]) == (
            "row_differs",
            field,
            True,
        )


def test_an_attempt_taken_away_is_named_by_its_entries(story: Story) -> None:
    burnt = Attempt.objects.get(verification_id=story.id, burnt=True)
    tamper(delete("attempt", burnt.pk))
    named = places(findings())
    for entry_type in ("attempt.opened", "attempt.judged"):
        assert ("row_missing", entry_of(story, entry_type, attempt=burnt.pk).pk, "") in named
    assert any("attempt" in one["detail"] and one.get("field") == "attempt" for one in findings())


def test_an_attempt_added_is_named(story: Story) -> None:
    added = Attempt.objects.filter(verification_id=story.id, status="passed").first()
    assert added is not None
    added.pk = "att_added"
    added.save(force_insert=True)
    details = [named["detail"] for named in findings()]
    assert any(
        "holds the attempt att_added, of which no entry speaks" in detail for detail in details
    )


def _refused(story: Story) -> Attempt:
    return Attempt.objects.get(verification_id=story.id, burnt=True)


def test_a_failed_attempt_that_people_pass_afterwards_is_named(story: Story) -> None:
    """Somebody turns a failure into a case for people, who mean well, and turns the rows back."""
    attempt = _refused(story)
    body = {
        "v": 1,
        "attempt": attempt.pk,
        "route": "eds",
        "stage": "statement",
        "outcome": "passed",
        "code": "",
    }
    with transaction.atomic():
        moving.record(
            story.row(), "attempt.reviewed", at=timezone.now(), body=body | {"burnt": False}
        )
    order_all()
    tamper(update("attempt", "status = 'passed', code = '', burnt = false", attempt.pk))
    entry = entry_of(story, "attempt.reviewed", attempt=attempt.pk)
    tamper(("UPDATE verification_attempt SET closed_at = %s WHERE id = %s", (entry.at, attempt.pk)))
    assert places(findings()) == {("after_end", entry.pk, "")}


def test_terms_exchanged_under_their_judgement_are_named(story: Story) -> None:
    """The judgement's entry commits to the facts that it judged by: they are in its terms."""
    terms = EvidenceItem.objects.filter(verification_id=story.id, kind="statement.terms").first()
    assert terms is not None
    entry = entry_of(story, "attempt.judged", attempt=terms.attempt_id)
    assert terms.commitment in [one.digest for one in claims(entry.body)]
    tamper(update("evidenceitem", "commitment = sealed_sha256", terms.pk))
    assert ("evidence_differs", entry.pk, "commitment") in places(findings())


def test_evidence_of_another_attempt_or_kind_is_named(story: Story) -> None:
    item = EvidenceItem.objects.filter(verification_id=story.id, kind="statement.signature").first()
    other = EvidenceItem.objects.filter(verification_id=story.id, kind="statement.signature").last()
    assert item is not None
    assert other is not None
    assert item.attempt_id != other.attempt_id
    entry = next(
        entry
        for entry in AuditEntry.objects.filter(type__in=KEEPING)
        if item.pk in [claim.get("id") for claim in entry.body["evidence"]]
    )
    tamper(update("evidenceitem", "attempt_id = NULL", item.pk))
    assert places(findings()) == {("row_differs", entry.pk, "attempt")}
    tamper(update("evidenceitem", f"attempt_id = '{item.attempt_id}', kind = 'x'", item.pk))
    assert ("row_differs", entry.pk, "kind") in places(findings())
    tamper(delete("evidenceitem", item.pk))
    assert ("row_missing", entry.pk, "") in places(findings())


def test_a_key_taken_away_is_named_by_the_opening(story: Story) -> None:
    tamper(("DELETE FROM verification_datakey WHERE verification_id = %s", (story.id,)))
    assert ("row_missing", entry_of(story, "verification.created").pk, "") in places(findings())


def test_evidence_added_to_an_attempt_is_named(story: Story) -> None:
    item = EvidenceItem.objects.filter(verification_id=story.id).first()
    assert item is not None
    item.pk, item.kind = "evd_added", "statement.added"
    item.save(force_insert=True)
    details = [named["detail"] for named in findings() if named["code"] == "row_unsaid"]
    assert len(details) == 1
    assert "evd_added" in details[0]


def test_shared_evidence_exchanged_taken_away_or_added_is_named(story: Story) -> None:
    uses = SharedEvidenceUse.objects.filter(attempt__verification_id=story.id).order_by("pk")
    use, another = uses[0], next(one for one in uses if one.evidence_id != uses[0].evidence_id)
    entries = AuditEntry.objects.filter(type__in=KEEPING, body__attempt=use.attempt_id)
    entry = next(
        one for one in entries if use.kind in [claim["kind"] for claim in one.body["evidence"]]
    )
    which = "WHERE attempt_id = %s AND kind = %s"
    exchanged = f"UPDATE verification_sharedevidenceuse SET evidence_id = %s {which}"  # noqa: S608
    tamper((exchanged, (bytes.fromhex(another.evidence_id), *use.pk)))
    assert places(findings()) == {("row_differs", entry.pk, "sha256")}
    tamper((f"DELETE FROM verification_sharedevidenceuse {which}", use.pk))  # noqa: S608
    assert places(findings()) == {("row_missing", entry.pk, "")}
    use.save(force_insert=True)
    assert findings() == []
    SharedEvidenceUse.objects.create(
        attempt_id=use.attempt_id, evidence_id=use.evidence_id, kind="shared.added"
    )
    [named] = findings()
    assert (named["code"], "shared.added" in named["detail"]) == ("row_unsaid", True)


def test_a_verification_taken_away_with_its_rows_is_named_by_its_entries(story: Story) -> None:
    tamper(delete("verification", story.id))
    named = {one.get("entry"): one["detail"] for one in findings() if one["code"] == "row_missing"}
    assert story.id in named[entry_of(story, "verification.created").pk]


def test_a_verification_that_moves_while_it_is_read_is_looked_at_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    moving = begin(story.lender, "A-2", iin=OTHER_IIN)
    looked: list[Sequence[str]] = []

    def cancel_after_loading(ids: Sequence[str]) -> dict[str, Case]:
        cases = load(ids)
        looked.append(ids)
        if len(looked) == 2:  # between the tables: the entries are old, the attempts are new
            openings.cancel(lender_id=moving.lender.pk, mode="test", verification_id=moving.id)
            for attempt in cases[moving.id].rows[tables.ATTEMPT].values():
                attempt["status"] = "passed"
        if len(looked) == 1:
            cases[moving.id].rows[tables.ATTEMPT].clear()
        return cases

    monkeypatch.setattr(verify_cases, "load", cancel_after_loading)
    assert list(verify_cases.verify_cases("test")) == []
    assert looked[1:] == [[moving.id], [moving.id]]
    monkeypatch.undo()
    assert findings_of(moving.id) == []


@pytest.mark.embedded
def test_a_row_that_cannot_be_read_is_named_and_reading_goes_on(story: Story) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite keeps a column of another type")
    tamper(update("verification", "created_at = '2026-13-45 00:00:00'", story.id))
    details = [named["detail"] for named in findings()]
    assert f"the row of verification {story.id} cannot be read" in details


# The sealed case is the one that its opening committed to, and its borrower is found by the IIN in
# it.


def test_a_case_sealed_anew_under_its_own_key_is_named(story: Story) -> None:
    row, created = story.row(), entry_of(story, "verification.created")
    key = vault.open(verification_id=story.id, lender_id=row.lender_id)
    place = {"table": "verification_verification", "field": "sealed_case"}
    case = json.loads(key.unseal(bytes(row.sealed_case), **place).plain)
    case["opening"]["person"]["iin"]["value"] = OTHER_IIN
    resealed = key.seal(json.dumps(case).encode(), **place).data
    tamper(
        (
            "UPDATE verification_verification SET sealed_case = %s WHERE id = %s",
            (resealed, story.id),
        )
    )
    assert places(findings()) == {
        ("case", created.pk, "case"),
        ("case", created.pk, "borrower_index"),
    }


def test_a_case_that_does_not_open_is_named(story: Story) -> None:
    tamper(
        ("UPDATE verification_verification SET sealed_case = %s WHERE id = %s", (b"x", story.id))
    )
    assert places(findings()) == {
        ("case", entry_of(story, "verification.created").pk, "sealed_case")
    }


def test_a_borrower_index_that_hides_the_borrower_is_named(story: Story) -> None:
    created = entry_of(story, "verification.created")
    tamper(
        (
            "UPDATE verification_verification SET borrower_index = %s WHERE id = %s",
            (b"x" * 32, story.id),
        )
    )
    assert ("case", created.pk, "borrower_index") in places(findings())
    tamper(update("verification", "borrower_index_version = 9", story.id))
    assert ("case", created.pk, "borrower_index_version") in places(findings())


def test_what_no_key_is_there_for_is_counted_and_no_finding(
    story: Story, settings: Settings
) -> None:
    settings.TULGA_INDEX_KEYS = {}
    told = audit("--log", "test")
    assert (told["findings"], told["unchecked"]) == (
        [],
        {"test": NOTHING_LEFT_OUT | {"indexes": 1}},
    )
    settings.TULGA_KEY_ENCRYPTION_KEYS = {}
    told = audit("--log", "test")
    assert (told["findings"], told["unchecked"]) == ([], {"test": NOTHING_LEFT_OUT | {"cases": 1}})
    out = StringIO()
    call_command("audit_verify", "--log", "test", stdout=out)
    assert "1 sealed cases not checked: no key-encryption keys here" in out.getvalue()


def test_an_erased_case_is_left_out(story: Story) -> None:
    erase(story)
    told = audit("--log", "test")
    assert (told["findings"], told["unchecked"]["test"]) == ([], NOTHING_LEFT_OUT)


# A decision by people is named where too few of them had voted so before.


def codes_of(story: Story) -> set[str]:
    return {finding.code for finding in findings_of(story.id)}


@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize("passes", [True, False])
def test_what_enough_people_decided_is_in_order(passes: bool) -> None:
    story = glanced("grey")
    voted(story, passes=passes)
    assert codes_of(story) == set()


@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize(
    ("votes", "outcome"), [(0, "passed"), (1, "passed"), (0, "failed"), (1, "failed")]
)
def test_what_too_few_decided_is_named(votes: int, outcome: str) -> None:
    story = glanced("grey")
    for number in range(votes):
        one_voted(story, person=f"usr_{number}")
    attempt, at = glanced_attempt(story), clock.now()
    body = {
        "attempt": attempt.pk,
        "route": attempt.route,
        "stage": attempt.stage,
        "outcome": outcome,
        "code": "",
    }
    with transaction.atomic():
        moving.record(story.row(), "attempt.reviewed", at=at, body=body | {"burnt": False})
    Attempt.objects.filter(pk=attempt.pk).update(status=outcome, code="", burnt=False, closed_at=at)
    Verification.objects.filter(pk=story.id).update(status="requires_input", code="")
    assert codes_of(story) == {"votes_missing"}


# Several processes find what one finds, in its order; an error comes where it came, and no process
# is left behind.


PAGES = 50


@pytest.fixture(autouse=True)
def no_process_left() -> Iterator[None]:
    yield
    assert multiprocessing.active_children() == []


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_tree, "LEAF_PAGE", 2)
    monkeypatch.setattr(verify_cases, "_PAGE", 1)


def test_several_processes_find_what_one_finds_in_its_order(small_pages):
    leaves = nine_ordered()
    tamper(
        ("UPDATE verification_auditentry SET body = '{}' WHERE id = %s", (leaves[1].entry_id,)),
        (
            "UPDATE verification_auditleaf SET lender_sequence = 7 WHERE entry_id = %s",
            (leaves[5].entry_id,),
        ),
        ("DELETE FROM verification_auditleaf WHERE entry_id = %s", (leaves[4].entry_id,)),
        (
            "UPDATE verification_verification SET status = 'verified' WHERE id = %s",
            (leaves[8].entry.verification_id,),
        ),
    )
    alone = list(verify_log("test"))
    assert {finding.code for finding in alone} >= {
        "entry_differs",
        "lender_sequence",
        "leaf_missing",
        "illegal_move",
    }
    assert [list(verify_log("test", processes=number)) for number in (2, 3)] == [alone, alone]


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_an_error_comes_behind_what_was_found_before_it(processes):
    found: list[int] = []
    with pytest.raises(DatabaseError, match="damaged"):
        found.extend(spread(damaged_at_20, range(PAGES), processes=processes))
    assert found == list(range(41))


@pytest.mark.parametrize("last", [0, 1, 20])
def test_pages_that_cannot_be_read_on_are_an_error_behind_those_before(last):
    def pages() -> Iterator[int]:
        yield from range(last)
        raise DatabaseError("damaged")

    found: list[int] = []
    with pytest.raises(DatabaseError, match="damaged"):
        found.extend(spread(numbered, pages(), processes=2))
    assert found == list(range(last))


def test_who_reads_no_further_leaves_no_process_behind():
    with closing(cast(Generator[int], spread(numbered, range(PAGES), processes=2))) as found:
        assert next(found) == 0


def test_a_page_alone_is_looked_at_by_this_process():
    assert list(spread(process_of, [1], processes=2)) == [os.getpid()]
    assert os.getpid() not in set(spread(process_of, [1, 2], processes=2))


def test_what_is_spread_together_is_looked_at_by_the_same_processes():
    with together():
        processes = [set(spread(process_of, range(PAGES), processes=2)) for _ in range(3)]
        assert len(set.union(*processes)) <= 2
        assert list(spread(numbered, range(PAGES), processes=2)) == list(range(PAGES))


def test_a_process_that_was_ended_is_no_finding(small_pages, monkeypatch):
    nine_ordered()
    monkeypatch.setattr(
        verify_tree, "_verify_leaf", lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    )
    with pytest.raises(BrokenProcessPool):
        list(verify_log("test", processes=2))
    with pytest.raises(CommandError, match="one of its processes was killed") as told:
        call_command("audit_verify", "--processes", "2", stdout=StringIO())
    assert told.value.returncode == 3


def test_fewer_than_one_process_is_refused():
    with pytest.raises(CommandError, match="at least one") as told:
        call_command("audit_verify", "--processes", "0", stdout=StringIO())
    assert told.value.returncode == 3


def numbered(page: int) -> Iterator[int]:
    yield page


def process_of(page: int) -> Iterator[int]:
    yield os.getpid()


def damaged_at_20(page: int) -> Iterator[int]:
    yield 2 * page
    if page == 20:
        raise DatabaseError("damaged")
    yield 2 * page + 1
