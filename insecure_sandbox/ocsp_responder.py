"""Source `ocsp`: the responders of the test authorities, like the NCA's: plain HTTP, DER, no
nextUpdate.

An answer is a value that a test changes in one place before it is encoded and signed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

from insecure_sandbox import encoding as asn1
from insecure_sandbox import keys, profile
from insecure_sandbox.authority import create_authority
from insecure_sandbox.authority_keeper import AuthorityKeeper
from insecure_sandbox.credential import Credential
from insecure_sandbox.exchange import Rejected, Request, Response, Route
from insecure_sandbox.keys import PrivateKey
from insecure_sandbox.minting import Authority, Template, certify, new_serial
from verification.core.errors import Refused
from verification.engines.pki import der
from verification.engines.pki.certificate import parse_certificate

SOURCE: Final = "ocsp"
TRY_LATER: Final = asn1.sequence(asn1.element(0x0A, b"\x03"))
GOOD, UNKNOWN = asn1.element(0x80), asn1.element(0x82)

_BASIC, _NONCE, _NOCHECK = "1.3.6.1.5.5.7.48.1.1", "1.3.6.1.5.5.7.48.1.2", "1.3.6.1.5.5.7.48.1.5"
_OCSP_SIGNING: Final = "1.3.6.1.5.5.7.3.9"
_STALE: Final = timedelta(hours=1)
_YEAR: Final = timedelta(days=365)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer before encoding: `cert_id` and `status` encoded, `nonce` the value of its
    extension or None.

    signature: used unchanged if given. key: signs in place of the signer's own.
    """

    signer: Credential
    cert_id: bytes
    status: bytes
    produced_at: datetime
    this_update: datetime
    next_update: datetime | None = None
    nonce: bytes | None
    certificates: tuple[bytes, ...] = ()
    by_key: bytes | None = None
    signature: bytes | None = field(default=None, repr=False)
    response_extensions: tuple[bytes, ...] = ()


def certify_responder(
    authority: Authority,
    *,
    at: datetime,
    purpose: str = _OCSP_SIGNING,
    nocheck: bytes | None = b"",
    days: int = 365,
    key: PrivateKey | None = None,
    extensions: tuple[bytes, ...] = (),
) -> Credential:
    """A responder certified by the issuing authority; `nocheck` is that extension's value, empty
    as in real ones.
    """
    marks = () if nocheck is None else (asn1.extension(_NOCHECK, nocheck),)
    template = Template(
        subject=asn1.name(("2.5.4.3", "TULGA SANDBOX OCSP RESPONDER"), ("2.5.4.6", "KZ")),
        extensions=(
            profile.key_usage((0,)),
            profile.extended_key_usage((purpose,)),
            *marks,
            *extensions,
        ),
        not_before=at - timedelta(hours=1),
        not_after=at - timedelta(hours=1) + timedelta(days=days),
        serial=new_serial(),
    )
    return certify(
        template,
        keys.generate_key(authority.family) if key is None else key,
        by=authority.issuing,
    )


def revoked(at: datetime, *, reason: int | None = None) -> bytes:
    """The status of a certificate revoked at that time."""
    why = () if reason is None else (asn1.explicit(0, asn1.element(0x0A, bytes([reason]))),)
    return asn1.element(0xA1, generalized_time(at), *why)


def generalized_time(moment: datetime) -> bytes:
    """A GeneralizedTime, which these protocols use for every year."""
    return asn1.element(0x18, moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def encode(answer: Answer) -> bytes:
    """The whole answer, signed."""
    responder = asn1.explicit(1, parse_certificate(answer.signer.certificate).subject)
    if answer.by_key is not None:
        responder = asn1.explicit(2, asn1.octets(answer.by_key))
    following = (
        [asn1.explicit(0, generalized_time(answer.next_update))] if answer.next_update else []
    )
    single = asn1.sequence(
        answer.cert_id, answer.status, generalized_time(answer.this_update), *following
    )
    marks = [*answer.response_extensions]
    if answer.nonce is not None:
        marks.append(asn1.extension(_NONCE, asn1.octets(answer.nonce)))
    body = asn1.sequence(
        responder,
        generalized_time(answer.produced_at),
        asn1.sequence(single),
        *([asn1.explicit(1, asn1.sequence(*marks))] if marks else []),
    )
    key = answer.signer.private_key
    basic = asn1.sequence(
        body,
        keys.signature_algorithm(key),
        asn1.bits(keys.sign(key, body) if answer.signature is None else answer.signature),
        *([asn1.explicit(0, asn1.sequence(*answer.certificates))] if answer.certificates else []),
    )
    wrapped = asn1.sequence(asn1.oid(_BASIC), asn1.octets(basic))
    return asn1.sequence(asn1.element(0x0A, b"\0"), asn1.explicit(0, wrapped))


@dataclass(frozen=True)
class Question:
    """The content of a request: the encoded CertID, its hashes and serial number, and the nonce."""

    cert_id: bytes
    issuer_hashes: tuple[bytes, bytes]
    serial: int
    nonce: bytes | None


def read_question(untrusted: bytes) -> Question:
    """The question in a request about one certificate.

    Raises: `Rejected` for anything else.
    """
    try:
        body = der.read_tree(untrusted).children[0]
        ((about, *_),) = (request.children for request in body.children[0].children)
        _, name_hash, key_hash, serial = about.children
        marks = body.children[1].children[0].children if len(body.children) > 1 else []
        nonce = der.read_tree(marks[0].children[-1].content).content if marks else None
    except (Refused, ValueError, IndexError) as error:
        raise Rejected(400, "not a question about one certificate") from error
    number = int.from_bytes(serial.content, "big", signed=True)
    return Question(about.raw, (name_hash.content, key_hash.content), number, nonce)


class Responder:
    """The responder of one authority. Its keys are made at the first question and end with the
    process.
    """

    def __init__(self, keeper: AuthorityKeeper) -> None:
        self._keeper = keeper
        self._certified = cache(self._certify)

    def answer(self, untrusted: bytes) -> Answer:
        """The right answer, before encoding."""
        question, now, signer = (
            read_question(untrusted),
            datetime.now(UTC),
            self._certified("right"),
        )
        since = self._keeper.revoked_at(question.serial)
        return Answer(
            signer=signer,
            cert_id=question.cert_id,
            status=GOOD if since is None else revoked(since),
            produced_at=now,
            this_update=now,
            nonce=question.nonce,
            certificates=(signer.certificate,),
        )

    def is_silent(self, untrusted: bytes) -> bool:
        """Whether this certificate never gets an answer."""
        return self._keeper.is_unanswered(read_question(untrusted).serial)

    def signed_by(self, answer: Answer, kind: str) -> Answer:
        """The same answer by a signer with this defect."""
        signer = self._certified(kind)
        return replace(answer, signer=signer, certificates=(signer.certificate,))

    def _certify(self, kind: str) -> Credential:
        now, authority = datetime.now(UTC), self._keeper.authority
        if kind == "other_ca":
            return certify_responder(create_authority(authority.family, at=now), at=now)
        if kind == "no_eku":
            return certify_responder(authority, at=now, purpose="1.3.6.1.5.5.7.3.2")
        if kind == "expired_responder":
            return certify_responder(authority, at=now - timedelta(days=2), days=1)
        return certify_responder(authority, at=now)


def wrong_answers(responder: Responder) -> Mapping[str, Callable[[Answer], Answer]]:
    """Turns a right answer into a wrong one, by the kind of scripted fault."""

    def at(answer: Answer, shift: timedelta) -> Answer:
        return replace(
            answer, produced_at=answer.produced_at + shift, this_update=answer.this_update + shift
        )

    def certified_by(kind: str) -> Callable[[Answer], Answer]:
        return lambda answer: responder.signed_by(answer, kind)

    return {
        "stale": lambda answer: at(answer, -_STALE),
        "future": lambda answer: at(answer, _STALE),
        "unsigned": lambda answer: replace(answer, signature=bytes(128)),
        "wrong_nonce": lambda answer: replace(answer, nonce=bytes(32)),
        "no_nonce": lambda answer: replace(answer, nonce=None),
        "unknown": lambda answer: replace(answer, status=UNKNOWN),
        "hold": lambda answer: replace(answer, status=revoked(answer.produced_at, reason=6)),
        "revoked": lambda answer: replace(
            answer, status=revoked(answer.produced_at - _YEAR, reason=1)
        ),
        **{kind: certified_by(kind) for kind in ("other_ca", "no_eku", "expired_responder")},
    }


def routes(keepers: Mapping[str, AuthorityKeeper]) -> tuple[Route, ...]:
    """One responder a family, `/ocsp/<family>`."""
    return tuple(_route(family, Responder(keeper)) for family, keeper in keepers.items())


def _route(family: str, responder: Responder) -> Route:
    def respond(change: Callable[[Answer], Answer]) -> Callable[[Request], Response]:
        def handle(request: Request) -> Response:
            if responder.is_silent(request.untrusted_body):
                return _as_response(TRY_LATER)
            return _as_response(encode(change(responder.answer(request.untrusted_body))))

        return handle

    wrong = {kind: respond(change) for kind, change in wrong_answers(responder).items()}
    wrong["try_later"] = lambda request: _as_response(TRY_LATER)
    return Route(
        method="POST",
        path=f"/ocsp/{family}",
        source=SOURCE,
        handle=respond(lambda answer: answer),
        wrong=wrong,
    )


def _as_response(body: bytes) -> Response:
    return Response(body=body, content_type="application/ocsp-response")
