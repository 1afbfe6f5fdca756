"""What the authority says of the certificate: answers of responders and lists that clear it, revoke
it, or say nothing.

The signature is good in all of them; where the answer is wrong there is no list beside it, and the
other way round.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from insecure_sandbox import encoding as asn1
from insecure_sandbox import keys, timestamping
from insecure_sandbox import ocsp_responder as ocsp
from insecure_sandbox.credential import Credential
from tests.vectors.eds.case import AT, JUDGED, OCSP_NONCE
from tests.vectors.eds.workshop import DAY, SECOND, Vector, World
from verification.engines.pki import der
from verification.engines.pki.certificate import Certificate, parse_certificate
from verification.engines.pki.ocsp import build_request
from verification.stages.statement.policy import POLICY

REVOCATION = "eds.revocation"
_OPEN, _REVOKED = "eds_revocation_unknown", "eds_certificate_revoked"
_AGE = timedelta(seconds=POLICY.ocsp_max_age_seconds)
_SKEW = timedelta(seconds=POLICY.clock_skew_seconds)
_UNKNOWN = asn1.extension("1.2.398.99.1", asn1.null(), critical=True)


def vectors(world: World) -> Iterator[Vector]:
    """All of this file."""
    yield from _answers(world)
    yield from _responders(world)
    yield from _statuses(world)
    yield from _no_answers(world)


def answer(
    world: World, *, leaf: Certificate | None = None, issuer: Certificate | None = None
) -> ocsp.Answer:
    """The right answer before it is encoded."""
    request = build_request(leaf or world.leaf, issuer=issuer or world.issuer, nonce=OCSP_NONCE)
    return ocsp.Answer(
        signer=world.responder,
        cert_id=ocsp.read_question(request).cert_id,
        status=ocsp.GOOD,
        produced_at=AT,
        this_update=AT,
        nonce=OCSP_NONCE,
        certificates=(world.responder.certificate,),
    )


def _of(defect: str, made: ocsp.Answer | bytes, why: str = "", **more: Any) -> Vector:
    content = made if isinstance(made, bytes) else ocsp.encode(made)
    said: dict[str, Any] = {"code": _OPEN, "check": REVOCATION, "why": why, "nearest": "ocsp_good"}
    said |= {"with_": {"crl": []}} | more
    return Vector(group="revocation", role="ocsp", defect=f"ocsp_{defect}", content=content, **said)


def _passes(defect: str, made: ocsp.Answer, **more: Any) -> Vector:
    return _of(defect, made, **{"code": "", "check": "", "nearest": "good"} | more)


def _by(world: World, signer: Credential) -> ocsp.Answer:
    return replace(answer(world), signer=signer, certificates=(signer.certificate,))


def _answers(world: World) -> Iterator[Vector]:
    right = answer(world)

    def dated(moment: datetime) -> ocsp.Answer:
        return replace(right, produced_at=moment, this_update=moment)

    passing = {
        "good": right,
        "good_five_minutes_old": dated(JUDGED - _AGE),
        "good_a_minute_ahead": dated(JUDGED + _SKEW),
        "good_with_next_update": replace(right, next_update=JUDGED + SECOND),
    }
    for name, made in passing.items():
        yield _passes(name, made)
    old, about = JUDGED - _AGE - SECOND, "another certificate"
    serial = replace(world.leaf, serial=world.leaf.serial + 1)
    root, twin = (parse_certificate(each.certificate) for each in (world.root, world.other.issuing))
    broken: dict[str, tuple[ocsp.Answer | bytes, str]] = {
        "stale": (dated(old), "stale"),
        "stale_produced": (replace(right, produced_at=old), "stale"),
        "from_the_future": (dated(JUDGED + _SKEW + SECOND), "future"),
        "past_its_next_update": (replace(right, next_update=JUDGED), "stale"),
        "with_another_nonce": (replace(right, nonce=bytes(32)), "nonce"),
        "without_a_nonce": (replace(right, nonce=None), "nonce"),
        "with_half_of_our_nonce": (replace(right, nonce=OCSP_NONCE[:16]), "nonce"),
        "about_another_serial": (answer(world, leaf=serial), about),
        "about_another_issuer": (answer(world, issuer=root), about),
        "about_an_issuer_of_the_same_name": (answer(world, issuer=twin), about),
        "with_a_critical_extension": (
            replace(right, response_extensions=(_UNKNOWN,)),
            "unknown critical",
        ),
        "two_statuses": (_doubled(right), "not as RFC 6960 has it"),
    }
    nearest = {
        "stale": "ocsp_good_five_minutes_old",
        "from_the_future": "ocsp_good_a_minute_ahead",
        "past_its_next_update": "ocsp_good_with_next_update",
    }
    for name, (content, why) in broken.items():
        yield _of(name, content, why, nearest=nearest.get(name, "ocsp_good"))


def _doubled(right: ocsp.Answer) -> bytes:
    """The right answer with its one status twice; its signature is put on anew."""
    encoded = ocsp.encode(right)
    basic = der.read_tree(der.read_tree(encoded).children[1].children[0].children[1].content)
    body = [each.raw for each in basic.children[0].children]
    single = basic.children[0].children[2].children[0].raw
    body[2] = asn1.sequence(single, single)
    parts = [each.raw for each in basic.children[1:]]
    parts[1] = asn1.bits(keys.sign(right.signer.private_key, asn1.sequence(*body)))
    wrapped = asn1.sequence(
        asn1.oid("1.3.6.1.5.5.7.48.1.1"), asn1.octets(asn1.sequence(asn1.sequence(*body), *parts))
    )
    return asn1.sequence(asn1.element(0x0A, b"\0"), asn1.explicit(0, wrapped))


def _responders(world: World) -> Iterator[Vector]:
    right, authority = answer(world), world.authority
    certify = partial(ocsp.certify_responder, key=world.spare)
    yield _passes(
        "good_by_the_issuer_itself", replace(right, signer=world.issuing, certificates=())
    )
    thief = replace(right.signer, private_key=world.root.private_key)
    yield _of("unsigned", replace(right, signature=bytes(128)), "does not fit")
    yield _of("signed_by_another_key", replace(right, signer=thief), "does not fit")
    signers = {
        "by_an_authority_of_the_same_name": (certify(world.other, at=AT), "another authority"),
        "by_a_responder_of_the_root": (certify(replace(authority, issuing=world.root), at=AT), ""),
        "by_the_borrower": (world.person, "may not answer"),
        "without_the_purpose": (
            certify(authority, at=AT, purpose="1.3.6.1.5.5.7.3.2"),
            "may not answer",
        ),
        "without_nocheck": (
            certify(authority, at=AT, nocheck=None),
            "itself is revoked is open",
        ),
        "by_an_expired_responder": (
            certify(authority, at=AT - 2 * DAY, days=1),
            "not valid at the time",
        ),
        "by_a_responder_of_later_days": (
            certify(authority, at=AT + 2 * DAY),
            "not valid at the time",
        ),
        "by_a_responder_with_a_critical_extension": (
            certify(authority, at=AT, extensions=(_UNKNOWN,)),
            "unknown critical",
        ),
    }
    for name, (signer, why) in signers.items():
        yield _of(name, _by(world, signer), why)
    yield _of("without_the_responders_certificate", replace(right, certificates=()), "not there")


def _statuses(world: World) -> Iterator[Vector]:
    right = answer(world)
    yield _of("unknown", replace(right, status=ocsp.UNKNOWN), "does not know")
    late: dict[str, Any] = {"with_": {}, "nearest": "ocsp_good"}
    yield _of("unknown_beside_a_list", replace(right, status=ocsp.UNKNOWN), "does not know", **late)
    revoked = {"code": _REVOKED}
    for name, reason in {"without_a_reason": None, "key_compromise": 1, "on_hold": 6}.items():
        status = ocsp.revoked(AT - DAY, reason=reason)
        yield _of(f"revoked_{name}", replace(right, status=status), **revoked)
    status = ocsp.revoked(AT - DAY, reason=1)
    yield _of("revoked_beside_a_list", replace(right, status=status), **revoked | late)
    signed = world.good
    stamp = timestamping.stamp(
        world.stamper, timestamping.signature_value(signed), at=AT - 10 * SECOND
    )
    stamped = {
        "signature": [timestamping.with_tokens(signed, timestamping.encode(stamp))],
        "crl": [],
    }
    for name, moment in {"before": AT - DAY, "after": AT}.items():
        status = ocsp.revoked(moment, reason=1)
        made = replace(right, status=status)
        yield _of(
            f"revoked_{name}_the_time_stamp",
            made,
            **revoked,
            with_=stamped,
            nearest="ocsp_good_time_stamped",
        )
    yield _passes("good_time_stamped", right, with_=stamped)
    odd = {
        "reason_of_no_meaning": (ocsp.revoked(AT, reason=7), "not as RFC 6960 has it"),
        "removed_from_a_list": (ocsp.revoked(AT, reason=8), "no such reason"),
        "good_with_content": (asn1.element(0x80, b"\0"), "not as RFC 6960 has it"),
    }
    for name, (status, why) in odd.items():
        yield _of(name, replace(right, status=status), why)


def _no_answers(world: World) -> Iterator[Vector]:
    encoded = ocsp.encode(answer(world))
    yield _of("trailing_bytes", encoded + b"\0")
    yield _of("cut_off", encoded[:-1])
    if world.family == "rsa":
        return
    said = {
        1: "malformed_request",
        2: "internal_error",
        3: "try_later",
        5: "sign_required",
        6: "unauthorized",
    }
    for number, name in said.items():
        yield _of(name, asn1.sequence(asn1.element(0x0A, bytes([number]))))
    empty = asn1.sequence(asn1.element(0x0A, b"\0"))
    others = {
        "successful_and_empty": (empty, "not as RFC 6960 has it"),
        "of_0_bytes": (b"", ""),
        "html": (b"<html><title>503</title></html>", ""),
        "in_ber": (b"\x30\x80\x0a\x01\x00\x00\x00", "not DER"),
        "too_large": (bytes(POLICY.ocsp_max_bytes + 1), "too large"),
    }
    for name, (content, why) in others.items():
        yield _of(name, content, why)
