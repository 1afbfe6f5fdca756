"""The outside of a signed statement: DER bytes, PEM or bare base64, whichever the signing program sends."""

import base64
import binascii
import re

from verification.core.errors import Refused
from verification.engines.pki.der import SEQUENCE, malformed

_PEM = re.compile(rb"\s*-----BEGIN (CMS|PKCS7)-----([A-Za-z0-9+/=\s]*)-----END \1-----\s*")
_SPACE = re.compile(rb"[ \t\r\n]+")


def remove_armor(untrusted: bytes, *, max_bytes: int) -> bytes:
    """The binary structure inside. `max_bytes` bounds it; the text around it may take as much again.

    Raises `Refused`: eds_too_large, or eds_malformed also for anything before or behind the armor.
    """
    if len(untrusted) > 2 * max_bytes:
        raise Refused("eds_too_large", "the signature is too large")
    binary = untrusted if untrusted[:1] == bytes([SEQUENCE]) else _decode(untrusted)
    if len(binary) > max_bytes:
        raise Refused("eds_too_large", "the signature is too large")
    return binary


def _decode(untrusted: bytes) -> bytes:
    armored = _PEM.fullmatch(untrusted)
    text = armored[2] if armored else untrusted
    try:
        return base64.b64decode(_SPACE.sub(b"", text), validate=True)
    except (binascii.Error, ValueError):
        raise malformed("the signature is neither DER, PEM nor base64") from None
