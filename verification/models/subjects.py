"""Requests of people to read their own data."""

from functools import partial

from django.db import models
from django.db.models import Q

from verification.core import ids
from verification.models.cases import ID_LENGTH


class SubjectRequest(models.Model):
    """One request, for an hour. The row is also its own queue: see `due_at`.

    is_in_person: the person came to an operator. act: the id of the last act of an operator.

    digest: SHA-256 of the browser's token. sealed: the IIN, and what is signed.
    entry: the id of a worker's entry, which alone says whether the person is the one they name.
    """

    id = models.CharField(
        primary_key=True, max_length=ID_LENGTH, default=partial(ids.new_id, "sub"), editable=False
    )
    is_in_person = models.BooleanField(default=False)
    act = models.CharField(max_length=ID_LENGTH, blank=True)
    digest = models.BinaryField(unique=True)
    sealed = models.BinaryField()
    sealed_signature = models.BinaryField(null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    entry = models.CharField(max_length=ID_LENGTH, blank=True)
    due_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.CharField(max_length=32, blank=True)
    faults = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = (
            models.Index(
                fields=("due_at",), condition=Q(due_at__isnull=False), name="subject_request_due"
            ),
        )
