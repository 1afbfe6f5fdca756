"""Webhooks, verified as Standard Webhooks says: `v1` is HMAC-SHA256 with a secret, `v1a` Ed25519. Pure."""

import hmac
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tulga.errors import Refused, Reused
from tulga.fields import parse
from tulga.resources import Webhook
from tulga.signed import from_base64, is_signed

TOLERANCE_SECONDS = 300  # Standard Webhooks: how far a timestamp may be from your clock
SIGNATURES_MAX = 16  # looked at in one message; two secrets and a key make three


@dataclass(frozen=True)
class Verifier:
    """What one endpoint's messages are verified by: its secrets (`whsec_…`, two in a rotation), its key, or both.

    Of secrets one must fit; where a `public_key` (`whpk_…`) is given too, its signature must hold as well.
    """

    secrets: Sequence[str] = field(default=(), repr=False)
    public_key: str = ""
    tolerance: float = TOLERANCE_SECONDS

    def verify(
        self, headers: Mapping[str, str], body: bytes, *, now: float, is_new: Callable[[str], bool] | None = None
    ) -> Webhook:
        """What a message says; raises `Refused`, its kind `Reused` for one that you have, `BadAnswer`.

        body: the bytes as they came. now: seconds since 1970. is_new: remembers an id and says whether it was new; in
        the transaction of what you do by the message, or one whose work failed is lost.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        message_id, stamp = lower.get("webhook-id", ""), lower.get("webhook-timestamp", "")
        if not message_id or not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 16):
            raise Refused("the message is without id or time")
        if abs(now - int(stamp)) > self.tolerance:
            raise Refused("the message is too old, or of a clock that is ahead")
        signed = f"{message_id}.{stamp}.".encode(errors="replace") + body
        self._require(signed, lower.get("webhook-signature", ""))
        # Only of what verified: else anybody could use up an id.
        if is_new is not None and not is_new(message_id):
            raise Reused("this message came before")
        return parse(Webhook, body)

    def _require(self, signed: bytes, untrusted: str) -> None:
        if not self.secrets and not self.public_key:
            raise Refused("there is neither secret nor key to verify by")
        words = [word.partition(",") for word in untrusted.split(" ")[:SIGNATURES_MAX]]
        given = {scheme: [value for version, _, value in words if version == scheme] for scheme in ("v1", "v1a")}
        if self.secrets and not any(_fits(secret, one, signed) for secret in self.secrets for one in given["v1"]):
            raise Refused("no v1 signature fits")
        if self.public_key and not any(_holds(self.public_key, one, signed) for one in given["v1a"]):
            raise Refused("no v1a signature holds")


def _fits(secret: str, signature: str, signed: bytes) -> bool:
    key = b64decode(secret.removeprefix("whsec_"), validate=True)
    if not key:  # an empty key would be everybody's
        raise ValueError("this is no secret of a webhook")
    try:
        return hmac.compare_digest(hmac.digest(key, signed, "sha256"), from_base64(signature, 32))
    except Refused:
        return False


def _holds(public_key: str, signature: str, signed: bytes) -> bool:
    public = from_base64(public_key.removeprefix("whpk_"), 32)
    try:
        is_signed(public, from_base64(signature, 64), signed, "message")
    except Refused:
        return False
    return True
