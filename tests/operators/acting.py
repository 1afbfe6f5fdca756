"""What operators do on their pages: draft a change, propose it, confirm it."""

import json
import re
from typing import Any

from django.contrib.admin.utils import quote

from lenders.models import Lender
from people.models import User
from tests.operators.conftest import Acting
from tests.people.keys import ORIGIN

REASON = "The lender wrote to us on paper."
_NO_KEYS = {"keys-TOTAL_FORMS": "0", "keys-INITIAL_FORMS": "0"}


def address_of(answer: Any) -> str:
    """The page of the draft to which a form led."""
    assert answer.status_code == 302, answer.content.decode()
    assert "/admin/proposals/prp_" in answer.url
    return str(answer.url)


def draft_lender(operator: Acting, lender: Lender, **changes: str) -> str:
    """The page of a draft that changes a lender."""
    form = {
        "name": lender.name,
        "phone": lender.phone,
        "return_urls": json.dumps(lender.return_urls),
        "test_calendar": json.dumps(lender.test_calendar),
        "live_calendar": json.dumps(lender.live_calendar),
    }
    address = f"/admin/lenders/lender/{quote(lender.pk)}/change/"
    return address_of(operator.client.post(address, form | _NO_KEYS | changes))


def draft_person(operator: Acting, **fields: str) -> str:
    """The page of a draft of a new person."""
    return address_of(operator.client.post("/admin/people/user/add/", fields))


def draft_change(operator: Acting, person: User, **fields: str) -> str:
    """The page of a draft that changes a person. Each field is posted, as a browser does."""
    form = {"full_name": person.full_name} | fields
    if person.is_active and fields.get("is_active") != "":
        form["is_active"] = "on"
    address = f"/admin/people/user/{quote(person.pk)}/change/"
    return address_of(operator.client.post(address, form))


def fingerprint_on(operator: Acting, address: str) -> str:
    """The fingerprint of what a proposal's page shows; empty without a page."""
    content = operator.client.get(address).content.decode()
    shown = re.search('name="page" value="([0-9a-f]{64})"', content)
    return shown[1] if shown else ""


def signed(operator: Acting, address: str, **fields: str) -> dict[str, str]:
    """The post of an act with the answer of the operator's passkey, from the page as it is now."""
    if fingerprint := fingerprint_on(operator, address):
        fields = {"page": fingerprint, **fields}
    options = operator.client.post(f"{address}challenge/", fields)
    if options.status_code != 200:
        return {**fields, "passkey": ""}
    answer = operator.device.get(options.json(), origin=ORIGIN)
    return {**fields, "passkey": json.dumps(answer)}


def propose(operator: Acting, address: str, reason: str = REASON) -> Any:
    """The page after the first operator's answer."""
    fields = signed(operator, address, act="propose", reason=reason)
    return operator.client.post(address, fields)


def confirm(operator: Acting, address: str) -> Any:
    """The page after the second operator's answer."""
    return operator.client.post(address, signed(operator, address, act="confirm"))


def code_in(page: Any) -> str:
    """The code of an invitation that a page shows."""
    code: str = page.context["code"]
    assert re.fullmatch(r"[\w-]{22}", code)
    assert code in page.content.decode()
    return code
