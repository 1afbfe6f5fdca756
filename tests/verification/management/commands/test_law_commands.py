"""A law file from the operator's desk to the logs: signed where the root is, carried, taken, and said in words."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tests.verification import law_files
from tests.verification.audit.judged import audit
from tests.verification.audit.rows import order_all
from verification.core import law_book, law_file, law_rules
from verification.management.commands.make_keys import ROOT_KEY
from verification.models import AuditEntry

ROOT = settings.TULGA_KEYS_DIR / ROOT_KEY
WHOLE = law_files.document(
    profiles=[law_files.profile(cooling_off_hours=12, repeals=["KZ-2025-09", "KZ-2026-01"])],
    statuses=[law_files.status()],
)


def ran(*words: object) -> str:
    out = StringIO()
    call_command(*map(str, words), stdout=out)
    return out.getvalue()


def refusal(*words: object) -> str:
    with pytest.raises(CommandError) as refused:
        ran(*words)
    return str(refused.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "law-1.json"
    path.write_text(json.dumps(WHOLE))
    return path


def test_the_root_signs_beside_no_database_and_says_what_it_signs(file: Path) -> None:
    said = ran("sign_law", file, "--yes", "--root", ROOT)
    for line in (
        f"law file 1 for {settings.TULGA_LOG_ORIGIN}, issued at 2026-12-15 05:00 UTC",
        "the MCI of 2027 is 4500 tenge (source: Law on the republican budget for 2027–2029)",
        "KZ-2026-01 is in force since 2027-02-01 (source: Official publication)",
        "KZ-2027-03 is in force since 2027-03-01 (source: A resolution of 2027)",
        "suffices: eds + biometric",
        "cooling_off_hours: 12",
        "repeals KZ-2025-09, and asks less than it in: cooling_off_hours",
    ):
        assert line in said
    assert said.splitlines()[-2].startswith("sha256 ")
    signed = json.loads(file.with_name("law-1.json.signed").read_text())
    assert signed == law_files.signed(WHOLE)


def test_a_signed_file_is_not_overwritten(file: Path) -> None:
    ran("sign_law", file, "--yes", "--root", ROOT, "--out", file.with_name("out"))
    assert "cannot be written" in refusal("sign_law", file, "--yes", "--root", ROOT, "--out", file.with_name("out"))


def test_what_is_no_law_file_is_not_signed(tmp_path: Path) -> None:
    path = tmp_path / "law.json"
    path.write_text(json.dumps(WHOLE | {"note": ""}))
    assert refusal("sign_law", path, "--yes", "--root", ROOT).startswith("law_malformed: /: ")
    assert "cannot be read" in refusal("sign_law", tmp_path / "none", "--yes", "--root", ROOT)
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.django_db(transaction=True)
def test_a_carried_file_is_taken_into_both_logs_and_a_second_time_refused(file: Path) -> None:
    ran("sign_law", file, "--yes", "--root", ROOT)
    signed = file.with_name("law-1.json.signed")
    said = ran("take_law", signed)
    assert said.endswith("taken into the test and the live log; it counts once it is ordered\n")
    assert "the MCI of 2027 is 4500 tenge" in said
    assert refusal("take_law", signed).startswith("law_replayed: ")
    assert sorted(AuditEntry.objects.values_list("log", "type")) == [("live", "law.taken"), ("test", "law.taken")]
    assert [order_all(log) for log in ("test", "live")] == [1, 1]
    assert audit()["findings"] == []


@pytest.mark.django_db(transaction=True)
def test_what_is_not_signed_is_not_taken(file: Path) -> None:
    assert refusal("take_law", file).startswith("law_malformed: ")
    file.write_bytes(law_files.spelled(WHOLE, seed=b"1" * 32))
    assert refusal("take_law", file).startswith("law_forged: ")
    assert AuditEntry.objects.count() == 0


def test_the_operators_guide_explains_each_code_and_its_example_is_a_law_file(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[4] / "docs" / "operator-guide.md").read_text()
    assert [code for code in (*law_rules.CODES, law_rules.EARLY) if f"`{code}`" not in guide] == []
    [example] = [part.partition("```")[0] for part in guide.split("```json\n")[1:] if '"tulga-law-1"' in part]
    path = tmp_path / "law.json"
    path.write_text(example)
    assert "the MCI of 2027" in ran("sign_law", path, "--yes", "--root", ROOT)
    assert law_rules.extended(law_book.NOTHING, law_file.parse(json.loads(example))).number == 1
