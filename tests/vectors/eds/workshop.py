"""What the vectors are made with: an authority of each family, a borrower under it, and what to
break them with.

Keys live only as long as the process: what is kept are the public bytes they signed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from insecure_sandbox import encoding as asn1
from insecure_sandbox import keys, profile
from insecure_sandbox.authority import create_authority, make_crl, person_template
from insecure_sandbox.credential import Credential
from insecure_sandbox.keys import PrivateKey
from insecure_sandbox.minting import (
    Authority,
    Template,
    certificate_body,
    certify,
    new_serial,
    seal,
)
from insecure_sandbox.ocsp_responder import certify_responder
from insecure_sandbox.signing import sign_cms, signed_attributes, signed_data, signer_info
from insecure_sandbox.timestamping import certify_timestamping
from tests.vectors.eds.case import AT, IIN, STATEMENT
from verification.engines.pki.certificate import parse_certificate
from verification.engines.pki.keys import ALGORITHMS, Family

DAY, HOUR, MINUTE, SECOND = (
    timedelta(days=1),
    timedelta(hours=1),
    timedelta(minutes=1),
    timedelta(seconds=1),
)
SHORT = {"gost512": "gost", "rsa": "rsa"}
WHO = {"surname": "Тестов", "given_name": "Тест", "patronymic": "Тестович"}


@dataclass(frozen=True, kw_only=True)
class Vector:
    """One file and what becomes of it. `group` is a line of the list of what must never pass.

    code, check: what refuses first, and why (a part of the detail); empty for one that passes.
    also: codes of other checks that this defect breaks too. role: what the file is among the
    evidence (`signature`, `ocsp`, `crl`, `delta`, `authority_crl` or `timestamp`). with_: further
    evidence by role, written beside it. nearest: what passes and differs least. unproven: by what
    its time-stamp is passed over, where it proves nothing and refuses nothing.
    """

    group: str
    defect: str
    content: bytes = field(repr=False)
    code: str = ""
    check: str = ""
    why: str = ""
    also: tuple[str, ...] = ()
    role: str = "signature"
    nearest: str = "good"
    unproven: str = ""
    with_: Mapping[str, Sequence[bytes]] = field(default_factory=dict, repr=False)


class World:
    """One family's authority, borrower and servants, made new."""

    def __init__(self, family: Family) -> None:
        self.family: Family = family
        self.authority: Authority = create_authority(family, at=AT)
        self.spare: PrivateKey = keys.generate_key(family)
        self.person = self.certify_person()
        self.issuing, self.root = self.authority.issuing, self.authority.root
        self.issuer = parse_certificate(self.issuing.certificate)
        self.leaf = parse_certificate(self.person.certificate)

    @cached_property
    def other(self) -> Authority:
        """An authority with the same names and other keys."""
        return create_authority(self.family, at=AT)

    @cached_property
    def responder(self) -> Credential:
        return certify_responder(self.authority, at=AT, key=self.spare)

    @cached_property
    def stamper(self) -> Credential:
        return certify_timestamping(self.authority, at=AT - 30 * DAY, key=self.spare)

    def template(
        self, *, at: datetime = AT, days: int = 365, iin: str = IIN, surname: str = "Тестов"
    ) -> Template:
        who: dict[str, Any] = {**WHO, "surname": surname}
        return person_template(self.family, iin=iin, **who, at=at, days=days)

    def certify_person(
        self, template: Template | None = None, *, by: Credential | None = None
    ) -> Credential:
        """A borrower's certificate, with the family's spare key."""
        return certify(template or self.template(), self.spare, by=by or self.authority.issuing)

    def sign(
        self, credential: Credential, content: bytes = STATEMENT, *, attached: bool = False
    ) -> bytes:
        return sign_cms(credential, content, attached=attached, signed_at=AT)

    def attributes(self, content: bytes = STATEMENT) -> list[bytes]:
        return signed_attributes(self.person, content, signed_at=AT)

    def put_together(
        self,
        attributes: Sequence[bytes],
        *,
        content: bytes | None = None,
        certificates: Sequence[bytes] | None = None,
        by: Credential | None = None,
        **info: object,
    ) -> bytes:
        """A CMS of these parts; `info` goes to the SignerInfo."""
        signer = by or self.person
        made = signer_info(signer, attributes=attributes, **info)  # type: ignore[arg-type]
        given = [signer.certificate] if certificates is None else certificates
        return signed_data(signer, infos=[made], certificates=given, content=content)

    def issuing_template(self, **changes: object) -> Template:
        """Like the issuing authority's own."""
        right = Template(
            self.issuer.subject,
            profile.authority_extensions(root=False, path_len=0),
            AT - DAY,
            AT + 300 * DAY,
            new_serial(),
        )
        return replace(right, **changes)  # type: ignore[arg-type]

    def crl(
        self, *, by: Credential | None = None, authority: Authority | None = None, **changes: object
    ) -> bytes:
        """A list that holds for an hour around the time of signing and lists no certificate that we
        ask about.
        """
        given: dict[str, object] = {"revoked": {4711: AT - DAY}, "number": 7, "by": by}
        given |= {"this_update": AT - HOUR, "next_update": AT + HOUR} | changes
        return make_crl(authority or self.authority, **given)  # type: ignore[arg-type]

    @cached_property
    def good(self) -> bytes:
        """The signature that passes; kept, for a GOST signature comes out differently each time."""
        return self.sign(self.person)

    def sign_by_hand(self, template: Template, *, info: bytes) -> bytes:
        """A CMS by a certificate, rightly issued, that need not be readable; its key is `info`, the
        signature the spare key's.
        """
        signer = asn1.sequence(
            asn1.integer(1),
            asn1.sequence(self.issuer.subject, asn1.integer(template.serial)),
            asn1.algorithm(ALGORITHMS[self.family].digest_oid),
            asn1.explicit(0, *self.attributes()),
            keys.signature_algorithm(self.spare),
            asn1.octets(keys.sign(self.spare, asn1.element(0x31, *self.attributes()))),
        )
        certificate = with_parts(self.issuing, self.issuing.private_key, template, info=info)
        return signed_data(self.person, infos=[signer], certificates=[certificate], content=None)

    @cached_property
    def good_crl(self) -> bytes:
        return self.crl()


def with_parts(issuer: Credential, key: PrivateKey, template: Template, **parts: bytes) -> bytes:
    """A certificate signed by `key` under the name of `issuer`, with info or key identifiers of
    one's own.
    """
    body = certificate_body(
        template,
        info=parts["info"],
        issuer=parts.get("named") or parse_certificate(issuer.certificate).subject,
        algorithm=parts.get("algorithm") or keys.signature_algorithm(key),
        key_identifiers=(parts["identifiers"],) if "identifiers" in parts else (),
    )
    if "algorithm" not in parts:
        return seal(body, key)
    return asn1.sequence(body, parts["algorithm"], asn1.bits(keys.sign(key, body)))
