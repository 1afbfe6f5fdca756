"""A clearance as its lender reads it. Only a worker's signature counts: `clearances.consume` checks
it.

An issue is public once the log has ordered it, like an end, because it permits a payout.
"""

from collections.abc import Mapping
from typing import Any, Final

from rest_framework import serializers

from lenders.answers import Moment, Word
from verification.core.clearance import (
    FROZEN,
    ISSUED,
    NOT_EVALUATED,
    PASSED,
    PROCESSING,
    REFUSED,
    TIYN,
)
from verification.core.codes import REFUSALS
from verification.core.errors import NotFound
from verification.log import decided
from verification.models import Clearance
from verification.payout import clearances

_STATUSES: Final = "processing, issued, refused, superseded, consumed, frozen; accept unknown ones."
_CODES: Final = " ".join(f"`{code}`: {row.refusal}" for code, row in REFUSALS.items())


class Tenge(serializers.CharField):
    """A sum, in tiyn in rows, as a decimal."""

    def to_representation(self, value: Any) -> str:
        """Two places."""
        return f"{value // TIYN}.{value % TIYN:02}"


class GateAnswer(serializers.Serializer[Any]):
    """One gate's result."""

    name = serializers.CharField()
    status = serializers.SerializerMethodField(
        help_text=(
            "passed, refused, or not_evaluated where your profile does not ask; accept unknown"
            " ones."
        )
    )
    code = serializers.SerializerMethodField(help_text="Why it refuses; null where it does not.")
    at = Moment(allow_null=True, help_text="As of when.")
    # a field of this name hides the serializer's own `source`
    source = Word(allow_null=True)  # type: ignore[assignment]
    release_not_before = Moment(
        allow_null=True, required=False, help_text="Of `cooling_off`: until when."
    )

    def get_status(self, gate: Mapping[str, Any]) -> str:
        """In rows and entries a refusal's code takes its place."""
        return REFUSED if _refuses(gate) else gate["status"]

    def get_code(self, gate: Mapping[str, Any]) -> str | None:
        """The code in its place."""
        return gate["status"] if _refuses(gate) else None


def _refuses(gate: Mapping[str, Any]) -> bool:
    return gate["status"] not in (PASSED, NOT_EVALUATED)


class ClearanceAnswer(serializers.Serializer[Any]):
    """Permission to pay out one verification's loan."""

    id = serializers.CharField(help_text="`clr_…`")
    verification = serializers.CharField(source="verification_id")
    mode = serializers.ChoiceField(choices=("test", "live"))
    status = serializers.CharField(help_text=_STATUSES)
    code = Word(allow_null=True, help_text=f"Why it was refused. {_CODES}")
    profile = serializers.CharField(
        source="profile_id",
        help_text="Yours when you asked: the stricter rule of it and of the verification's holds.",
    )
    contract_sha256 = serializers.CharField()
    amount_max = Tenge(source="cap_tiyn", help_text="Tenge: at most so much may be paid.")
    amount = Tenge(
        source="amount_tiyn", allow_null=True, help_text="Tenge: what it was consumed for."
    )
    gates = GateAnswer(many=True)
    created_at = Moment()
    issued_at = Moment(allow_null=True)
    expires_at = Moment(allow_null=True)
    fresh_until = Moment(
        allow_null=True, help_text="From then on an answer is too old: `clearance_stale`."
    )
    consumed_at = Moment(allow_null=True)
    frozen_at = Moment(allow_null=True)


_SPELLING = ClearanceAnswer()
"""Its fields are not copied each time."""


def read(*, lender_id: str, mode: str, clearance_id: str) -> dict[str, Any]:
    """The answer for a clearance of this lender. An issue that only the row claims is reported as
    frozen, as at its use.

    Raises: `NotFound` if absent or another lender's.
    """
    rows = Clearance.objects.annotate(is_unordered=decided.issue_waits()).select_related(
        "verification"
    )
    rows = rows.filter(pk=clearance_id, lender_id=lender_id, mode=mode)
    row = rows.defer("verification__sealed_case").first()
    if row is None:
        raise NotFound("no such clearance")
    answer: dict[str, Any] = _SPELLING.to_representation(row)
    if row.status == ISSUED and row.is_unordered:
        untold = dict.fromkeys(("issued_at", "expires_at", "fresh_until"))
        answer |= {"status": PROCESSING, "gates": [], **untold}
    elif row.status == ISSUED and not clearances.is_sound(row.verification, row.pk):
        answer["status"] = FROZEN
    return answer
