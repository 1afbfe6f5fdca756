"""Two people of a lender, without whom attempts left to people would fail at once.

The sandbox knows their factors, too: in a simulation it signs in and votes as they do.
"""

import re

import urllib3

from insecure_sandbox.demo.processes import DemoFailed, Processes
from verification.core.scenarios import lender_word

NAMES = ("one", "two")
LENDER_LINE = re.compile(r"^lender +(\w+)$", re.MULTILINE)
_FACTOR = re.compile(r"^(email|password|secret): (.+)$", re.MULTILINE)


def add(processes: Processes, added: str, *, sandbox: str, domain: str) -> list[str]:
    """Adds both, and tells the sandbox of them; returns their credentials.

    added: what `add_lender` printed. domain: of their e-mail addresses.
    """
    lender = LENDER_LINE.findall(added)[0]
    role = ("--role", "reviewer", "--lender", lender, "--print-code")
    credentials = []
    for name in NAMES:
        person = (f"{name}@{domain}", "--name", f"Reviewer {name}")
        credentials.append(processes.must("add_person", *person, *role))
    people = [dict(_FACTOR.findall(printed)) for printed in credentials]
    fields = {"lender": lender_word(lender), "people": people}
    answer = urllib3.request("POST", f"{sandbox}/reviewers", json=fields, timeout=30, retries=False)
    if answer.status != 201:
        raise DemoFailed(f"the sandbox took no reviewers: {answer.status}")
    return credentials
