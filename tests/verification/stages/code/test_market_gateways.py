"""The stage of a code from end to end by gateways of the market, and by one that is a class of the
operator's own.
"""

import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.verification.checks_on_record import passed
from tests.verification.sources.insecure_gateways import KEY, Gateway, Smsc, serving
from tests.verification.stages.person.test_story import DOCUMENT, guess, to_person
from tests.verification.stories.story import BORN, make_due
from verification.case import contents
from verification.core.answers import parse_sms
from verification.evidence import store
from verification.models import EvidenceItem

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seen_once")]

DOCS = Path(__file__).resolve().parents[4] / "docs" / "operator" / "sources.md"


class Documented(Gateway):
    """What the gateway of docs/operator/sources.md asks."""

    def own(self, page, form):
        """It knows an id again."""
        self.sent.setdefault(form["id"], form["text"])
        return {"status": "queued", "id": 7}


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_text(KEY)
    return path


@pytest.fixture
def documented(monkeypatch):
    """The example of docs/operator/sources.md as a module of the operator's."""
    [example] = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert example.count("\n") <= 40
    module = ModuleType("bank_of_the_docs")
    exec(compile(example, "docs/operator/sources.md", "exec"), module.__dict__)  # noqa: S102
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return f"{module.__name__}.Gateway"


def use(settings, adapter, **options):
    entry = {"adapter": adapter, "options": options}
    settings.TULGA_SOURCES = {"test": settings.TULGA_SOURCES["test"] | {"sms": entry}}


def proved(story, texts):
    """The code that came proves the phone, and what the gateway said is kept both ways."""
    assert story.page().page == "code"
    [text] = texts
    [code] = re.findall(r"\A.*?([0-9]{6})", text)
    guess(story, code)
    assert {"code.sent", "code.guess"} <= passed(verification=story.id)
    return kept(story)


def kept(story):
    key = contents.key_of(story.row())
    items = EvidenceItem.objects.filter(verification_id=story.id, kind__startswith="code.sent")
    return {item.kind: store.opening(key, item).plain for item in items}


def play(asked):
    story = to_person(asked)
    story.answer(document_number=DOCUMENT, **BORN)
    story.work()
    return story


def test_a_code_goes_by_smsc_and_a_lost_answer_sends_no_second_one(asked, settings, key):
    with serving(Smsc(drops=1)) as gateway:
        use(settings, "smsc", url=gateway.url, token_file=str(key))
        story = play(asked)
        assert (story.row().step, story.row().faults) == ("prepare", 1)
        make_due(story)
        story.work()
        found = proved(story, gateway.sent.values())
    assert [path for path, _ in gateway.asked].count("/send.php") == 1
    [number] = gateway.sent
    assert parse_sms(found["code.sent.0"]).message_id == f"sms.smsc:{number}"
    assert json.loads(found["code.sent_raw.0"])["status"] == 1


def test_a_number_that_the_gateway_refuses_is_told_to_the_borrower(asked, settings, key):
    with serving(Smsc()) as gateway:
        gateway.lay_out("send.php", {"error": "invalid number", "error_code": 7})
        use(settings, "smsc", url=gateway.url, token_file=str(key))
        story = play(asked)
        assert story.page().notice == "sms_refused"
    assert parse_sms(kept(story)["code.sent.0"]).status == "refused"


def test_the_gateway_of_the_documentation_sends_a_code(asked, settings, key, documented):
    with serving(Documented()) as gateway:
        use(settings, documented, url=gateway.url, token_file=str(key))
        story = play(asked)
        found = proved(story, gateway.sent.values())
    assert gateway.asked[0][1]["key"] == KEY
    assert parse_sms(found["code.sent.0"]).message_id == "gateway:7"
