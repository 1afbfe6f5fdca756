"""An NCALayer that lacks the module basics is asked once more, by its older module, and never after
a cancel.
"""

import json
from collections.abc import Iterable, Sequence

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection

from insecure_sandbox.ncalayer import Manner
from insecure_sandbox.ncalayer_protocol import GREETING
from tests.browser.conftest import Desk, Issued, Launch
from tests.browser.steps import arrived, at_the_statement, go_on, press
from tests.browser.test_signing import SIGN, fails_with
from tests.verification.stories.story import Story

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
]

NO_MODULE = {"success": False, "errorCode": "MODULE_NOT_FOUND"}
CANCELED = {"code": "500", "message": "action.canceled"}
NO_TOKENS = {"code": "200", "responseObject": []}
TOKEN = {"code": "200", "responseObject": ["AKKaztokenStore", "PKCS12"]}
FAILED = {"code": "500", "message": "the token was pulled out"}

OLD = [
    NO_MODULE,
    {"status": False, "code": "MODULE_NOT_FOUND", "message": "", "details": ""},
    {
        "status": False,
        "code": "GENERAL_ERROR",
        "message": "no bundle kz.gov.pki.knca.basics",
        "details": "",
    },
    {"code": "500", "message": "unknown module"},
]
# What is answered one after another; the state this comes to; where the key was sought, if the
# older module was asked.
CONVERSATIONS: list[tuple[Sequence[object], str, str | None]] = [
    *[([answer, NO_TOKENS, FAILED], "refused", "PKCS12") for answer in OLD],
    ([NO_MODULE, TOKEN, FAILED], "refused", "AKKaztokenStore"),
    ([NO_MODULE, NO_MODULE, NO_MODULE], "refused", "PKCS12"),
    ([NO_MODULE, FAILED, CANCELED], "canceled", "PKCS12"),
    ([NO_MODULE, NO_TOKENS, {"code": "200", "responseObject": {}}], "strange", "PKCS12"),
    ([{"status": True, "body": {}}], "canceled", None),
    ([CANCELED], "canceled", None),
    ([{"status": False, "code": "SIGNING_FAILURE", "message": "", "details": ""}], "refused", None),
    ([{"code": "200", "responseObject": "MAA="}], "strange", None),
]


class Scripted:
    """Answers each message with the next answer, and remembers the messages."""

    def __init__(self) -> None:
        self.answers: list[object] = []
        self.heard: list[dict[str, object]] = []

    def script(self, answers: Iterable[object]) -> None:
        self.answers, self.heard = list(answers), []

    def converse(self, connection: ServerConnection) -> None:
        connection.send(GREETING)
        try:
            for message in connection:
                self.heard.append(json.loads(message))
                connection.send(json.dumps(self.answers.pop(0)))
        except ConnectionClosed:
            return


def test_an_old_ncalayer_signs_by_its_older_module_and_a_cancel_there_is_final(
    launch: Launch, site: str, story: Story, desk: Desk, issued: Issued
) -> None:
    asked: list[bool] = []

    def ask() -> bool:
        asked.append(len(asked) > 0)
        return asked[-1]

    tab = arrived(launch, site, story)
    with desk.ncalayer(issued("rsa"), Manner(ask=ask, old=True)):
        at_the_statement(tab, story)
        turn = story.page().turn
        fails_with(tab, "canceled")
        assert asked == [False]
        assert story.page().turn == turn, "something was sent"
        go_on(tab, story, "en", "Try again", "Done: it is you")
    assert asked == [False, True]


def test_only_an_ncalayer_without_basics_is_asked_once_more(
    launch: Launch, site: str, story: Story, desk: Desk
) -> None:
    tab, scripted = arrived(launch, site, story), Scripted()
    with desk.impostor(scripted.converse):
        at_the_statement(tab, story)
        button, turn = SIGN, story.page().turn
        for answers, state, storage in CONVERSATIONS:
            scripted.script(answers)
            press(tab, "en", button)
            tab.until(lambda: scripted.answers == [], "the end of the script")
            tab.until_state(state)
            basics, *older = scripted.heard
            assert (basics["module"], basics["method"]) == ("kz.gov.pki.knca.basics", "sign")
            assert [message["method"] for message in older] == (
                ["getActiveTokens", "createCAdESFromBase64"] if storage else []
            )
            if storage:
                statement = story.page().data["statement_base64"]
                assert older[-1]["args"] == [storage, "SIGNATURE", statement, True]
            button = "Try again"
        assert story.page().turn == turn, "something was sent"
    assert tab.problems == []
