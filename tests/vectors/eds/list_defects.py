"""Revocation lists and lists of changes: those that clear, those that revoke, and those that leave
it open.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from insecure_sandbox import encoding as asn1
from insecure_sandbox.minting import seal
from tests.vectors.eds.case import AT, JUDGED
from tests.vectors.eds.workshop import DAY, HOUR, SECOND, Vector, World
from verification.engines.pki import der

REVOCATION = "eds.revocation"
_OPEN, _REVOKED = "eds_revocation_unknown", "eds_certificate_revoked"
_UNKNOWN = asn1.extension("1.2.398.99.1", asn1.null(), critical=True)


def vectors(world: World) -> Iterator[Vector]:
    """All of this file."""
    yield from _complete(world)
    yield from _scopes(world)
    yield from _changes(world)
    yield from _removals(world)
    yield from _authorities(world)


def _of(defect: str, content: bytes, why: str = "", **more: Any) -> Vector:
    said: dict[str, Any] = {
        "code": _OPEN,
        "check": REVOCATION,
        "why": why,
        "nearest": "crl_good",
        "role": "crl",
    } | more
    return Vector(group="revocation", defect=defect, content=content, **said)


def _passes(defect: str, content: bytes, **more: Any) -> Vector:
    return _of(defect, content, **{"code": "", "check": "", "nearest": "good"} | more)


def _complete(world: World) -> Iterator[Vector]:
    good, serial = world.good_crl, world.leaf.serial
    passing = {
        "crl_good": good,
        "crl_good_and_empty": world.crl(revoked={}),
        "crl_good_last_second": world.crl(next_update=JUDGED + SECOND),
    }
    for name, content in passing.items():
        yield _passes(name, content)
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
        yield _of(name, content, why, nearest="crl_good_last_second" if is_late else "crl_good")
    for name, reason in {"revoked": None, "revoked_key_compromise": 1, "on_hold": 6}.items():
        listed = world.crl(
            revoked={4711: AT - DAY, serial: AT - DAY}, reasons={serial: reason} if reason else None
        )
        yield _of(f"crl_{name}", listed, code=_REVOKED)
    stale = world.crl(revoked={serial: AT - DAY}, next_update=JUDGED)
    yield _of("crl_revoked_and_stale", stale, "stale", nearest="crl_good_last_second")
    if world.family == "gost512":
        yield _of("crl_of_0_bytes", b"")
        yield _of("crl_html", b"<html>503</html>")


def _posed(world: World) -> bytes:
    body = der.read_tree(world.good_crl).children[0].raw
    return seal(body, world.spare)


def _scopes(world: World) -> Iterator[Vector]:
    partial_ = "partial or has an unknown critical"
    yield _of("crl_with_a_critical_extension", world.crl(extensions=(_UNKNOWN,)), partial_)
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
        yield _of(f"crl_{name}", world.crl(extensions=(point,)), partial_)
    loose = asn1.extension("2.5.29.28", asn1.sequence(asn1.element(0x84, b"\xff")))
    yield _of("crl_indirect_but_not_critical", world.crl(extensions=(loose,)), partial_)
    twice = asn1.extension("2.5.29.20", asn1.integer(8))
    yield _of("crl_with_an_extension_twice", world.crl(extensions=(twice,)), "twice")
    issuer = asn1.extension(
        "2.5.29.29", asn1.sequence(asn1.element(0xA4, world.issuer.subject)), critical=True
    )
    odd = _with_entry(
        world, asn1.sequence(asn1.integer(4711), asn1.time(AT - DAY), asn1.sequence(issuer))
    )
    yield _of("crl_with_an_entry_of_another_issuer", odd, "critical")
    double = asn1.sequence(asn1.integer(world.leaf.serial), asn1.time(AT - DAY))
    yield _of("crl_with_our_serial_twice", _with_entry(world, double + double), "twice")


def _with_entry(world: World, entries: bytes) -> bytes:
    """The good list with these entries in the place of its own, signed anew."""
    parts = [each.raw for each in der.read_tree(world.good_crl).children[0].children]
    parts[5] = asn1.sequence(entries)
    return seal(asn1.sequence(*parts), world.issuing.private_key)


def _delta(defect: str, content: bytes, why: str = "", **more: Any) -> Vector:
    return _of(defect, content, why, **{"role": "delta", "nearest": "delta_good"} | more)


def _changes(world: World) -> Iterator[Vector]:
    delta, serial = partial(world.crl, number=8, base_number=7), world.leaf.serial
    yield _passes("delta_good", delta(), role="delta")
    yield _passes("delta_good_to_an_older_list", delta(base_number=6), role="delta")
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

    yield _passes("delta_good_ends_a_hold", removed, role="delta", with_=listed(6))
    near = {"nearest": "delta_good_ends_a_hold"}
    yield _delta("delta_takes_a_revocation_back", removed, "taken back", with_=listed(1), **near)
    old = world.crl(
        number=6, base_number=5, revoked=since, reasons={serial: 8}, this_update=AT - 2 * HOUR
    )
    yield _delta("delta_older_than_the_hold", old, code=_REVOKED, with_=listed(6), **near)
    whole = world.crl(revoked=since, reasons={serial: 8})
    yield _of("crl_with_a_removal", whole, "belongs on no complete list")


def _authorities(world: World) -> Iterator[Vector]:
    above, serial = partial(world.crl, by=world.root), world.issuer.serial
    role = {"role": "authority_crl", "nearest": "authority_crl_good"}
    yield _passes("authority_crl_good", above(), role="authority_crl")
    revoked = above(revoked={serial: AT - DAY})
    yield _of("authority_crl_revokes_the_issuer", revoked, code="eds_issuer_revoked", **role)
    held = above(revoked={serial: AT - DAY}, reasons={serial: 6})
    yield _of("authority_crl_holds_the_issuer", held, code="eds_issuer_revoked", **role)
    yield _of("authority_crl_stale", above(next_update=JUDGED), "stale", **role)
    yield _of(
        "authority_crl_of_the_issuer_itself", world.good_crl, "no list of this issuer", **role
    )
    yield _of("authority_crl_unsigned", above()[:-8] + bytes(8), "does not fit", **role)
