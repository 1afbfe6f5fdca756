"""Base64url without padding, in which JSON Web Signatures are spelled. Source: RFC 7515 §2."""

from base64 import urlsafe_b64decode, urlsafe_b64encode


def spell(content: bytes) -> str:
    """The bytes as text."""
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def read(spelled: str) -> bytes:
    """The bytes again. Raises `ValueError` for what cannot be any; signs of another alphabet are passed over."""
    return urlsafe_b64decode(spelled + "=" * (-len(spelled) % 4))
