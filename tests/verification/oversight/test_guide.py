"""The commands of docs/regulator/verify.md do what the page says."""

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.verification.oversight import rows
from verification.oversight import case_file

pytestmark = pytest.mark.django_db

_ROOT = Path(__file__).resolve().parents[3]
_FOLDER = _ROOT / "docs" / "regulator"
_GUIDE = (_FOLDER / "verify.md").read_text(encoding="utf-8")
_PAGES = (_FOLDER / "read.md").read_text(encoding="utf-8")
READER = "usr_" + "a" * 26


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a regulator has downloaded, and the key that came on paper."""
    mine = {"person_id": READER, "verification_id": rows.declined(rows.lender())}
    (tmp_path / "decision.leaf").write_bytes(case_file.leaf_file(**mine))
    (tmp_path / "decision.tlog-proof").write_text(case_file.proof_file(**mine))
    file = case_file.case_file(**mine)
    (tmp_path / "log.vkey").write_text(file.log_key + "\n")
    (tmp_path / "leaf_hash").write_text(file.steps[-1].leaf_hash)
    return tmp_path


def verified(folder: Path) -> subprocess.CompletedProcess[str]:
    """The guide's own lines, run beside the files, without Django and its settings."""
    (code,) = re.findall(r"```python\n(.*?)```", _GUIDE, re.DOTALL)
    environment = {"PYTHONPATH": str(_ROOT)}
    command = [sys.executable, "-c", dedent(code)]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_guides_lines_verify_a_decision(folder: Path) -> None:
    done = verified(folder)
    assert done.stdout.startswith("Checkpoint(origin=")
    assert done.returncode == 0


def test_the_guides_lines_refuse_a_decision_with_one_letter_changed(folder: Path) -> None:
    leaf = folder / "decision.leaf"
    leaf.write_bytes(leaf.read_bytes().replace(b"consent_declined", b"consent_declineD"))
    done = verified(folder)
    assert "LogInconsistent" in done.stderr
    assert done.returncode != 0


def test_the_guides_command_gives_the_hash_on_the_page(folder: Path) -> None:
    (command,) = re.findall(r"^ +(printf .*)$", _GUIDE, re.MULTILINE)
    asked = command.replace("ver_….leaf", "decision.leaf")
    done = subprocess.run(
        ["sh", "-c", asked], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[0] == (folder / "leaf_hash").read_text()


@pytest.mark.parametrize(
    "code",
    [
        "iin_malformed",
        "lender_unknown",
        "dates_reversed",
        "cursor_unknown",
        "mode_missing",
        "receipt_not_ready",
    ],
)
def test_the_guide_names_the_codes_the_pages_say(code: str) -> None:
    assert f"`{code}`" in _PAGES


@pytest.mark.parametrize("name", ["read", "verify", "tampering"])
def test_a_page_in_russian_has_the_code_and_the_names_of_the_english_one(name: str) -> None:
    english, russian = (
        (_FOLDER / f"{name}{ending}").read_text(encoding="utf-8") for ending in (".md", ".ru.md")
    )
    assert re.findall(r"```.*?```", russian, re.DOTALL) == re.findall(
        r"```.*?```", english, re.DOTALL
    )
    assert re.findall(r"^#+ ", russian, re.MULTILINE) == re.findall(r"^#+ ", english, re.MULTILINE)
    names = [set(re.findall(r"`([a-z_.]+)`", text)) for text in (english, russian)]
    assert names[0] == names[1]
