"""A person reads what is kept about them from the processes themselves: web, a worker, and tick."""

import base64
import json
from datetime import UTC, datetime

import pytest

from insecure_sandbox.borrower import Browser, Page
from insecure_sandbox.demo.processes import wait_until
from insecure_sandbox.signing import sign_cms
from verification.core.ids import case_number

pytestmark = pytest.mark.service


class Person(Browser):
    """A browser at `/mine`."""

    def ask(self, iin, credential):
        """Types an IIN, signs as NCALayer would, and gives the page that comes of it."""
        self.fill_in_at("/mine", "/mine", iin=iin)
        page = self._get("/mine/now")
        text = base64.b64decode(json.loads(page.ncalayer_request)["args"]["data"])
        signature = sign_cms(credential, text, signed_at=datetime.now(UTC))
        form = page.form("csrfmiddlewaretoken", "signature")
        self._post(form.action, form.fields | {"signature": base64.b64encode(signature).decode()})
        wait_until(lambda: self.phase() != "wait", what="the judgement", seconds=60)
        return self.phase(), self.text()

    def phase(self):
        """What the waiting page is told."""
        return json.loads(self._request("GET", "/mine/now/state").data)["page"]

    def text(self):
        """The open page."""
        return self._request("GET", "/mine/now").data.decode()

    def withdraw(self):
        """Presses the first button of its kind, and gives the page."""
        forms = Page(self.text()).forms
        form = next(form for form in forms if "case" in form.fields)
        self._post(form.action, form.fields | {"act": "withdraw"})
        return self.text()

    def close(self):
        """Ends the reading."""
        form = Page(self.text()).forms[-1]
        self._post(form.action, form.fields | {"leave": "1"})


def test_a_person_reads_and_a_stranger_does_not_with_each_process_under_its_role(deployment):
    iin = deployment.stage.iin()
    opened, _ = deployment.stage.borrow("mine", iin)
    number = case_number(opened["id"])
    stranger_iin = deployment.stage.iin()
    stranger = Person(deployment.url)
    phase, shown = stranger.ask(iin, deployment.stage.credential(stranger_iin, family="rsa"))
    assert (phase, number in shown) == ("refused", False)
    person = Person(deployment.url)
    phase, shown = person.ask(iin, deployment.stage.credential(iin, family="rsa"))
    assert (phase, number in shown) == ("identified", True)
    person.withdraw()
    assert "consent.withdrawn" in deployment.entries(opened["id"])
    person.close()
    left = "SELECT count(*) FROM verification_subjectrequest"
    assert deployment.rows(left) == [(1,)]
    ordered = (
        "SELECT count(*) FROM verification_auditleaf WHERE entry_id IN (SELECT id FROM"
        " verification_auditentry WHERE type IN ('subject.identified', 'subject.refused',"
        " 'subject.read'))"
    )
    wait_until(lambda: deployment.rows(ordered)[0][0] >= 3, what="their places", seconds=30)
    assert deployment.refused() == []
