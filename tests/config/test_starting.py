"""A set-up that is wrong is told in two lines by every process, what and what to do, and never by a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from insecure_sandbox.demo.processes import BIN, ROOT, free_port
from verification.management.commands.make_keys import make_missing

pytestmark = pytest.mark.service

_PROCESSES = {
    "tick": [sys.executable, "manage.py", "tick", "--once"],
    "deliver": [sys.executable, "manage.py", "deliver", "--once"],
    "worker": [sys.executable, "-m", "celery", "-A", "config", "worker", "--concurrency=1", "--loglevel=ERROR"],
    "web": [str(BIN / "gunicorn"), "--config", "config/gunicorn_settings.py", "--workers=1"],
}


def start(process: str, place: Path, **environment: str) -> tuple[int, str]:
    """How the process ended by itself, and what it said."""
    ours = ("TULGA_", "DATABASE_", "CELERY_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    own = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "TULGA_VAR_DIR": str(place),
        "TULGA_LOG_LEVEL": "ERROR",
        "TULGA_BIND": f"127.0.0.1:{free_port(0)}",
    }
    done = subprocess.run(
        _PROCESSES[process],
        cwd=ROOT,
        env=kept | own | environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def told(said: str) -> str:
    """The two lines, of all that was said."""
    assert "Traceback" not in said, said
    lines = said[said.index("Tulga does not start: ") :].splitlines()[:2]
    assert len(lines) == 2, said
    return "\n".join(lines)


@pytest.mark.parametrize("process", _PROCESSES)
def test_a_database_without_tables_is_told_in_two_lines(process: str, tmp_path: Path) -> None:
    make_missing(tmp_path / "keys", made_by="operator")
    code, said = start(process, tmp_path)
    assert code != 0
    assert "there are no tables in the database" in told(said)
    assert "manage.py migrate" in told(said)


@pytest.mark.parametrize("process", _PROCESSES)
def test_a_public_address_without_a_scheme_is_told_in_two_lines(process: str, tmp_path: Path) -> None:
    code, said = start(process, tmp_path, TULGA_PUBLIC_URL="tulga.example.kz")
    assert code != 0
    assert "TULGA_PUBLIC_URL is no whole address" in told(said)
    assert "https://" in told(said)


@pytest.mark.parametrize("process", _PROCESSES)
def test_a_folder_that_cannot_be_made_is_told_in_two_lines(process: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    code, said = start(process, tmp_path / "file" / "var")
    assert code != 0
    assert "TULGA_VAR_DIR is" in told(said)


def test_keys_are_made_where_another_folder_for_run_time_files_looks_for_them(tmp_path: Path) -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert 'make_keys "$${TULGA_VAR_DIR:-var}/keys"' in recipe
