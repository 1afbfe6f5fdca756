"""What keeps pairs from being calibrated is told before hours of measuring, or with what to look
at.
"""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.tools.commands.test_calibrate_faces import TARGET, WORDS, write
from tests.tools.commands.test_calibrate_faces import changed as changed
from tests.tools.commands.test_calibrate_faces import pairs as pairs


def test_too_few_rows_and_a_place_that_is_not_there_are_told_before_anything_is_measured(
    changed: tuple[Path, list[tuple[str, ...]]],
) -> None:
    folder, rows = changed
    told = StringIO()
    for more, said in (
        ((), "36887 impostor pairs"),
        (
            ("--target-fmr", "0.3", "--output", str(folder / "none" / "c.json")),
            "name one in a folder that is there",
        ),
        (("--target-fmr", "0.3", "--report", str(folder)), "name one in a folder that is there"),
    ):
        with pytest.raises(CommandError, match=said):
            call_command(
                "calibrate_faces",
                str(write(folder, rows)),
                *WORDS,
                *more,
                stdout=StringIO(),
                stderr=told,
            )
    assert "measured" not in told.getvalue()


def test_where_no_zone_can_be_proposed_the_nearest_strangers_are_named(
    changed: tuple[Path, list[tuple[str, ...]]],
) -> None:
    folder, rows = changed
    (folder / "else.jpg").write_bytes((folder / "obama" / "obama_0001.jpg").read_bytes() + b"\0")
    wrong = ("obama/obama_0001.jpg", "else.jpg", "0", "")
    with pytest.raises(CommandError, match=r"The nearest strangers: obama/obama_0001.jpg and else"):
        call_command(
            "calibrate_faces",
            str(write(folder, [*rows, wrong])),
            *WORDS,
            *TARGET,
            stdout=StringIO(),
            stderr=StringIO(),
        )
