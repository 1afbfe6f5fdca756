"""Webhooks, verified as in Standard Webhooks: `v1` is HMAC-SHA256 with a secret, `v1a` Ed25519."""

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
SIGNATURES_MAX = 16  # checked in one message; two secrets and a key make three
# messages of one endpoint; only verified ones are remembered, so forgeries displace none
SEEN_MAX = 50_000
_LOCK = Lock()


@dataclass(frozen=True)
class Verifier:
    """Verifies one endpoint's messages by its secrets (`whsec_…`, two in a rotation), its key, or
    both.

    One of the secrets must match; if a `public_key` (`whpk_…`) is given too, its signature must
    also be valid.
    Keep one instance: it refuses a repeated signature. Each try has a fresh one, so no message is
    lost.
    """

    secrets: Sequence[str] = field(default=(), repr=False)
    public_key: str = ""
    tolerance: float = TOLERANCE_SECONDS
    seen: dict[str, None] = field(
        default_factory=dict[str, None], repr=False, compare=False
    )  # the newest seen

    def verify(
        self,
        headers: Mapping[str, str],
        body: bytes,
        *,
        now: float,
        is_new: Callable[[str], bool] | None = None,
    ) -> Webhook:
        """The content of a message.

        body: the original bytes.
        now: seconds since 1970.
        is_new: remembers an id and says whether it was new. Call it in the transaction of your
        work; otherwise a message whose work failed is lost.

        Raises: `Refused`, its kind `Reused` for a repeated one, and `BadAnswer`.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        message_id, stamp = lower.get("webhook-id", ""), lower.get("webhook-timestamp", "")
        is_time = stamp.isascii() and stamp.isdecimal() and len(stamp) < 16
        require(message_id and is_time, "the message has no id or time")
        require(
            abs(now - int(stamp)) <= self.tolerance,
            "the message is too old, or its clock is ahead",
        )
        signed = f"{message_id}.{stamp}.".encode(errors="replace") + body
        self._require(signed, lower.get("webhook-signature", ""))
        # Only after verification: otherwise forgeries could use up ids.
        with _LOCK:
            is_again = f"{message_id}.{stamp}" in self.seen
            self.seen[f"{message_id}.{stamp}"] = None
            if len(self.seen) > SEEN_MAX:
                del self.seen[next(iter(self.seen))]
        if is_again or (is_new is not None and not is_new(message_id)):
            raise Reused("this message is a repetition")
        return parse(Webhook, body)

    def _require(self, signed: bytes, untrusted: str) -> None:
        require(self.secrets or self.public_key, "a secret or a key is needed for verification")
        words = [word.partition(",") for word in untrusted.split(" ")[:SIGNATURES_MAX]]
        own = [self.public_key] if self.public_key else []
        for version, keys, fits in (("v1", self.secrets, _fits), ("v1a", own, _holds)):
            given = [value for scheme, _, value in words if scheme == version]
            is_signed_so = any(fits(key, one, signed) for key in keys for one in given)
            require(is_signed_so or not keys, f"no {version} signature fits")


def _fits(secret: str, signature: str, signed: bytes) -> bool:
    key = b64decode(secret.removeprefix("whsec_"), validate=True)
    if not key:  # an empty key would be known to everybody
        raise ValueError("this is not a webhook secret")
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
