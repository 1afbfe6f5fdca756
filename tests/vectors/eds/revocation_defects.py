"""Revocation lists and OCSP answers with one defect each."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from insecure_sandbox import encoding as asn1
from insecure_sandbox import keys, timestamping
from insecure_sandbox import ocsp_responder as ocsp
from insecure_sandbox.credential import Credential
from insecure_sandbox.minting import seal
from tests.vectors.eds.case import AT, JUDGED, OCSP_NONCE
from tests.vectors.eds.workshop import DAY, HOUR, SECOND, Vector, World
from verification.engines.pki import der
from verification.engines.pki.certificate import Certificate, parse_certificate
from verification.engines.pki.ocsp import build_request
from verification.stages.statement.policy import POLICY

# What the authority says of the certificate: answers of responders and lists that clear it,
# revoke it, or say nothing.
#
# The signature is good in all of them; where the answer is wrong there is no list beside it, and
# the other way round.


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


# Revocation lists and lists of changes: those that clear, those that revoke, and those that
# leave it open.


def of_lists(world: World) -> Iterator[Vector]:
    """All of this file."""
    yield from _complete(world)
    yield from _scopes(world)
    yield from _changes(world)
    yield from _removals(world)
    yield from _authorities(world)


def _list_of(defect: str, content: bytes, why: str = "", **more: Any) -> Vector:
    said: dict[str, Any] = {
        "code": _OPEN,
        "check": REVOCATION,
        "why": why,
        "nearest": "crl_good",
        "role": "crl",
    } | more
    return Vector(group="revocation", defect=defect, content=content, **said)


def _list_passes(defect: str, content: bytes, **more: Any) -> Vector:
    return _list_of(defect, content, **{"code": "", "check": "", "nearest": "good"} | more)


def _complete(world: World) -> Iterator[Vector]:
    good, serial = world.good_crl, world.leaf.serial
    passing = {
        "crl_good": good,
        "crl_good_and_empty": world.crl(revoked={}),
        "crl_good_last_second": world.crl(next_update=JUDGED + SECOND),
    }
    for name, content in passing.items():
        yield _list_passes(name, content)
    broken = {
        "crl_stale": (world.crl(next_update=JUDGED), "stale"),
        "crl_from_the_future": (world.crl(this_update=JUDGED + SECOND), "future"),
        "crl_without_next_update": (world.crl(next_update=None), "until when"),
        "crl_unsigned": (good[:-8] + bytes(8), "does not fit"),
        "crl_by_an_authority_of_the_same_name": (
            world.crl(authority=world.other),
            "does not fit",
        ),
        "crl_by_the_root": (world.crl(by=world.root), "no list of this issuer"),
        "crl_by_the_borrower": (world.crl(by=world.person), "no list of this issuer"),
        "crl_by_the_borrower_in_the_issuers_name": (_posed(world), "does not fit"),
        "crl_trailing_bytes": (good + b"\0", ""),
        "crl_cut_off": (good[:-1], ""),
    }
    for name, (content, why) in broken.items():
        is_late = name in ("crl_stale", "crl_without_next_update")
        yield _list_of(
            name, content, why, nearest="crl_good_last_second" if is_late else "crl_good"
        )
    for name, reason in {"revoked": None, "revoked_key_compromise": 1, "on_hold": 6}.items():
        listed = world.crl(
            revoked={4711: AT - DAY, serial: AT - DAY}, reasons={serial: reason} if reason else None
        )
        yield _list_of(f"crl_{name}", listed, code=_REVOKED)
    stale = world.crl(revoked={serial: AT - DAY}, next_update=JUDGED)
    yield _list_of("crl_revoked_and_stale", stale, "stale", nearest="crl_good_last_second")
    if world.family == "gost512":
        yield _list_of("crl_of_0_bytes", b"")
        yield _list_of("crl_html", b"<html>503</html>")


def _posed(world: World) -> bytes:
    body = der.read_tree(world.good_crl).children[0].raw
    return seal(body, world.spare)


def _scopes(world: World) -> Iterator[Vector]:
    partial_ = "partial or has an unknown critical"
    yield _list_of("crl_with_a_critical_extension", world.crl(extensions=(_UNKNOWN,)), partial_)
    scopes = {
        "indirect": asn1.element(0x84, b"\xff"),
        "of_authorities_only": asn1.element(0x82, b"\xff"),
        "of_some_reasons": asn1.element(0x83, b"\x01\x40"),
        "of_one_point": asn1.explicit(
            0, asn1.explicit(0, asn1.element(0x86, b"http://a.invalid/"))
        ),
    }
    for name, part in scopes.items():
        point = asn1.extension("2.5.29.28", asn1.sequence(part), critical=True)
        yield _list_of(f"crl_{name}", world.crl(extensions=(point,)), partial_)
    loose = asn1.extension("2.5.29.28", asn1.sequence(asn1.element(0x84, b"\xff")))
    yield _list_of("crl_indirect_but_not_critical", world.crl(extensions=(loose,)), partial_)
    twice = asn1.extension("2.5.29.20", asn1.integer(8))
    yield _list_of("crl_with_an_extension_twice", world.crl(extensions=(twice,)), "twice")
    issuer = asn1.extension(
        "2.5.29.29", asn1.sequence(asn1.element(0xA4, world.issuer.subject)), critical=True
    )
    odd = _with_entry(
        world, asn1.sequence(asn1.integer(4711), asn1.time(AT - DAY), asn1.sequence(issuer))
    )
    yield _list_of("crl_with_an_entry_of_another_issuer", odd, "critical")
    double = asn1.sequence(asn1.integer(world.leaf.serial), asn1.time(AT - DAY))
    yield _list_of("crl_with_our_serial_twice", _with_entry(world, double + double), "twice")


def _with_entry(world: World, entries: bytes) -> bytes:
    """The good list with these entries in the place of its own, signed anew."""
    parts = [each.raw for each in der.read_tree(world.good_crl).children[0].children]
    parts[5] = asn1.sequence(entries)
    return seal(asn1.sequence(*parts), world.issuing.private_key)


def _delta(defect: str, content: bytes, why: str = "", **more: Any) -> Vector:
    return _list_of(defect, content, why, **{"role": "delta", "nearest": "delta_good"} | more)


def _changes(world: World) -> Iterator[Vector]:
    delta, serial = partial(world.crl, number=8, base_number=7), world.leaf.serial
    yield _list_passes("delta_good", delta(), role="delta")
    yield _list_passes("delta_good_to_an_older_list", delta(base_number=6), role="delta")
    broken = {
        "delta_to_a_later_list": (delta(number=9, base_number=8), "another complete list"),
        "delta_stale": (delta(next_update=JUDGED), "stale"),
        "delta_from_the_future": (delta(this_update=JUDGED + SECOND), "future"),
        "delta_unsigned": (delta()[:-8] + bytes(8), "does not fit"),
        "delta_by_an_authority_of_the_same_name": (delta(authority=world.other), "does not fit"),
        "delta_is_the_complete_list": (world.good_crl, "no delta list"),
    }
    for name, (content, why) in broken.items():
        yield _delta(name, content, why)
    yield _delta("delta_without_its_list", delta(), "", with_={"crl": []})
    yield _delta(
        "delta_in_the_place_of_the_list",
        delta(),
        "no list of this issuer",
        with_={"crl": [delta()]},
    )
    yield _delta("delta_revokes", delta(revoked={serial: AT - DAY}), code=_REVOKED)
    hold = delta(revoked={serial: AT - DAY}, reasons={serial: 6})
    yield _delta("delta_puts_on_hold", hold, code=_REVOKED)
    if world.family == "gost512":
        yield _delta("delta_of_0_bytes", b"")


def _removals(world: World) -> Iterator[Vector]:
    serial, since = world.leaf.serial, {world.leaf.serial: AT - DAY}
    removed = world.crl(number=8, base_number=7, revoked=since, reasons={serial: 8})

    def listed(reason: int) -> Mapping[str, list[bytes]]:
        return {"crl": [world.crl(revoked=since, reasons={serial: reason})]}

    yield _list_passes("delta_good_ends_a_hold", removed, role="delta", with_=listed(6))
    near = {"nearest": "delta_good_ends_a_hold"}
    yield _delta("delta_takes_a_revocation_back", removed, "taken back", with_=listed(1), **near)
    old = world.crl(
        number=6, base_number=5, revoked=since, reasons={serial: 8}, this_update=AT - 2 * HOUR
    )
    yield _delta("delta_older_than_the_hold", old, code=_REVOKED, with_=listed(6), **near)
    whole = world.crl(revoked=since, reasons={serial: 8})
    yield _list_of("crl_with_a_removal", whole, "belongs on no complete list")


def _authorities(world: World) -> Iterator[Vector]:
    above, serial = partial(world.crl, by=world.root), world.issuer.serial
    role = {"role": "authority_crl", "nearest": "authority_crl_good"}
    yield _list_passes("authority_crl_good", above(), role="authority_crl")
    revoked = above(revoked={serial: AT - DAY})
    yield _list_of("authority_crl_revokes_the_issuer", revoked, code="eds_issuer_revoked", **role)
    held = above(revoked={serial: AT - DAY}, reasons={serial: 6})
    yield _list_of("authority_crl_holds_the_issuer", held, code="eds_issuer_revoked", **role)
    yield _list_of("authority_crl_stale", above(next_update=JUDGED), "stale", **role)
    yield _list_of(
        "authority_crl_of_the_issuer_itself", world.good_crl, "no list of this issuer", **role
    )
    yield _list_of("authority_crl_unsigned", above()[:-8] + bytes(8), "does not fit", **role)
