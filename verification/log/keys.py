"""The keys of the logs: for heads, for entries, and the root's statements about them.

The root certifies signing keys, in a file beside the others or in a log entry.
A revoked key's signatures do not count from an index on.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings

from verification.compiled import Compiled
from verification.core import certificates, events, law_file
from verification.core.certificates import MODES, Certified
from verification.core.errors import BadInput, Misconfigured
from verification.log.checkpoint import SigningKey, VerificationKey
from verification.log.damaged import UNREADABLE, readable
from verification.models import AuditEntry

LOGS: Final = MODES
_SEED_BYTES: Final = 32


@dataclass(frozen=True)
class Believed:
    """A certified key that signs entries, ready to verify."""

    kind: str
    number: int
    public: Ed25519PublicKey


def ordered_logs() -> tuple[str, ...]:
    """The logs that this installation orders: the live one only while live mode is on."""
    return LOGS if settings.TULGA_MODES_LIVE else ("test",)


def signing_key(log: str) -> SigningKey:
    """The key that signs this log, under the log's origin.

    Raises: `Misconfigured` if this process holds none.
    """
    _require_log(log)
    seed = settings.TULGA_LOG_KEYS.get(log)
    if seed is None:
        raise Misconfigured(f"TULGA_LOG_KEYS has no key for the {log} log: only tick holds it")
    if len(seed) != _SEED_BYTES:
        raise Misconfigured(f"the key of the {log} log is no Ed25519 seed of {_SEED_BYTES} bytes")
    return SigningKey(name=_origin(log), seed=bytes(seed))


def verification_key(log: str) -> VerificationKey:
    """The key that verifies this log's checkpoints; `str()` gives verifiers' form.

    Raises: `Misconfigured` without its certified public key.
    """
    _require_log(log)
    for certificate in settings.TULGA_CERTIFIED:
        if (certificate.kind, certificate.mode) == ("log", log):
            return VerificationKey(name=_origin(log), public=certificate.public)
    raise Misconfigured(
        f"no certified public key of the {log} log is in {settings.TULGA_KEYS_DIR}/public"
    )


def believed(log: str, *, needed: Set[str] = frozenset()) -> Mapping[str, Believed]:
    """The keys that may sign a log's entries, by id: certified in files here or, if those lack one,
    in log entries.

    Raises: `Misconfigured` without any.
    """
    keys_by_id = _believed(tuple(of_files(log)))
    if needed - keys_by_id.keys():
        keys_by_id = {**_believed(tuple(on_record(log))), **keys_by_id}
    if not keys_by_id:
        raise Misconfigured(
            f"no certified public key that signs entries of the {log} log is here: see"
            " TULGA_KEYS_DIR"
        )
    return keys_by_id


def of_files(log: str) -> list[Certified]:
    """Keys for a log's entries from this host's certified files."""
    return [
        certificate
        for certificate in settings.TULGA_CERTIFIED
        if certificate.mode == log and certificate.kind in events.SIGNERS
    ]


def on_record(log: str) -> list[Certified]:
    """Keys that the root certified by an entry of this log, ordered or not."""
    entries = readable(AuditEntry.objects.filter(log=log, type=events.CERTIFIED).order_by("pk"))
    certificates_read = (certificates.read_certified(entry.body, mode=log) for entry in entries)
    return [
        certificate
        for certificate in certificates_read
        if certificate is not None and certificate.is_certified(settings.TULGA_ROOT)
    ]


_REVOKED = Compiled(
    lambda log: AuditEntry.objects.filter(log=log, type=events.REVOKED).order_by("pk")
)


def revoked(source: str | Iterable[AuditEntry]) -> dict[str, int]:
    """The index from which on a key's signatures do not count, by key id, as the root signed.

    The root's signature suffices: a revocation counts without a leaf, and without a waiting row.
    source: a log, meaning all its entries, or entries; other types among them are ignored.
    """
    from_index_of: dict[str, int] = {}
    for entry in readable(_REVOKED, source) if isinstance(source, str) else source:
        if entry.type == events.REVOKED and is_of_root(entry):
            index = entry.body["from_index"]
            from_index_of[entry.body["key"]] = min(
                index, from_index_of.get(entry.body["key"], index)
            )
    return from_index_of


def is_revoked(revoked: Mapping[str, int], key: str, index: int) -> bool:
    """Whether this key's signatures do not count at this index, per `revoked`."""
    return index >= revoked.get(key, index + 1)


def is_of_root(entry: AuditEntry) -> bool:
    """Whether the operator's root signed this entry's statement on a key or the law."""
    body = entry.body if isinstance(entry.body, dict) else {}
    try:
        if entry.type == events.CERTIFIED:
            certificate = certificates.read_certified(body, mode=entry.log)
            return certificate is not None and certificate.is_certified(settings.TULGA_ROOT)
        if entry.type == events.LAW_TAKEN:
            return bool(law_of(entry))
        key, index, signature = body.get("key"), body.get("from_index"), body.get("revocation")
        if not isinstance(key, str) or type(index) is not int or index < 0:
            return False
        return certificates.is_revocation(
            settings.TULGA_ROOT, signature, mode=entry.log, key=key, from_index=index
        )
    except (BadInput, *UNREADABLE):  # a word without bytes, for example
        return False


def law_of(entry: AuditEntry) -> law_file.Law:
    """The law file in an entry.

    Raises: `BadInput`: law_malformed, law_forged, law_elsewhere.
    """
    try:
        signed = law_file.read_entry(entry.body)
        require_law(signed)
    except UNREADABLE as error:
        raise BadInput(
            f"it cannot be read ({type(error).__name__})", code="law_malformed"
        ) from None
    return signed.law


def require_law(signed: law_file.Signed) -> None:
    """Raises: `BadInput` if the operator's root did not sign this law file for this
    installation.
    """
    law_file.require_signed(
        signed, root=settings.TULGA_ROOT, installation=settings.TULGA_LOG_ORIGIN
    )


@cache
def _believed(every: tuple[Certified, ...]) -> Mapping[str, Believed]:
    return {
        certificate.id: Believed(
            certificate.kind,
            certificate.number,
            Ed25519PublicKey.from_public_bytes(certificate.public),
        )
        for certificate in every
    }


def _require_log(log: str) -> None:
    if log not in LOGS:
        raise ValueError(f"the log {log!r} does not exist")


def _origin(log: str) -> str:
    if not settings.TULGA_LOG_ORIGIN:
        raise Misconfigured("TULGA_LOG_ORIGIN names the log and is not set")
    return f"{settings.TULGA_LOG_ORIGIN}/{log}"
