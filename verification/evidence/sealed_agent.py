"""What belongs to a phone that scanned the code of a page: where its browser is sealed, and the number it shows."""

from typing import Final

from verification.evidence import policy, vault

TABLE: Final = "verification_handover"


def field_of(row_id: int) -> str:
    """The field that the phone's browser is bound to."""
    return f"sealed_agent:{row_id}"


def numbers(phone_sha256: bytes) -> list[str]:
    """The number of a phone, by the newest index key first: nobody without such a key can choose it."""
    least = 10 ** (policy.HAND_OVER_DIGITS - 1)
    drawn = vault.blind_index(purpose="hand_over.number", value=phone_sha256.hex()).values()
    return [str(least + int.from_bytes(each, "big") % (9 * least)) for each in drawn]
