"""Source `tsa`: the time-stamp authorities of the test authorities: plain HTTP, DER.

A time-stamp is a value that a test changes in one place before it is encoded and signed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha1, sha256
from typing import Final

from insecure_sandbox import encoding as asn1
from insecure_sandbox import keys, profile
from insecure_sandbox.authority import create_authority
from insecure_sandbox.authority_keeper import AuthorityKeeper
from insecure_sandbox.credential import Credential
from insecure_sandbox.exchange import Rejected, Request, Response, Route
from insecure_sandbox.keys import PrivateKey
from insecure_sandbox.minting import Authority, Template, certify, new_serial
from insecure_sandbox.ocsp_responder import generalized_time
from insecure_sandbox.signing import attribute, signed_data, signer_info
from verification.core.errors import Refused
from verification.engines.pki import cms, der
from verification.engines.pki.keys import TIMESTAMP_ALGORITHMS

SOURCE: Final = "tsa"
POLICIES: Final = {
    "gost512": "1.2.398.3.3.2.6.4",
    "rsa": "1.2.398.3.3.2.6.2",
    "gost2004": "1.2.398.3.3.2.6.1",
}
REJECTED: Final = asn1.sequence(asn1.sequence(asn1.integer(2)))

_TST_INFO, _TOKEN = "1.2.840.113549.1.9.16.1.4", "1.2.840.113549.1.9.16.2.14"
_TIME_STAMPING: Final = "1.3.6.1.5.5.7.3.8"
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Timestamp:
    """One time-stamp before encoding. `ess`: the signing-certificate attribute, `v1`, `v2` or none.

    named: the certificate in that attribute, by default the signer's own.
    content_type: the value of the signed attribute.
    """

    signer: Credential
    imprint_oid: str
    imprint: bytes
    time: datetime
    policy: str
    nonce: int | None = None
    version: int = 1
    ess: str = "v2"
    named: bytes | None = None
    content_type: str = _TST_INFO
    signature: bytes | None = None
    extensions: tuple[bytes, ...] = ()


def certify_timestamping(
    authority: Authority,
    *,
    at: datetime,
    purposes: Sequence[str] = (_TIME_STAMPING,),
    critical: bool = True,
    days: int = 365,
    key: PrivateKey | None = None,
    by: Credential | None = None,
) -> Credential:
    """A time-stamp authority certified by the issuing authority; its only purpose is critical, as
    in RFC 3161.

    `by`: another certifier.
    """
    usage = asn1.extension(
        "2.5.29.37", asn1.sequence(*(asn1.oid(purpose) for purpose in purposes)), critical=critical
    )
    template = Template(
        subject=asn1.name(("2.5.4.3", "TULGA SANDBOX TSA"), ("2.5.4.6", "KZ")),
        extensions=(profile.key_usage((0, 1)), usage),
        not_before=at - _HOUR,
        not_after=at - _HOUR + timedelta(days=days),
        serial=new_serial(),
    )
    return certify(
        template,
        keys.generate_key(authority.family) if key is None else key,
        by=by or authority.issuing,
    )


def create_old_root(*, at: datetime) -> Credential:
    """A root of the old GOST, valid from a year before `at` for two years; for time-stamp
    authorities only.
    """
    year = timedelta(days=365)
    template = Template(
        subject=asn1.name(("2.5.4.3", "TULGA SANDBOX ROOT (OLD GOST)"), ("2.5.4.6", "KZ")),
        extensions=profile.authority_extensions(root=True),
        not_before=at - year,
        not_after=at + year,
        serial=new_serial(),
    )
    return certify(template, keys.generate_old_key(), by=None)


def stamp(
    signer: Credential, signature: bytes, *, at: datetime, nonce: int | None = None
) -> Timestamp:
    """The right time-stamp of a signature value, hashed as the signer's family does."""
    algorithm = TIMESTAMP_ALGORITHMS[signer.family]
    return Timestamp(
        signer=signer,
        imprint_oid=algorithm.digest_oid,
        imprint=algorithm.digest(signature),
        time=at,
        policy=POLICIES[signer.family],
        nonce=nonce,
    )


def encode(timestamp: Timestamp) -> bytes:
    """The token, signed."""
    info = _info(timestamp)
    signer = timestamp.signer
    attributes = sorted(
        [
            attribute(cms.CONTENT_TYPE, asn1.oid(timestamp.content_type)),
            attribute(
                cms.MESSAGE_DIGEST, asn1.octets(TIMESTAMP_ALGORITHMS[signer.family].digest(info))
            ),
            *_signing_certificate(timestamp),
        ]
    )
    return signed_data(
        signer,
        infos=[signer_info(signer, attributes=attributes, signature=timestamp.signature)],
        certificates=[signer.certificate],
        content=info,
        content_type=_TST_INFO,
    )


def _info(timestamp: Timestamp) -> bytes:
    return asn1.sequence(
        asn1.integer(timestamp.version),
        asn1.oid(timestamp.policy),
        asn1.sequence(asn1.algorithm(timestamp.imprint_oid), asn1.octets(timestamp.imprint)),
        asn1.integer(new_serial()),
        generalized_time(timestamp.time),
        *([] if timestamp.nonce is None else [asn1.integer(timestamp.nonce)]),
        *([asn1.explicit(1, *timestamp.extensions)] if timestamp.extensions else []),
    )


def _signing_certificate(timestamp: Timestamp) -> list[bytes]:
    certificate = timestamp.named or timestamp.signer.certificate
    if timestamp.ess == "v1":
        digest = asn1.octets(sha1(certificate, usedforsecurity=False).digest())
        return [
            attribute(
                "1.2.840.113549.1.9.16.2.12", asn1.sequence(asn1.sequence(asn1.sequence(digest)))
            )
        ]
    if timestamp.ess == "v2":
        digest = asn1.octets(sha256(certificate).digest())
        return [
            attribute(
                cms.SIGNING_CERTIFICATE_V2, asn1.sequence(asn1.sequence(asn1.sequence(digest)))
            )
        ]
    return []


def signature_value(cms: bytes) -> bytes:
    """The subject of a token: the signature value in a CMS of one signer."""
    return der.read_tree(cms).children[1].children[0].children[-1].children[0].children[-1].content


def with_tokens(cms: bytes, *tokens: bytes, in_one: bool = False) -> bytes:
    """The CMS with these tokens among its unsigned attributes: each in its own, or all `in_one`."""
    kind, wrapped = der.read_tree(cms).children
    parts = wrapped.children[0].children
    info = parts[-1].children[0]
    added = (
        [attribute(_TOKEN, *tokens)] if in_one else [attribute(_TOKEN, token) for token in tokens]
    )
    signer = asn1.sequence(*(node.raw for node in info.children), asn1.explicit(1, *added))
    rebuilt = asn1.sequence(*(node.raw for node in parts[:-1]), asn1.set_of(signer))
    return asn1.sequence(kind.raw, asn1.explicit(0, rebuilt))


class TimestampAuthority:
    """The time-stamp authority of one family. Its keys are made at the first question and end
    with the process.
    """

    def __init__(self, keeper: AuthorityKeeper) -> None:
        self._keeper = keeper
        self.certified = cache(self._certify)

    def answer(self, untrusted: bytes) -> Timestamp:
        """The right time-stamp for a question, before encoding.

        Raises: `Rejected` for anything else.
        """
        try:
            _, imprint, *optional = der.items(
                der.read_tree(untrusted), der.SEQUENCE, "question", at_least=2
            )
            hashed, digest = der.items(imprint, der.SEQUENCE, "imprint", at_least=2, at_most=2)
            oid = der.oid(hashed.children[0], "imprint")
            nonce = next(
                (der.integer(node, "nonce") for node in optional if node.tag == der.INTEGER), None
            )
        except (Refused, IndexError) as error:
            raise Rejected(400, "not a question for a time-stamp") from error
        signer = self.certified("right")
        right = stamp(signer, b"", at=datetime.now(UTC), nonce=nonce)
        return replace(right, imprint_oid=oid, imprint=digest.content)

    def _certify(self, kind: str) -> Credential:
        now, authority = datetime.now(UTC), self._keeper.authority
        if kind == "other_ca":
            return certify_timestamping(create_authority(authority.family, at=now), at=now)
        if kind == "no_eku":
            return certify_timestamping(authority, at=now, purposes=("1.3.6.1.5.5.7.3.4",))
        certified = certify_timestamping(authority, at=now)
        if kind == "revoked":
            self._keeper.revoke(certified.serial)
        return certified


def wrong_timestamps(
    authority: TimestampAuthority,
) -> Mapping[str, Callable[[Timestamp], Timestamp]]:
    """Turns a right time-stamp into a wrong one, by the kind of scripted fault."""
    return {
        "stale": lambda genuine: replace(genuine, time=genuine.time - timedelta(days=2000)),
        "future": lambda genuine: replace(genuine, time=genuine.time + _HOUR),
        "unsigned": lambda genuine: replace(genuine, signature=bytes(128)),
        "wrong_nonce": lambda genuine: replace(genuine, nonce=1),
        "wrong_imprint": lambda genuine: replace(genuine, imprint=bytes(len(genuine.imprint))),
        "wrong_policy": lambda genuine: replace(genuine, policy="1.2.398.3.3.2.6.9"),
        "other_ca": lambda genuine: replace(genuine, signer=authority.certified("other_ca")),
        "no_eku": lambda genuine: replace(genuine, signer=authority.certified("no_eku")),
        "revoked": lambda genuine: replace(genuine, signer=authority.certified("revoked")),
    }


def routes(keepers: Mapping[str, AuthorityKeeper]) -> tuple[Route, ...]:
    """One time-stamp authority a family, `/tsa/<family>`."""
    return tuple(_route(family, TimestampAuthority(keeper)) for family, keeper in keepers.items())


def _route(family: str, authority: TimestampAuthority) -> Route:
    def respond(change: Callable[[Timestamp], Timestamp]) -> Callable[[Request], Response]:
        return lambda request: _as_response(
            granted(encode(change(authority.answer(request.untrusted_body))))
        )

    wrong = {kind: respond(change) for kind, change in wrong_timestamps(authority).items()}
    wrong["rejected"] = lambda request: _as_response(REJECTED)
    return Route(
        method="POST",
        path=f"/tsa/{family}",
        source=SOURCE,
        handle=respond(lambda genuine: genuine),
        wrong=wrong,
    )


def granted(token: bytes) -> bytes:
    """The answer with a token."""
    return asn1.sequence(asn1.sequence(asn1.integer(0)), token)


def _as_response(body: bytes) -> Response:
    return Response(body=body, content_type="application/timestamp-reply")
