"""What operators do for a person without a key: type in, sign, vouch."""

import json
from typing import Any

from tests.operators.acting import REASON
from tests.operators.conftest import Acting
from tests.people.keys import ORIGIN
from tests.verification.stories.story import IIN

LIST = "/admin/meetings/"
NUMBER = "N12345678"
WRONG = ({"iin": "1"}, {"kind": "x"}, {"number": ""}, {"number": "<b>"}, {"reason": "x"})
"""Fields of which each is refused."""
Two = tuple[Acting, Acting]


def form(iin: str = IIN, **fields: str) -> dict[str, str]:
    """What the first operator types in."""
    typed = {"iin": iin, "kind": "identity_card", "number": NUMBER, "reason": REASON}
    return typed | fields


def draft(operator: Acting, iin: str = IIN) -> str:
    """The page of a fresh request."""
    answer = operator.client.post(LIST, form(iin))
    assert answer.status_code == 302, answer.content.decode()
    return str(answer.headers["Location"])


def sign(operator: Acting, address: str) -> Any:
    """The act that is due, by the operator's passkey."""
    options = operator.client.post(f"{address}challenge/")
    fields = {"act": "act", "passkey": ""}
    if options.status_code == 200:
        fields["passkey"] = json.dumps(operator.device.get(options.json(), origin=ORIGIN))
    return operator.client.post(address, fields)


def asked(pair: Two, iin: str = IIN) -> str:
    """The page of a request that the first operator signed."""
    address = draft(pair[0], iin)
    assert sign(pair[0], address).status_code == 302
    return address


def vouched(pair: Two, iin: str = IIN) -> str:
    """The page of a request that both operators signed."""
    address = asked(pair, iin)
    assert sign(pair[1], address).status_code == 302
    return address
