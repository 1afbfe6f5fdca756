"""Changes of people, lenders and keys that an operator proposed.

A row decides nothing: the approval in the log is what both operators signed.
"""

from functools import partial

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from verification.core.ids import new_id


class Proposal(models.Model):
    """One change of one actor, and what became of it.

    `changes`: the new values, by the name of the field. `reason_salt` opens the commitment to the
    reason that stands in the log.
    `proposed`: the first operator's answer, empty in a draft, which its writer alone sees.
    `sealed_code`: of an invitation, until its first operator has seen it.
    """

    CONFIRMED, WITHDRAWN = "confirmed", "withdrawn"

    id = models.CharField(
        primary_key=True, max_length=30, default=partial(new_id, "prp"), editable=False
    )
    type = models.CharField(max_length=16)
    actor = models.CharField(max_length=30)
    changes = models.JSONField(encoder=DjangoJSONEncoder)
    reason = models.CharField(max_length=500, default="")
    reason_salt = models.BinaryField()
    sealed_code = models.BinaryField(default=b"", blank=True)
    drafted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_index=True)
    proposed = models.JSONField(default=dict)
    outcome = models.CharField(max_length=9, default="")
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="operators_proposal_outcome_has_its_time",
                condition=Q(outcome="", ended_at=None) | Q(~Q(outcome=""), ended_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.id
