"""manage.py tulga_listen: a developer's receiver gets what an endpoint would get, and can verify
it.
"""

import json
import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from standardwebhooks import Webhook

from lenders.models import Lender
from tests.lenders.insecure_receiver import Receiver, listening
from tests.verification.stories.story import begin, order

pytestmark = pytest.mark.django_db(transaction=True)


def listen(lender: Lender, url: str, *more: str) -> str:
    out = StringIO()
    call_command("tulga_listen", lender.bin, "--forward-to", url, "--once", *more, stdout=out)
    return out.getvalue()


def test_a_developer_gets_each_event_and_can_verify_it(lender: Lender) -> None:
    story = begin(lender)
    story.cancel()
    with listening(Receiver()) as receiver:
        said = listen(lender, receiver.url, "--after", "0")
    secret = re.search(r"whsec_\S+", said)
    assert secret is not None
    told = [
        Webhook(secret[0]).verify(one.body.decode(), dict(one.headers)) for one in receiver.received
    ]
    assert [one["type"] for one in told] == ["verification.created", "verification.canceled"]
    assert {one["data"]["verification"] for one in told} == {story.id}
    assert all(one["checkpoint"] for one in told)
    assert re.findall(r"^\d+  (\S+)  evt_\S+  204$", said, re.MULTILINE) == [
        one["type"] for one in told
    ]
    assert [json.loads(one.body)["data"]["sequence"] for one in receiver.received] == sorted(
        one["data"]["sequence"] for one in told
    )


def test_it_begins_behind_what_is_there_and_where_it_is_told_to(lender: Lender) -> None:
    begin(lender)
    order()
    with listening(Receiver()) as receiver:
        listen(lender, receiver.url)
        assert receiver.received == []
        listen(lender, receiver.url, "--after", "1")
        assert receiver.received == []


def test_nobody_there_is_said_and_another_lender_is_none(lender: Lender) -> None:
    begin(lender)
    order()
    assert "connection_failed" in listen(lender, "http://127.0.0.1:9/hook", "--after", "0")
    with pytest.raises(CommandError, match="no such lender"):
        call_command("tulga_listen", "180440012399", "--forward-to", "http://127.0.0.1:9/")
