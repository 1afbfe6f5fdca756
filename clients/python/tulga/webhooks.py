"""Webhooks, verified as Standard Webhooks says: `v1` is HMAC-SHA256 with a secret, `v1a`
Ed25519.
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock

from tulga.errors import Refused, Reused
from tulga.fields import parse
from tulga.resources import Webhook
from tulga.signed import from_base64, is_signed, require

TOLERANCE_SECONDS = 300  # Standard Webhooks: how far a timestamp may be from your clock
SIGNATURES_MAX = 16  # looked at in one message; two secrets and a key make three
# messages of one endpoint; only those that verified are remembered, so nobody else crowds one out
SEEN_MAX = 50_000
_LOCK = Lock()


@dataclass(frozen=True)
class Verifier:
    """What one endpoint's messages are verified by: its secrets (`whsec_…`, two in a rotation), its
    key, or both.

    Of secrets one must fit; where a `public_key` (`whpk_…`) is given too, its signature must hold
    as well. Make one and
    keep it: it refuses a signature that it had. Each try of ours bears a fresh one, so none is lost
        by that.
    """

    secrets: Sequence[str] = field(default=(), repr=False)
    public_key: str = ""
    tolerance: float = TOLERANCE_SECONDS
    seen: dict[str, None] = field(
        default_factory=dict, repr=False, compare=False
    )  # the newest that it had

    def verify(
        self,
        headers: Mapping[str, str],
        body: bytes,
        *,
        now: float,
        is_new: Callable[[str], bool] | None = None,
    ) -> Webhook:
        """What a message says; raises `Refused`, its kind `Reused` for one that you have,
        `BadAnswer`.

        body: the bytes as they came. now: seconds since 1970. is_new: remembers an id and says
        whether it was new; in the transaction of what you do by the message, or one whose work
        failed is lost.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        message_id, stamp = lower.get("webhook-id", ""), lower.get("webhook-timestamp", "")
        is_time = stamp.isascii() and stamp.isdecimal() and len(stamp) < 16
        require(message_id and is_time, "the message is without id or time")
        require(
            abs(now - int(stamp)) <= self.tolerance,
            "the message is too old, or of a clock that is ahead",
        )
        signed = f"{message_id}.{stamp}.".encode(errors="replace") + body
        self._require(signed, lower.get("webhook-signature", ""))
        # Only of what verified: else anybody could use up an id.
        with _LOCK:
            is_again = f"{message_id}.{stamp}" in self.seen
            self.seen[f"{message_id}.{stamp}"] = None
            if len(self.seen) > SEEN_MAX:
                del self.seen[next(iter(self.seen))]
        if is_again or (is_new is not None and not is_new(message_id)):
            raise Reused("this message came before")
        return parse(Webhook, body)

    def _require(self, signed: bytes, untrusted: str) -> None:
        require(self.secrets or self.public_key, "there is neither secret nor key to verify by")
        words = [word.partition(",") for word in untrusted.split(" ")[:SIGNATURES_MAX]]
        own = [self.public_key] if self.public_key else []
        for version, keys, fits in (("v1", self.secrets, _fits), ("v1a", own, _holds)):
            given = [value for scheme, _, value in words if scheme == version]
            is_signed_so = any(fits(key, one, signed) for key in keys for one in given)
            require(is_signed_so or not keys, f"no {version} signature fits")


def _fits(secret: str, signature: str, signed: bytes) -> bool:
    key = b64decode(secret.removeprefix("whsec_"), validate=True)
    if not key:  # an empty key would be everybody's
        raise ValueError("this is no secret of a webhook")
    return hmac.compare_digest(
        b64encode(hmac.digest(key, signed, "sha256")), signature.encode(errors="replace")
    )


def _holds(public_key: str, signature: str, signed: bytes) -> bool:
    with suppress(Refused):
        is_signed(
            from_base64(public_key.removeprefix("whpk_"), 32),
            from_base64(signature, 64),
            signed,
            "message",
        )
        return True
    return False
