"""What the log said last, beside a failure of a test that moved verifications: why a step waits is
in no traceback.
"""

from collections.abc import Generator

import pytest
from django.apps import apps

_ENTRIES = 12
_WORDS = ("stage", "step", "outcome", "code", "cause", "source", "faults", "next")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds the last entries to the report of a failed call, while its rows are still there."""
    report = yield
    if report.when == "call" and report.failed and item.get_closest_marker("django_db"):
        try:
            report.sections.append(("last entries of the log", "\n".join(_last())))
        except Exception as error:  # a test may have damaged what is read here
            report.sections.append(
                ("last entries of the log", f"not readable: {type(error).__name__}")
            )
    return report


def _last() -> list[str]:
    entries = apps.get_model("verification", "AuditEntry").objects.order_by(
        "-at", "-verification_sequence"
    )[:_ENTRIES]
    rows = (
        apps.get_model("verification", "Verification")
        .objects.exclude(step="")
        .order_by("pk")[:_ENTRIES]
    )
    said = [f"{one.at:%H:%M:%S.%f} {one.type} {_told(one.body)}" for one in reversed(entries)]
    return said + [
        f"due {row.due_at:%H:%M:%S.%f}: {row.step} of a {row.status} one" for row in rows
    ]


def _told(body: dict[str, object]) -> str:
    failed = [one for one in body.get("checks", ()) if one["outcome"] != "pass"]  # type: ignore[attr-defined]
    return ", ".join(
        [f"{word} {body[word]}" for word in _WORDS if word in body] + [str(one) for one in failed]
    )
