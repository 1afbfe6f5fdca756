"""What a borrower's lender told us leaves no trace in logs, addresses, bells, webhooks or files."""

import copy
import json
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest
import urllib3

from insecure_sandbox.borrower import Browser
from insecure_sandbox.demo.lender import opening
from insecure_sandbox.demo.processes import wait_until
from tests.service import broker

pytestmark = pytest.mark.service

_SURNAME, _PHONE, _IBAN = "ЖАСЫРЫНБЕКОВ", "+77479138264", "KZ86125KZT5004100100"


def planted(iin):
    """A request that names a person who is in no other test."""
    body = copy.deepcopy(opening("planted", iin=iin, routes=["eds"]))
    body["subject"] |= {"surname": _SURNAME, "phone": _PHONE}
    body["loan"]["payout_account"] = _IBAN
    return body


def found_in(text, iin):
    """Which planted values stand in it, however they are spelled."""
    spellings = {
        word: {
            word,
            quote(word),
            quote(quote(word)),
            json.dumps(word)[1:-1],
            word.lower(),
            word.title(),
        }
        for word in (iin, _SURNAME, _PHONE.lstrip("+"), _IBAN)
    }
    return {
        word for word, spelled in spellings.items() if any(spelling in text for spelling in spelled)
    }


def refused_request(deployment, iin):
    """A request that is wrong in several fields and carries planted values, which an error could
    repeat.
    """
    unknown = planted(iin) | {"client_reference": "planted-2"}
    unknown["subject"] |= {"surname": _SURNAME * 40, "birth_date": iin, "name": _PHONE}
    headers = {"Authorization": f"Bearer {deployment.api.key}"}
    return urllib3.request(
        "POST", f"{deployment.url}/v1/verifications", json=unknown, headers=headers, timeout=30
    )


def test_the_search_finds_what_is_planted_however_it_is_spelled(deployment):
    iin = deployment.stage.iin()
    everything = {iin, _SURNAME, _PHONE.lstrip("+"), _IBAN}
    body = planted(iin)
    assert found_in(json.dumps(body), iin) == everything
    assert found_in(json.dumps(body, ensure_ascii=False), iin) == everything
    assert found_in(quote(json.dumps(body, ensure_ascii=False)), iin) == everything
    assert found_in(
        json.dumps(opening("other", iin=deployment.stage.iin(), routes=["eds"])), iin
    ) == {_IBAN}


@pytest.mark.rabbitmq
@pytest.mark.embedded
def test_planted_personal_data_is_in_no_log_no_address_no_bell_no_webhook_and_no_file(deployment):
    iin = deployment.stage.iin()
    key = deployment.stage.credential(iin, family="rsa")
    opened = deployment.api.call(
        "POST", "/v1/verifications", planted(iin), **{"Idempotency-Key": "planted"}
    )
    assert refused_request(deployment, iin).status == 422
    browser = Browser(deployment.url)
    browser.follow(opened["url"])
    browser.agree()
    deployment.script_fault("garbage")
    browser.statement()
    deployment.staff(workers=0, ticks=1)
    broker.take_messages(deployment.folder)
    browser.sign(key)
    time.sleep(3)
    bells = "\n".join(broker.take_messages(deployment.folder))
    deployment.staff(workers=1, ticks=1)
    browser.wait_for_judgement(seconds=150)
    assert deployment.api.read(opened["id"])["status"] == "verified"
    wait_until(lambda: opened["id"] in webhooks(deployment), what="the webhook", seconds=30)

    addresses = "\n".join(
        path.read_text() for path in (deployment.folder / "logs").glob("*-addresses.log")
    )
    captured = {"bells": bells, "addresses": addresses, "webhooks": webhooks(deployment)}
    captured |= contents(deployment.folder)
    # What was looked at is alive: each kind names the verification by its id.
    assert '["eds"]' in bells, "no bell was caught"
    assert opened["id"] not in bells, "a bell says more than its queue's name"
    assert "/v1/verifications" in addresses
    assert opened["id"] in "".join(text for name, text in captured.items() if "worker" in name)
    assert {name: found for name, text in captured.items() if (found := found_in(text, iin))} == {}


def webhooks(deployment):
    """All that came to the lender's endpoint."""
    received = list(deployment.receiver.received)
    return "\n".join(
        f"{request.path} {request.headers} {request.body.decode()}" for request in received
    )


def contents(folder: Path) -> dict[str, str]:
    """Every file of the deployment: logs, evidence, the log's head; on SQLite the database too."""
    found = {}
    for path in folder.rglob("*"):
        if path.parent.name != "keys":
            with suppress(
                FileNotFoundError, IsADirectoryError
            ):  # a bell that was just heard is gone
                found[str(path)] = path.read_bytes().decode("utf-8", "replace")
    return found
