"""A borrower whose program signs XML: the same verification, and a judgement that can be repeated
years later.
"""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from insecure_sandbox.authority import forge_like_nca
from insecure_sandbox.xml_signing import sign_xml
from tests.verification.checks_on_record import checks
from tests.verification.stories.story import IIN, OTHER_IIN, at_statement
from verification.worker.replay import Verdict, replay

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


def sign(story, credential):
    """Signs the document that the page is given for it, and gives what was sent."""
    signature = sign_xml(credential, story.page().data["statement_xml"].encode()).decode()
    story.answer(signature=signature)
    story.work()
    return signature


def codes(story):
    return {said["code"] for said in checks(verification=story.id, stage="statement")} - {""}


def is_same_again(story):
    out = StringIO()
    call_command("replay", story.id, stdout=out)
    return {one.verdict for one in replay(verification_id=story.id)} == {
        Verdict.SAME
    } and "same" in out.getvalue()


@pytest.mark.parametrize("family", ["gost512", "rsa"])
def test_the_borrowers_own_xml_verifies_and_its_replay_gives_the_same_report(issued, family):
    story = at_statement()
    sign(story, issued(family, iin=OTHER_IIN))
    assert (story.row().status, codes(story)) == ("requires_input", {"eds_iin_mismatch"})
    sign(story, issued(family))
    assert (story.row().status, story.row().passed_routes) == ("verified", ["eds"])
    assert is_same_again(story)


def test_a_forged_certificate_of_the_authoritys_name_refuses_in_xml_too(issued, authorities):
    story = at_statement()
    yesterday = datetime.now(UTC) - timedelta(days=1)
    forger: dict[str, Any] = {
        "iin": IIN,
        "surname": "ТЕСТОВ",
        "given_name": "ТЕСТ",
        "at": yesterday,
    }
    sign(story, forge_like_nca(authorities["gost512"].issuing.certificate, **forger))
    assert (story.row().status, codes(story)) == ("requires_input", {"eds_path_untrusted"})
    assert is_same_again(story)


def test_xml_signed_for_an_earlier_attempt_is_not_accepted_again(issued):
    story = at_statement()
    presented = sign(story, issued(iin=OTHER_IIN))
    story.answer(signature=presented)
    story.work()
    assert {"eds_statement_mismatch", "eds_signature_replayed"} <= codes(story)
    assert is_same_again(story)
