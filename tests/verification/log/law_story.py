"""What the tests of law files on record play: a file is taken, the logs order it, a process
looks.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from pytest_django import Settings

from tests.verification import law_files
from tests.verification.log import judged
from tests.verification.log.rows import order_all
from verification.core import law_file, profiles
from verification.core.errors import BadInput
from verification.log import laws
from verification.log import laws as law
from verification.models import AuditEntry

FIRST = law_files.document(
    profiles=[law_files.profile(cooling_off_hours=48)], statuses=[law_files.status()]
)
SECOND = law_files.document(2, mci=[law_files.MCI_2027 | {"year": 2028}])
DAY = date(2027, 1, 2)
SEED = bytes(range(32))
LOGS = ("test", "live")


@pytest.fixture
def read_from_rows(settings: Settings) -> Iterator[None]:
    """This process keeps both logs and reads its book from them, as a process of the product
    does.
    """
    settings.TULGA_MODES_LIVE = True
    laws.forget()
    profiles.read_amendments_by(laws.look)
    yield
    profiles.read_amendments_by(None)
    laws.forget()


def take(said: dict[str, Any], *, seed: bytes | None = None) -> tuple[str, ...]:
    """The logs into which it is taken."""
    return law.take(law_files.spelled(said, seed=seed))[1]


def code(said: dict[str, Any], *, seed: bytes | None = None) -> str:
    """Why it is refused; and nothing was written."""
    before = AuditEntry.objects.count()
    with pytest.raises(BadInput) as refused:
        take(said, seed=seed)
    assert AuditEntry.objects.count() == before
    return refused.value.code


def order() -> None:
    """Both logs order what waits."""
    for log in LOGS:
        order_all(log)


def number() -> int:
    """The number of the last law file that a process goes by which looks now."""
    profiles.look_again()
    return profiles.current_amendments().number


def kinds(log: str = "test") -> list[str]:
    """What `audit_verify` finds in a log."""
    return [finding["code"] for finding in judged.findings("--log", log)]


def body_of(said: dict[str, Any], *, seed: bytes | None = None, **changes: Any) -> dict[str, Any]:
    """The body of its entry, with changes."""
    signed = law_file.read_signed(law_files.spelled(said, seed=seed))
    return {"v": 1, **signed.body, **changes}
