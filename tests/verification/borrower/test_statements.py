"""How many statements each page of a borrower sends. Whoever lets one grow writes its number here
anew.
"""

import pytest
from django.test import Client

from tests.statements import statements
from tests.verification.borrower.visits import NOW, browser, consent
from tests.verification.stories.story import Story

pytestmark = pytest.mark.django_db

# BEGIN, COMMIT, savepoints and set_config apart.
COUNTED = {
    "link": 8,
    "consent": 2,
    "answer": 9,
    "wait": 2,
    "poll": 1,
    "question": 2,
    "statement": 3,
    "poll at the statement": 2,
}


def shown(client: Client, path: str = NOW) -> int:
    """The statements of a page."""
    with statements() as sent:
        assert client.get(path).status_code == 200
    return len(sent)


def test_each_page_sends_as_many_statements_as_are_listed(story: Story) -> None:
    with statements() as opened:
        client = browser(story)
    found = {"link": len(opened), "consent": shown(client)}
    form = consent(story)
    with statements() as answered:
        client.post(NOW, form)
    found |= {"answer": len(answered), "wait": shown(client), "poll": shown(client, f"{NOW}state/")}
    story.work()
    found["question"] = shown(client)
    story.answer(somebody_tells_me=False)
    story.work()
    found |= {"statement": shown(client), "poll at the statement": shown(client, f"{NOW}state/")}
    assert found == COUNTED
