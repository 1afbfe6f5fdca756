"""What the tests tell the sandbox about a person, and what comes to their phone."""

import re
from typing import Any

from tests.insecure_sandbox.asked import new_iin
from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.stories.story import PHONE, person

_CODE = re.compile(r"Код ([0-9]{6}):")


def tell(sandbox: SandboxProcess, **changes: Any) -> str:
    """Registers a person as the lender of the story names them, but for these changes; their fresh
    IIN.
    """
    iin = new_iin()
    stated = person(iin)
    fields: dict[str, Any] = {
        "iin": iin,
        "surname": stated.surname,
        "name": stated.name,
        "patronymic": stated.patronymic,
        "birth_date": stated.birth_date.isoformat(),
        "phone": stated.phone.value,
        "document": {
            "number": stated.document.number,
            "valid_to": stated.document.valid_to.isoformat(),
        },
    }
    sandbox.post("/people", **fields | changes)
    return iin


def codes(sandbox: SandboxProcess, *, phone: str = PHONE) -> list[str]:
    """The codes that have come to the phone of the story, or to this phone, the oldest first."""
    messages = sandbox.post("/inbox", phone=phone)["messages"]
    return [found.group(1) for message in messages if (found := _CODE.match(message["text"]))]


def other_than(code: str) -> str:
    """A code that is not this one."""
    return f"{(int(code) + 1) % 10**6:06}"
