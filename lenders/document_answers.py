"""What we answer of signed documents and receipts, as `answers.py` does of all else."""

from typing import Any

from rest_framework import serializers

from lenders.answers import CODE_HELP, Moment


class DocumentAnswer(serializers.Serializer[Any]):
    """The signed document of one attempt. What only it could say is null once it is erased."""

    id = serializers.CharField(help_text="`evd_…`: under this id its commitment stands in the log.")
    attempt = serializers.CharField(source="attempt_id", help_text="`att_…`: its address.")
    number = serializers.IntegerField(help_text="The `attempt` of its checks.")
    route = serializers.CharField()
    stage = serializers.CharField()
    outcome = serializers.CharField(
        allow_null=True,
        help_text="passed, failed, inconclusive, undecided, lapsed or void; accept unknown ones.",
    )
    code = serializers.CharField(allow_null=True, help_text=CODE_HELP)
    at = Moment(allow_null=True)
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField(allow_null=True)
    commitment = serializers.CharField(
        help_text="HMAC-SHA256(salt, document) in hex, as it stands in the log."
    )
    salt = serializers.CharField(allow_null=True, help_text="16 bytes in hex.")
    erased = serializers.BooleanField(source="is_erased")


class DocumentList(serializers.Serializer[Any]):
    """All documents of one verification, in the order of its attempts."""

    # a field of this name hides the serializer's own `data`
    data = DocumentAnswer(many=True)  # type: ignore[assignment]


class SignedDocument(serializers.Serializer[Any]):
    """A JSON Web Signature, flattened (RFC 7515 §7.2.2). The payload is base64url of JSON: see the
    lender guide.
    """

    payload = serializers.CharField()
    protected = serializers.CharField()
    signature = serializers.CharField()


class ReceiptProofAnswer(serializers.Serializer[Any]):
    """Where the log has it."""

    index = serializers.IntegerField(
        help_text="The place of the entry that names the receipt by its SHA-256."
    )
    leaf = serializers.CharField(
        help_text="That entry, exactly as it was hashed: keep every byte of it."
    )
    proof = serializers.CharField(help_text="C2SP tlog-proof of the leaf.")
    checkpoint = serializers.CharField(
        help_text="The first signed head that covers it (C2SP signed note)."
    )


class OpeningsAnswer(serializers.Serializer[Any]):
    """What opens the commitments: HMAC-SHA256(salt, text). Who has a salt finds the IIN within
    minutes: keep them.
    """

    iin = serializers.CharField(help_text="Salt, 16 bytes in hex.")
    payout_account = serializers.CharField(help_text="Salt, 16 bytes in hex.")


class ReceiptAnswer(serializers.Serializer[Any]):
    """The receipt of a decision. It never changes; the openings are gone once the personal data are
    erased.
    """

    receipt = serializers.CharField(
        help_text="JSON Web Signature, compact form (RFC 7515 §7.1): see the lender guide."
    )
    log = ReceiptProofAnswer(source="*")
    openings = OpeningsAnswer(allow_null=True)
