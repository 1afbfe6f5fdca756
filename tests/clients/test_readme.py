"""The client's README does what it says: its blocks are run word for word against the product."""

import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings

from lenders import endpoints, keys
from tests.clients.seen import Seen
from tests.lenders.log_of_lenders import pump, send_due
from tests.verification.stories.story import begin
from tulga import errors

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

README = Path(__file__).resolve().parents[2] / "clients" / "python" / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)
CONTRACT = "c" * 64


def played(url: str, key: str, *, receiver: str) -> dict[str, Any]:
    """The names that its blocks make, the lender's endpoint on loopback."""
    names: dict[str, Any] = {"url": url, "key": key}
    for block in BLOCKS:
        exec(  # noqa: S102
            compile(block.replace("https://lender.example/tulga", receiver), README.name, "exec"),
            names,
        )
    return names


def test_it_plays_from_an_opening_to_a_receipt(live_server, lender, issued, receiver):
    names = played(live_server.url, keys.issue(lender, mode="test").secret, receiver=receiver.url)
    assert "#" in names["borrower_goes_to"]
    story = begin(lender, "loan-2").to_statement()
    story.sign(issued())
    story.work()
    pump()
    send_due()
    assert endpoints.of_lender(lender, mode="test").count() == 1
    is_new = Seen()
    said = [names["receive"](one.headers, one.body, is_new) for one in receiver.received * 2]
    assert said == [204] * len(said)
    assert len(is_new) == len(said) // 2 > 0
    assert names["receive"](receiver.received[0].headers, b"{}", is_new) == 400
    # While it waits the worker evaluates the gates.
    names["time"] = SimpleNamespace(sleep=lambda seconds: story.work())
    signed_at = datetime.now(UTC)
    assert names["pay"](story.id, CONTRACT, signed_at).payout_account == "KZ86125KZT5004100100"
    with pytest.raises(errors.Conflict) as refused:
        names["pay"](story.id, CONTRACT, signed_at)
    assert refused.value.code == "clearance_consumed"
    root = (settings.TULGA_KEYS_DIR / "public" / "root.pub").read_bytes()
    status, answer = names["keep"](story.id, root, "990101100010")
    assert (status, b'"receipt"' in answer) == ("verified", True)
    note = names["look"](root, "")
    assert names["look"](root, note) == note
