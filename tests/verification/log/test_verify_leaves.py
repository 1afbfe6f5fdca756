"""Whatever is changed behind the log's back in entries and leaves is named: which leaf, which
entry.
"""

import pytest
from django.db import connection

from tests.verification.log.ordered import ENTRY, found
from tests.verification.log.rows import add_entry, add_lender, add_verification, order_all, tamper
from verification.evidence import store, vault
from verification.models import AuditLeaf, EvidenceItem, SharedEvidence

pytestmark = pytest.mark.django_db(transaction=True)


TOLD = 2  # the decision of the first case: the first that its lender is told, and so counted


def test_a_log_that_nobody_changed_has_no_findings(log: list[AuditLeaf]) -> None:
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
def test_a_body_that_is_none_is_named_and_reading_goes_on(log: list[AuditLeaf], body: str) -> None:
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
