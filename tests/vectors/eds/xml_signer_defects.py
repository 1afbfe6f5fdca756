"""Rightly signed XML by whom it must not be: steps 5 to 9 do not ask in which form a signature
came.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from insecure_sandbox import timestamping
from insecure_sandbox.authority import forge_like_nca
from insecure_sandbox.credential import Credential
from insecure_sandbox.minting import certify
from insecure_sandbox.timestamping import encode, granted
from insecure_sandbox.xml_signing import sign_xml
from tests.vectors.eds.case import AT, IIN, OTHER_IIN, TIMESTAMP_NONCE
from tests.vectors.eds.workshop import DAY, HOUR, SECOND, WHO, Vector, World
from tests.vectors.eds.xml_workshop import CLOSED, DOCUMENT, FORMAT, signed, vector
from verification.engines.pki.xmldsig import parse_xml
from verification.stages.statement.policy import POLICY

PATH, IDENTITY, REVOCATION, TIMESTAMP = (
    "eds.path",
    "eds.identity",
    "eds.revocation",
    "eds.timestamp",
)
_UNTRUSTED, _UNAVAILABLE = "eds_path_untrusted", "eds_timestamp_unavailable"


def vectors(world: World) -> Iterator[Vector]:
    """All of this file."""
    yield from _forgeries(world)
    yield from _persons(world)
    yield from _revocation(world)
    yield from _time_stamps(world)


def _by(signer: Credential) -> bytes:
    return sign_xml(signer, DOCUMENT)


def _forgeries(world: World) -> Iterator[Vector]:
    forged = forge_like_nca(world.issuing.certificate, iin=IIN, **WHO, at=AT)
    why = "signature does not fit"
    yield vector("fcalayer_forgery", _by(forged), _UNTRUSTED, PATH, why)
    own = certify(world.template(), world.spare, by=None)
    yield vector("self_signed", _by(own), _UNTRUSTED, PATH, "no issuer of that name")
    twin = world.certify_person(by=world.other.issuing)
    yield vector("own_authority_of_the_same_name", _by(twin), _UNTRUSTED, PATH, why)


def _persons(world: World) -> Iterator[Vector]:
    other = world.certify_person(world.template(iin=OTHER_IIN))
    yield vector("by_another_person", _by(other), "eds_iin_mismatch", IDENTITY)
    last, late = world.template(at=AT - 365 * DAY + HOUR), world.template(at=AT - 366 * DAY + HOUR)
    yield vector("good_leaf_last_second", _by(world.certify_person(last)))
    expired = _by(world.certify_person(late))
    yield vector(
        "leaf_expired_yesterday",
        expired,
        "eds_certificate_expired",
        PATH,
        nearest="xml_good_leaf_last_second",
    )


def _revocation(world: World) -> Iterator[Vector]:
    serial = world.leaf.serial
    listed = {"crl": [world.crl(revoked={serial: AT - DAY})]}
    yield vector("leaf_revoked", signed(world), "eds_certificate_revoked", REVOCATION, with_=listed)
    beside = {"crl": [world.crl(revoked={serial + 1: AT - DAY})]}
    yield vector("good_beside_a_revoked_one", signed(world), with_=beside)


def _time_stamps(world: World) -> Iterator[Vector]:
    """XML carries none: a policy that wants one has it asked for, over the signature's value."""
    good = signed(world)
    value = parse_xml(good, max_bytes=POLICY.signature_max_bytes).signature
    stamp = replace(timestamping.stamp(world.stamper, value, at=AT - SECOND), nonce=TIMESTAMP_NONCE)
    near = "good_time_stamped_when_asked"
    yield vector(near, good, with_={"timestamp": [granted(encode(stamp))]})
    answers = {
        "time_stamp_wanted_and_none": b"",
        "time_stamp_of_another_signature": granted(
            encode(replace(stamp, imprint=bytes(len(stamp.imprint))))
        ),
    }
    for name, answer in answers.items():
        given: dict[str, Any] = {"with_": {"timestamp": [answer]}, "nearest": f"xml_{near}"}
        yield vector(name, good, _UNAVAILABLE, TIMESTAMP, **given)
    properties = (
        b"<ds:Object><xades:QualifyingProperties"
        b' xmlns:xades="http://uri.etsi.org/01903/v1.3.2#"/></ds:Object>'
    )
    inside = good.replace(CLOSED, properties + CLOSED)
    yield vector("xades_properties_unsigned", inside, "eds_malformed", FORMAT)
