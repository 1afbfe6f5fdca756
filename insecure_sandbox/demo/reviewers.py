"""Two people of a lender, without whom attempts left to people would fail at once."""

from insecure_sandbox.demo.processes import Processes

NAMES = ("one", "two")


def add(processes: Processes, *, lender: str) -> list[str]:
    """Adds both to the lender of this name; returns their credentials."""
    role = ("--role", "reviewer", "--lender", lender, "--print-code")
    credentials = []
    for name in NAMES:
        person = (f"{name}@demo.example", "--name", f"Reviewer {name}")
        credentials.append(processes.must("add_person", *person, *role))
    return credentials
