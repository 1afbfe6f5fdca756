"""A signed case with what the authorities say of it: a responder, lists and a time-stamp, each to
be changed.
"""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from insecure_sandbox import ocsp_responder, timestamping
from insecure_sandbox.authority import Authority
from insecure_sandbox.credential import Credential
from insecure_sandbox.ocsp_responder import Answer, read_question
from tests.verification.stages.statement import signed_case as given
from tests.verification.stories.conftest import crl_of
from verification.core.results import decide
from verification.core.route import Evidence
from verification.engines.pki.certificate import parse_certificate
from verification.engines.pki.ocsp import build_request
from verification.stages.statement import STAGE
from verification.stages.statement.checks import CHECKS
from verification.stages.statement.dialogue import OF_TOKEN_ASKED, OF_TOKEN_INSIDE
from verification.stages.statement.policy import POLICY

NONCE = secrets.token_bytes(32)
SOON = timedelta(seconds=1)


@cache
def responder(authority: Authority) -> Credential:
    return ocsp_responder.certify_responder(authority, at=datetime.now(UTC))


@cache
def timestamper(authority: Authority) -> Credential:
    return timestamping.certify_timestamping(authority, at=datetime.now(UTC) - timedelta(days=10))


class Given:
    """A case whose signature is good, with nothing yet said of its certificate."""

    def __init__(self, authority: Authority, credential: Credential) -> None:
        self.authority, self.credential, self.case = authority, credential, given.case()
        self.at = datetime.now(UTC).replace(
            microsecond=0
        )  # not the module's own, which a long run leaves behind
        self.text = given.text(self.case, issued=self.at)
        self.signature = given.sign(credential, self.text, at=self.at)

    def answer(self, *, of: Credential | None = None, **changes: Any) -> bytes:
        leaf = parse_certificate((of or self.credential).certificate)
        issuer = parse_certificate(self.authority.issuing.certificate)
        question = read_question(build_request(leaf, issuer=issuer, nonce=NONCE))
        signer = responder(self.authority)
        right = Answer(
            signer=signer,
            cert_id=question.cert_id,
            status=ocsp_responder.GOOD,
            produced_at=self.at,
            this_update=self.at,
            nonce=NONCE,
            certificates=(signer.certificate,),
        )
        return ocsp_responder.encode(replace(right, **changes))

    def token(self, **changes: Any) -> bytes:
        value = timestamping.signature_value(self.signature)
        right = timestamping.stamp(timestamper(self.authority), value, at=self.at)
        return timestamping.encode(replace(right, **changes))

    def evidence(
        self,
        *,
        lists: tuple[bytes, ...] = (),
        tsa: bytes | None = None,
        at: datetime | None = None,
        **more: bytes,
    ) -> Evidence:
        """`tsa`: a list that speaks of the time-stamp authority, the good one where nothing is
        said; empty for none.
        """
        at = at or self.at + SOON
        plain = given.evidence(
            self.text,
            self.signature,
            trusted=[self.authority],
            lists=lists,
            answered=self.at,
            at=at,
        )
        named = {kind.replace("__", "."): content for kind, content in more.items()}
        of_tsa = crl_of(self.authority) if tsa is None else tsa
        lists_of_tsa = {
            f"{said.crl}.0": of_tsa for said in (OF_TOKEN_INSIDE, OF_TOKEN_ASKED) if of_tsa
        }
        return Evidence(items={**plain.items, **lists_of_tsa, **named}, at=at)

    def asked(self, answer: bytes, **more: Any) -> Evidence:
        """Evidence with this answer of the responder."""
        return self.evidence(statement__ocsp=answer, statement__ocsp_nonce=NONCE, **more)

    def stamped(self, *tokens: bytes) -> "Given":
        """The same with these tokens in the signature."""
        self.signature = timestamping.with_tokens(self.signature, *tokens)
        return self


def judge(of, evidence, policy=POLICY):
    return STAGE.judge(STAGE.measure(of.case, evidence, policy), policy)


def outcome(of, evidence, policy=POLICY):
    return decide(judge(of, evidence, policy), required=tuple(CHECKS)).outcome


def code(of, evidence, policy=POLICY):
    return list(given.refusals(judge(of, evidence, policy)).values())
