"""How an attacker who writes rows by SQL makes an open verification look ended: row, entry, leaf,
and signatures of others.
"""

from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from tests.verification.log.rows import slip_in
from tests.verification.stories.story import Story, begin, order
from verification.core.status import TERMINAL
from verification.log.signatures import spell_leaf
from verification.log.tree import leaf_hash
from verification.models import AuditEntry, AuditLeaf, AuditPending, Verification
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

ENDS = tuple(sorted(status.value for status in TERMINAL))
CODE = "code_of_a_forger"


def sql(statement: str, *values: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def updated(story: Story, status: str, **more: object) -> None:
    """The row alone, as the application's role may write it."""
    at = connection.ops.adapt_datetimefield_value(timezone.now())
    columns = {
        "status": status,
        "code": CODE,
        "finished_at": at,
        "step": "",
        "due_at": None,
        **more,
    }
    sets = ", ".join(f"{name} = %s" for name in columns)
    sql(f"UPDATE verification_verification SET {sets} WHERE id = %s", *columns.values(), story.id)  # noqa: S608


def genuine(story: Story) -> AuditEntry:
    return AuditEntry.objects.get(verification_id=story.id, type="verification.created")


def entered(story: Story, status: str, **body: Any) -> AuditEntry:
    """A decision's entry beside it, which waits to be ordered."""
    first = genuine(story)
    said = {"v": 1, "code": CODE, "profile": "KZ-2021-04", **body}
    number = Verification.objects.get(pk=story.id).sequence + 1
    kind = {
        "type": f"verification.{status}",
        "body": said,
        "at": Verification.objects.get(pk=story.id).finished_at,
    }
    return AuditEntry.objects.get(pk=slip_in(first, verification_sequence=number, **kind))


def placed(entry: AuditEntry, *, hashed: bytes = b"") -> None:
    """A leaf for it, with the right hash or this one, where the next would stand; nothing waits any
    more.
    """
    last = AuditLeaf.objects.filter(log=entry.log).latest("leaf_index")
    told = AuditLeaf.objects.filter(log=entry.log, told_to=entry.lender_id).latest(
        "lender_sequence"
    )
    number = (told.lender_sequence or 0) + 1
    hashed = hashed or leaf_hash(spell_leaf(entry, lender_sequence=number))
    sql(
        "INSERT INTO verification_auditleaf (entry_id, log, leaf_index, told_to, lender_sequence,"
        " leaf_hash) VALUES (%s, %s, %s, %s, %s, %s)",
        *(entry.pk, entry.log, last.leaf_index + 1, entry.lender_id, number, hashed),
    )
    AuditPending.objects.filter(pk=entry.pk).delete()


def row_alone(story: Story, status: str) -> None:
    updated(story, status)


def row_and_entry(story: Story, status: str) -> None:
    updated(story, status)
    entered(story, status)


def row_entry_and_leaf(story: Story, status: str) -> None:
    updated(story, status)
    placed(entered(story, status))


def with_a_strangers_signature(story: Story, status: str) -> None:
    updated(story, status)
    placed(entered(story, status, signed={"by": "0" * 16, "over": ["evt_x"], "signature": "AAAA"}))


def with_the_signature_of_another_case(story: Story, status: str) -> None:
    other = begin(story.lender, "B-1", iin="900101300017")
    other.reply(agreed=False, version=CURRENT, language="ru")
    updated(story, status)
    decided = AuditEntry.objects.get(verification_id=other.id, type="verification.declined")
    placed(entered(story, status, signed=decided.body["signed"]))


def refused(story: Story, status: str) -> None:
    """And tick has asked."""
    row_and_entry(story, status)
    order()
    assert AuditPending.objects.filter(refused=True).count() == 1


FORGERIES = (
    row_alone,
    row_and_entry,
    row_entry_and_leaf,
    with_a_strangers_signature,
    with_the_signature_of_another_case,
    refused,
)
