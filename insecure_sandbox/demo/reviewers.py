"""Two people of a lender, without whom what checks leave to people would fail at once."""

from insecure_sandbox.demo.processes import Processes

NAMES = ("one", "two")


def add(processes: Processes, *, lender: str) -> list[str]:
    """Adds both to the lender of this name; gives what each of them signs in with."""
    role = ("--role", "reviewer", "--lender", lender, "--print-code")
    credentials = []
    for name in NAMES:
        person = (f"{name}@demo.example", "--name", f"Reviewer {name}")
        credentials.append(processes.must("add_person", *person, *role))
    return credentials
