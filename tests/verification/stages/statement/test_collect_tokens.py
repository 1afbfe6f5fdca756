"""Of a time-stamp that nobody asked for nobody need answer."""

import base64
from dataclasses import replace

import pytest

from insecure_sandbox.timestamping import signature_value, with_tokens
from tests.verification.stages.statement.test_collect import WANTING, collected, judged
from tests.verification.stages.statement.test_collect import (
    _pointed_at_the_sandbox as _pointed_at_the_sandbox,
)
from tests.verification.stages.statement.test_collect import answered as answered
from tests.verification.stages.statement.test_collect import family as family
from verification.core.errors import SourceUnavailable
from verification.core.results import Outcome
from verification.engines.pki.keys import ALGORITHMS
from verification.engines.pki.timestamp import build_request, open_response
from verification.sources import revocation, timestamp_authority
from verification.sources.installed import written
from verification.sources.revocation import AUTHORITY_CRL, OCSP, HttpRevocationSource
from verification.stages.statement.policy import POLICY


def options_of(mode):
    return written(mode)["revocation"]["options"]


def test_of_who_signed_a_time_stamp_that_nobody_asked_for_nobody_need_answer(
    sandbox, answered, family
):
    case, evidence = answered()
    cms = base64.b64decode(evidence.items["statement.signature"])
    question = build_request(
        signature_value(cms), imprint_oid=ALGORITHMS[family].digest_oid, nonce=1
    )
    asked = timestamp_authority.TimestampQuestion(family=family, query=question)
    answer = timestamp_authority.fetch("test", asked).parsed
    stamped = with_tokens(cms, open_response(answer, max_bytes=POLICY.timestamp_max_bytes))
    evidence = replace(
        evidence, items={**evidence.items, "statement.signature": base64.b64encode(stamped)}
    )

    class OfSignerAlone:
        """Answers the first question, and no other."""

        source = "revocation"
        asked = 0

        def __init__(self, **options):
            self.behind = HttpRevocationSource(**options)

        def fetch(self, question):
            if question.kind == AUTHORITY_CRL:
                return ()
            if question.kind != OCSP:
                raise SourceUnavailable("crl", "silent")
            OfSignerAlone.asked += 1
            if self.asked > 1:
                raise SourceUnavailable("ocsp", "silent")
            return self.behind.fetch(question)

    of = OfSignerAlone
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(revocation, "resolve", lambda mode, name: of(**options_of(mode)))
        found = collected(case, evidence)
        of.asked = 0
        with pytest.raises(SourceUnavailable):
            collected(case, evidence, WANTING)
    assert judged(case, evidence, found) == (Outcome.PASSED, [])
