"""A law file from the operator's desk to the logs: signed where the root is, carried, taken, and
said in words.
"""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tests.verification import law_files
from tests.verification.log.judged import audit
from tests.verification.log.rows import order_all
from verification.core import law_file, law_rules, profiles
from verification.core.codes import LAW_FILES
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
        "repeals KZ-2025-09, and requires less in: cooling_off_hours",
    ):
        assert line in said
    assert said.splitlines()[-2].startswith("sha256 ")
    signed = json.loads(file.with_name("law-1.json.signed").read_text())
    assert signed == law_files.signed(WHOLE)


def test_a_signed_file_is_not_overwritten(file: Path) -> None:
    ran("sign_law", file, "--yes", "--root", ROOT, "--out", file.with_name("out"))
    told = refusal("sign_law", file, "--yes", "--root", ROOT, "--out", file.with_name("out"))
    assert told.endswith("out cannot be written: it exists; move it away, or name another by --out")
    lost = file.with_name("none") / "out"
    assert "No such file" in refusal("sign_law", file, "--yes", "--root", ROOT, "--out", lost)
    assert "none cannot be read: No such file" in refusal(
        "sign_law", file, "--yes", "--root", file.with_name("none")
    )


def test_what_is_not_asked_is_said_and_so_is_a_day_that_is_past(tmp_path: Path) -> None:
    path = tmp_path / "law.json"
    profile = law_files.profile(since="2026-12-14", amount_max_mci=None)
    path.write_text(
        json.dumps(
            law_files.document(profiles=[profile], statuses=[law_files.status(since="2026-12-15")])
        )
    )
    said = ran("sign_law", path, "--yes", "--root", ROOT).splitlines()
    assert "  amount_max_mci: not asked" in said
    assert "  register_asked: True" in said
    past = [line for line in said if "live verifications opened since then are not changed" in line]
    assert len(past) == 1
    assert said[said.index(past[0]) - 1].startswith("KZ-2027-03 is in force since 2026-12-14")


def attempt(*words: object) -> tuple[str, str]:
    """What a command that refuses has said, and why it refused."""
    out = StringIO()
    with pytest.raises(CommandError) as refused:
        call_command(*map(str, words), stdout=out)
    return out.getvalue(), str(refused.value)


def test_a_file_that_can_never_be_taken_is_not_signed_and_each_rule_is_named(
    tmp_path: Path,
) -> None:
    path = tmp_path / "law.json"
    lax = law_files.profile(register_asked=None, repeals=["KZ-2025-01", "KZ-2025-09", "KZ-2026-01"])
    year = law_files.MCI_2027 | {"year": 2026}
    path.write_text(json.dumps(law_files.document(7, profiles=[lax], mci=[year])))
    said, why = attempt("sign_law", path, "--yes", "--root", ROOT)
    sentence = (
        "KZ-2027-03 asks less than KZ-2024-10 in register_asked and does not repeal it: it will be"
        " refused"
    )
    assert f"law_laxer: {sentence}\n" in said
    assert "law_mci_known: 2026 has 4325 tenge: it will be refused\n" in said
    assert "  register_asked: not asked\n" in said
    assert why == "law_mci_known, law_laxer: not signed, because the file would be refused"
    assert [*tmp_path.iterdir()] == [path]


def test_what_rests_on_an_earlier_file_is_signed_and_judged_beside_it_where_that_is_at_hand(
    tmp_path: Path,
) -> None:
    first, second = tmp_path / "law-1.json", tmp_path / "law-2.json"
    adopted = law_files.profile(status="adopted", since="2026-12-01")
    first.write_text(json.dumps(law_files.document(profiles=[adopted])))
    ran("sign_law", first, "--yes", "--root", ROOT)
    change = law_files.status(law_files.STRICTER, since="2027-03-01")
    second.write_text(json.dumps(law_files.document(2, mci=[], statuses=[change])))
    said = ran("sign_law", second, "--yes", "--root", ROOT)
    assert (
        "law_profile_unknown: KZ-2027-03: known only with the earlier files: see --after\n" in said
    )
    beside = ("--after", f"{first}.signed", "--out", tmp_path / "out")
    assert "law_" not in ran("sign_law", second, "--yes", "--root", ROOT, *beside)
    assert refusal("sign_law", first, "--yes", "--root", ROOT, *beside).startswith(
        "law_out_of_order: "
    )
    first.write_bytes(law_files.spelled(law_files.document(), seed=b"1" * 32))
    assert refusal("sign_law", second, "--yes", "--root", ROOT, "--after", first).startswith(
        "law_forged: "
    )


def test_what_is_no_law_file_is_not_signed(tmp_path: Path) -> None:
    path = tmp_path / "law.json"
    path.write_text(json.dumps(WHOLE | {"note": ""}))
    assert refusal("sign_law", path, "--yes", "--root", ROOT).startswith("law_malformed: /note: ")
    assert "cannot be read" in refusal("sign_law", tmp_path / "none", "--yes", "--root", ROOT)
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.django_db(transaction=True)
def test_a_carried_file_is_taken_into_both_logs_and_a_second_time_refused(file: Path) -> None:
    ran("sign_law", file, "--yes", "--root", ROOT)
    signed = file.with_name("law-1.json.signed")
    said = ran("take_law", signed)
    last = (
        "taken into the test and the live log; it counts once it is ordered\nthe next law file has"
        " number 2\n"
    )
    assert said.endswith(last)
    assert "the MCI of 2027 is 4500 tenge" in said
    assert refusal("take_law", signed).startswith("law_replayed: ")
    assert sorted(AuditEntry.objects.values_list("log", "type")) == [
        ("live", "law.taken"),
        ("test", "law.taken"),
    ]
    assert [order_all(log) for log in ("test", "live")] == [1, 1]
    assert audit()["findings"] == []


@pytest.mark.django_db(transaction=True)
def test_what_is_not_signed_is_not_taken(file: Path) -> None:
    assert (
        refusal("take_law", file)
        == "law_malformed: /: this file is not signed: sign it with manage.py sign_law"
    )
    file.write_bytes(law_files.spelled(WHOLE, seed=b"1" * 32))
    assert refusal("take_law", file).startswith("law_forged: ")
    assert AuditEntry.objects.count() == 0


def test_the_operators_pages_explain_each_code_and_its_example_is_a_law_file(
    tmp_path: Path,
) -> None:
    pages = Path(__file__).parents[4] / "docs" / "operator"
    incidents = (pages / "incidents.md").read_text()
    assert [
        code for code in (*LAW_FILES, law_rules.EARLY) if f"| `{code}` |" not in incidents
    ] == []
    [example] = [
        part.partition("```")[0]
        for part in (pages / "run.md").read_text().split("```json\n")[1:]
        if '"tulga-law-1"' in part
    ]
    path = tmp_path / "law.json"
    path.write_text(example)
    assert "the MCI of 2027" in ran("sign_law", path, "--yes", "--root", ROOT)
    assert (
        law_rules.extended(profiles.NO_AMENDMENTS, law_file.parse(json.loads(example))).number == 1
    )
