"""Time-stamps inside the signature: some prove when it existed, some prove nothing and refuse
nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from insecure_sandbox import encoding as asn1
from insecure_sandbox import timestamping
from insecure_sandbox.credential import Credential
from insecure_sandbox.timestamping import (
    Timestamp,
    certify_timestamping,
    encode,
    signature_value,
    with_tokens,
)
from tests.vectors.eds.case import AT, JUDGED, STATEMENT, TIMESTAMP_NONCE
from tests.vectors.eds.workshop import DAY, HOUR, MINUTE, SECOND, Vector, World
from verification.engines.pki import keys
from verification.engines.pki.timestamp import IMPRINTS
from verification.stages.statement.policy import POLICY

TIMESTAMP = "eds.timestamp"
_INVALID, _UNTRUSTED, _TIME = (
    "eds_timestamp_invalid",
    "eds_timestamp_untrusted",
    "eds_timestamp_time",
)
_STAMPING, _EMAIL = "1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.4"
_SKEW = timedelta(seconds=POLICY.clock_skew_seconds)


def vectors(world: World) -> Iterator[Vector]:
    """All of this file."""
    yield from _passing(world)
    yield from _tokens(world)
    yield from _authorities(world)
    yield from _times(world)
    yield from _counts(world)
    yield from _certificates(world)
    yield from _asked(world)


def right(world: World, signed: bytes | None = None) -> Timestamp:
    """The time-stamp of the good signature, or of another."""
    return timestamping.stamp(world.stamper, signature_value(signed or world.good), at=AT - SECOND)


def _of(world: World, defect: str, token: Timestamp | bytes, unproven: str = "") -> Vector:
    encoded = token if isinstance(token, bytes) else encode(token)
    return Vector(
        group="time", defect=defect, content=with_tokens(world.good, encoded), unproven=unproven
    )


def _hashed(world: World, oid: str) -> Timestamp:
    return replace(
        right(world), imprint_oid=oid, imprint=IMPRINTS[oid](signature_value(world.good))
    )


def _passing(world: World) -> Iterator[Vector]:
    stamp = right(world)
    yield _of(world, "good_time_stamped", stamp)
    hashes = {"sha256": keys.SHA256, "streebog": keys.STREEBOG_512, "34311": keys.GOST_34311}
    for name, oid in hashes.items():
        yield _of(world, f"good_time_stamped_over_{name}", _hashed(world, oid))
    yield _of(world, "good_time_stamped_naming_by_sha1", replace(stamp, ess="v1"))
    yield _of(world, "good_time_stamped_naming_nobody", replace(stamp, ess=""))
    yield _of(world, "good_time_stamped_a_minute_ahead", replace(stamp, time=JUDGED + _SKEW))
    yield _of(
        world, "good_time_stamped_at_the_beginning", replace(stamp, time=world.leaf.not_before)
    )


def _tokens(world: World) -> Iterator[Vector]:
    stamp = right(world)
    digest = keys.ALGORITHMS[world.family].digest
    thief = replace(stamp.signer, private_key=world.root.private_key)
    named = partial(replace, stamp, named=world.person.certificate)
    unknown = asn1.extension("1.2.398.99.1", asn1.null(), critical=True)
    tokens: dict[str, Timestamp | bytes] = {
        "of_another_signature": replace(stamp, imprint=digest(b"another")),
        "of_the_statement": replace(stamp, imprint=digest(STATEMENT)),
        "over_sha1": replace(stamp, imprint_oid="1.3.14.3.2.26"),
        "over_a_misnamed_hash": replace(stamp, imprint_oid=keys.GOST_34311),
        "unsigned": replace(stamp, signature=bytes(128)),
        "by_another_key": replace(stamp, signer=thief),
        "signed_as_data": replace(stamp, content_type="1.2.840.113549.1.7.1"),
        "naming_another_certificate_v1": named(ess="v1"),
        "naming_another_certificate_v2": named(ess="v2"),
        "of_version_2": replace(stamp, version=2),
        "with_a_critical_extension": replace(stamp, extensions=(unknown,)),
        "is_null": asn1.null(),
        "is_a_signature_of_data": world.sign(world.stamper, b"", attached=True),
        "in_an_answer": timestamping.granted(encode(stamp)),
    }
    for name, token in tokens.items():
        yield _of(world, f"time_stamp_{name}", token, _INVALID)


def _authorities(world: World) -> Iterator[Vector]:
    certify: Callable[..., Credential] = partial(
        certify_timestamping, world.authority, key=world.spare
    )
    ago = AT - 30 * DAY
    signers = {
        "without_the_purpose": certify(at=ago, purposes=(_EMAIL,)),
        "with_another_purpose_besides": certify(at=ago, purposes=(_STAMPING, _EMAIL)),
        "whose_purpose_is_not_critical": certify(at=ago, critical=False),
        "that_had_expired": certify(at=ago, days=2),
        "of_later_days": certify(at=AT + 2 * DAY),
        "under_another_root": certify_timestamping(world.other, at=ago, key=world.spare),
    }
    for name, signer in signers.items():
        yield _of(
            world, f"time_stamp_authority_{name}", replace(right(world), signer=signer), _UNTRUSTED
        )
    yield _of(
        world, "time_stamp_by_the_borrower", replace(right(world), signer=world.person), _UNTRUSTED
    )
    yield _of(
        world,
        "time_stamp_under_another_policy",
        replace(right(world), policy="1.2.398.3.3.2.6.9"),
        _UNTRUSTED,
    )


def _times(world: World) -> Iterator[Vector]:
    stamp = right(world)
    late = replace(stamp, time=JUDGED + _SKEW + SECOND)
    yield _of(world, "time_stamp_in_the_future", late, _TIME)
    early = replace(stamp, time=world.leaf.not_before - SECOND)
    yield _of(world, "time_stamp_before_the_certificate", early, _TIME)


def _counts(world: World) -> Iterator[Vector]:
    token = encode(right(world))
    said: dict[str, Any] = {"group": "time", "unproven": _INVALID}
    two = with_tokens(world.good, token, token)
    yield Vector(defect="time_stamps_two", content=two, **said)
    two = with_tokens(world.good, token, token, in_one=True)
    yield Vector(defect="time_stamps_two_in_one", content=two, **said)


def _certificates(world: World) -> Iterator[Vector]:
    """A certificate that ended before the signature came to us."""
    year = 365 * DAY
    expired = world.certify_person(world.template(at=AT - year + HOUR - 10 * SECOND))
    signed = world.sign(expired)
    before = encode(replace(right(world, signed), time=AT - MINUTE))
    after = encode(replace(right(world, signed), time=AT - SECOND))
    said: dict[str, Any] = {"group": "time", "code": "eds_certificate_expired", "check": "eds.path"}
    near = "good_expired_after_its_time_stamp"
    yield Vector(defect=near, content=with_tokens(signed, before), group="time")
    yield Vector(defect="expired_without_a_time_stamp", content=signed, nearest=near, **said)
    wrong = with_tokens(signed, after)
    yield Vector(defect="expired_before_its_time_stamp", content=wrong, nearest=near, **said)


def _asked(world: World) -> Iterator[Vector]:
    """Answers to our own question, under a policy that asks one; the signature itself carries no
    time-stamp.
    """
    stamp = replace(right(world), nonce=TIMESTAMP_NONCE)
    answers = {
        "tsr_good": timestamping.granted(encode(stamp)),
        "tsr_with_another_nonce": timestamping.granted(
            encode(replace(stamp, nonce=TIMESTAMP_NONCE + 1))
        ),
        "tsr_without_a_nonce": timestamping.granted(encode(replace(stamp, nonce=None))),
        "tsr_of_another_signature": timestamping.granted(
            encode(replace(stamp, imprint=bytes(len(stamp.imprint))))
        ),
        "tsr_by_the_borrower": timestamping.granted(encode(replace(stamp, signer=world.person))),
        "tsr_in_the_future": timestamping.granted(encode(replace(stamp, time=JUDGED + HOUR))),
        "tsr_is_a_bare_token": encode(stamp),
        "tsr_trailing_bytes": timestamping.granted(encode(stamp)) + b"\0",
    }
    if world.family == "gost512":
        answers |= {
            "tsr_rejected": timestamping.REJECTED,
            "tsr_html": b"<html>503</html>",
            "tsr_of_0_bytes": b"",
        }
    for name, content in answers.items():
        code, near = (
            ("", "good") if name == "tsr_good" else ("eds_timestamp_unavailable", "tsr_good")
        )
        check = TIMESTAMP if code else ""
        yield Vector(
            group="time",
            defect=name,
            content=content,
            code=code,
            check=check,
            nearest=near,
            role="timestamp",
        )
