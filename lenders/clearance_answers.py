"""What we answer of clearances, and of links: one may lead to the new consent that a clearance
waits for.
"""

from collections.abc import Mapping
from typing import Any, Final

from rest_framework import serializers

from lenders.answers import LinkAnswer, Moment, Word
from verification.core.clearance import NOT_EVALUATED, PASSED
from verification.core.codes import REFUSALS

REFUSED: Final = "refused"
_STATUSES = "processing, issued, refused, superseded, consumed, frozen; accept unknown ones."
_CODES = " ".join(f"`{code}`: {row.refusal}" for code, row in REFUSALS.items())


class SentAnswer(LinkAnswer):
    """The borrower's link, and where it leads."""

    renewal = Word(
        source="renewal_id",
        allow_null=True,
        help_text="`ver_…`: it leads to this new consent. Null: to the verification itself.",
    )


class GateAnswer(serializers.Serializer[Any]):
    """What one gate said."""

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
        """In rows and entries the code stands in its place."""
        return REFUSED if _refuses(gate) else gate["status"]

    def get_code(self, gate: Mapping[str, Any]) -> str | None:
        """The code that stands there."""
        return gate["status"] if _refuses(gate) else None


def _refuses(gate: Mapping[str, Any]) -> bool:
    return gate["status"] not in (PASSED, NOT_EVALUATED)


class ClearanceAnswer(serializers.Serializer[Any]):
    """Whether the money of one verification may leave."""

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
    amount_max = serializers.CharField(help_text="Tenge: at most so much may be paid.")
    amount = Word(allow_null=True, help_text="Tenge: what it was consumed for.")
    gates = GateAnswer(many=True)
    created_at = Moment()
    issued_at = Moment(allow_null=True)
    expires_at = Moment(allow_null=True)
    fresh_until = Moment(
        allow_null=True, help_text="From then on an answer is too old: `clearance_stale`."
    )
    consumed_at = Moment(allow_null=True)
    frozen_at = Moment(allow_null=True)


CLEARANCE = ClearanceAnswer()
"""Spells a clearance by `to_representation`."""
