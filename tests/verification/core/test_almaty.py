import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest

from verification.core import almaty

MIDNIGHT = datetime(2026, 11, 28, 19, 0, tzinfo=UTC)  # in Kazakhstan


def test_a_day_begins_at_midnight_in_kazakhstan():
    assert almaty.day_of(MIDNIGHT) == date(2026, 11, 29)
    assert almaty.day_of(MIDNIGHT - timedelta(microseconds=1)) == date(2026, 11, 28)


def test_a_day_before_march_2024_began_an_hour_earlier():
    assert almaty.day_of(datetime(2024, 2, 28, 18, 0, tzinfo=UTC)) == date(2024, 2, 29)
    assert almaty.day_of(datetime(2024, 3, 1, 18, 0, tzinfo=UTC)) == date(2024, 3, 1)


def test_an_old_table_of_zones_on_the_machine_moves_no_midnight(tmp_path):
    """One from before 2024 knows the zone as Dhaka's, UTC+6."""
    old = tmp_path / "Asia" / "Almaty"
    old.parent.mkdir()
    old.write_bytes(resources.files("tzdata").joinpath("zoneinfo/Asia/Dhaka").read_bytes())
    asked = (
        "from zoneinfo import ZoneInfo; from datetime import *; print(datetime(2026, 1, 1,"
        " tzinfo=ZoneInfo(%r)))"
    )
    ours = (
        "from verification.core import almaty; from datetime import *;"
        " print(almaty.begins(date(2026, 11, 29)))"
    )
    variables = {**os.environ, "PYTHONTZPATH": str(tmp_path)}

    def run(code):
        command, place = [sys.executable, "-c", code], Path(__file__).parents[3]
        return subprocess.run(
            command, cwd=place, env=variables, capture_output=True, text=True, check=True
        ).stdout

    assert "+06:00" in run(asked % "Asia/Almaty")
    assert run(ours) == "2026-11-28 19:00:00+00:00\n"


@pytest.mark.parametrize(
    ("born", "birthday", "years"),
    [
        (date(2008, 11, 28), date(2026, 11, 28), 18),
        (date(2008, 2, 29), date(2026, 3, 1), 18),  # a year without that day
        (date(2008, 2, 29), date(2028, 2, 29), 20),
        (date(2008, 1, 1), date(2026, 1, 1), 18),
        (date(2007, 12, 31), date(2025, 12, 31), 18),
        (date(1899, 1, 1), date(2026, 1, 1), 127),
    ],
)
def test_one_is_a_year_older_on_the_birthday_and_not_the_day_before(born, birthday, years):
    assert almaty.age_on(birthday, born=born) == years
    assert almaty.age_on(birthday - timedelta(days=1), born=born) == years - 1
