"""What scripts/house_shape/trials.py adds to a copy of the repository works there, end to end.

No tests of their own: the file's name keeps them out of the suite, for here nothing is added.
"""

from dataclasses import asdict

import pytest
from django.conf import settings as tested

from config import settings as product
from tests.insecure_sandbox_process import sandbox as sandbox
from tests.lenders.conftest import api as api
from tests.lenders.conftest import lender as lender
from tests.lenders.samples import opening
from tests.verification.stages.person.told import codes
from tests.verification.stories import camera_story, story
from tests.verification.stories.conftest import authorities as authorities
from tests.verification.stories.conftest import issued as issued
from tests.verification.stories.conftest import trusted as trusted
from verification.case import contents
from verification.models import Verification
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.worker.replay import Verdict, replay

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_new_field(api):
    answer = api.post("/v1/verifications", opening(branch="Abay 12"))
    assert answer.status_code == 201
    row = Verification.objects.get(pk=answer.json()["id"])
    assert asdict(contents.read(row, contents.key_beside(row)).opening)["branch"] == "Abay 12"
    refused = api.post("/v1/verifications", opening(branch="x" * 41))
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/branch"]


@pytest.mark.usefixtures("trusted")
def test_a_new_route(issued, sandbox, settings):
    settings.TULGA_ROUTES = [name for name in product.TULGA_ROUTES if name == "signed_code"]
    for_signatures = dict(tested.TULGA_SOURCES["test"])
    camera_story.ask_at(sandbox, settings)
    settings.TULGA_SOURCES = {"test": for_signatures | settings.TULGA_SOURCES["test"], "live": {}}
    borrower = story.begin(story.lender())
    borrower.answer(agreed=True, version=CURRENT, language="ru")
    borrower.work()
    borrower.sign(issued())
    borrower.work()
    borrower.answer(somebody_tells_me=False)
    borrower.work()
    borrower.answer(code=codes(sandbox)[-1])
    borrower.work()
    row = borrower.row()
    assert (row.status, row.passed_routes) == ("verified", ["signed_code"])
    assert {one.verdict for one in replay(verification_id=borrower.id)} == {Verdict.SAME}
