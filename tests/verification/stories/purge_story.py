"""The retention of a story is over, and workers erase it; and what an attacker still reads of it
then.
"""

from datetime import timedelta

from django.conf import settings as django_settings
from django.db import connection

from tests.verification.stories.destruction_story import step
from verification import clock
from verification.evidence import store
from verification.models import (
    Access,
    Attempt,
    CaptureWord,
    DataKey,
    EvidenceItem,
    SharedEvidence,
    Verification,
)
from verification.worker import sweep


def to_last_day(story, *, seconds=0.0):
    """The clock stands so long after the end of its retention."""
    until = story.row().kept_until
    clock._state.offset += until - clock.now() + timedelta(seconds=seconds)


def purged(story):
    """As after its last day, rounds of tick, and all that workers then have to do."""
    to_last_day(story)
    for _ in range(2):  # one finds its old frames
        sweep.run_round()
        while step(story):
            pass
    assert story.row().redacted_at is not None
    sweep.run_round(is_whole=False)
    return story


def files():
    """The names of all stored originals of people."""
    shared = set(SharedEvidence.objects.values_list("pk", flat=True))
    paths = django_settings.TULGA_EVIDENCE_DIR.rglob("*")
    return {path.name for path in paths if path.is_file()} - shared


def secrets_of(story):
    """The bytes and words of a case that only erasure takes away: sealed, wrapped, searched."""
    case = story.row()
    items = EvidenceItem.objects.filter(verification_id=story.id)
    values = [case.sealed_case, case.borrower_index, case.client_reference.encode()]
    values += [DataKey.objects.get(pk=story.id).wrapped_key]
    values += [attempt.sealed_memory for attempt in case.attempts.all()]
    for item in items:
        values += [item.sealed, item.wrapped_key, item.seen_index]
        values += [None if item.sealed else store.sealed_bytes(item)]
    return {bytes(value) for value in values if value}


def dump():
    """Every value of every table, as an attacker has them, and every stored file."""
    taken = [path.read_bytes() for path in django_settings.TULGA_EVIDENCE_DIR.rglob("*/*")]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608
            for row in cursor.fetchall():
                taken += [
                    bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                    for value in row
                ]
    return b"\0".join(taken)


def sealed_rows(story):
    """Every sealed or searched value that the rows of a case hold, by table and column."""
    case = Verification.objects.filter(pk=story.id)
    attempts = Attempt.objects.filter(verification_id=story.id)
    items = EvidenceItem.objects.filter(verification_id=story.id)
    columns = (
        (case, "sealed_case", "borrower_index", "client_reference"),
        (DataKey.objects.filter(pk=story.id), "wrapped_key"),
        (attempts, "sealed_memory", "borrower_index"),
        (items, "sealed", "wrapped_key", "seen_index"),
        (Access.objects.filter(verification_id=story.id), "number", "sealed"),
        (CaptureWord.objects.filter(attempt__in=attempts.values("pk")), "word"),
    )
    return {
        f"{rows.model._meta.model_name}.{name}"
        for rows, *names in columns
        for name in names
        if any(rows.values_list(name, flat=True))
    }
