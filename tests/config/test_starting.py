"""A set-up that is wrong is told in two lines by every process, what and what to do, and never by a
traceback.

What settings refuse is told by three beginnings: of the web server, of a worker, and of manage.py.
"""

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
    "worker": [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "config",
        "worker",
        "--concurrency=1",
        "--loglevel=ERROR",
    ],
    "migrate": [sys.executable, "manage.py", "migrate", "--verbosity=0"],
    "web": [str(BIN / "gunicorn"), "--config", "config/gunicorn_settings.py", "--workers=1"],
}
_LASTING = ["tick", "worker", "web"]
"""The sender begins as a tick does."""


def start(process: str, place: Path, **environment: str) -> tuple[int, str]:
    """How the process ended by itself, and what it said."""
    ours = ("TULGA_", "DATABASE_", "MIGRATION_", "CELERY_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    defaults = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "TULGA_VAR_DIR": str(place),
        "TULGA_LOG_LEVEL": "ERROR",
        "TULGA_BIND": f"127.0.0.1:{free_port(0)}",
    }
    done = subprocess.run(
        _PROCESSES[process],
        cwd=ROOT,
        env=inherited | defaults | environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def lines_of(output: str) -> str:
    """The two lines, of all that was said."""
    assert "Traceback" not in output, output
    lines = output[output.index("Tulga does not start: ") :].splitlines()[:2]
    assert len(lines) == 2, output
    return "\n".join(lines)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with tables, in a folder without keys."""
    folder = tmp_path_factory.mktemp("tables")
    code, output = start("migrate", folder)
    assert code == 0, output
    return str(folder / "tulga.sqlite3")


@pytest.mark.parametrize("process", _LASTING)
def test_a_database_without_tables_is_told_in_two_lines(process: str, tmp_path: Path) -> None:
    make_missing(tmp_path / "keys", made_by="operator")
    code, output = start(process, tmp_path)
    assert code != 0
    assert "there are no tables in the database" in lines_of(output)
    assert "manage.py migrate" in lines_of(output)


def test_a_public_address_without_a_scheme_is_told_in_two_lines(tmp_path: Path) -> None:
    code, output = start("tick", tmp_path, TULGA_PUBLIC_URL="tulga.example.kz")
    assert code != 0
    assert "TULGA_PUBLIC_URL is no whole address" in lines_of(output)
    assert "https://" in lines_of(output)


def test_a_folder_that_cannot_be_made_is_told_in_two_lines(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    code, output = start("deliver", tmp_path / "file" / "var")
    assert code != 0
    assert "TULGA_VAR_DIR is" in lines_of(output)


@pytest.mark.parametrize("process", _LASTING)
def test_another_folder_for_run_time_files_without_keys_is_told_in_two_lines(
    process: str, database: str
) -> None:
    folder = Path(database).parent / "other"
    code, output = start(process, folder, DATABASE_URL=f"sqlite:///{database}")
    assert code != 0
    assert f"there are no keys in {folder}" in lines_of(output)
    assert "TULGA_KEYS_DIR" in lines_of(output)
    assert "RuntimeWarning" not in output


@pytest.mark.parametrize(
    ("process", "address"),
    [
        ("web", "nonsense"),
        ("worker", "mysql://u:secret@h/x"),
        ("migrate", "postgresql://u:secret@h:port/x"),
    ],
)
def test_an_address_of_no_database_of_ours_is_told_in_two_lines(
    process: str, address: str, tmp_path: Path
) -> None:
    code, output = start(process, tmp_path, DATABASE_URL=address)
    assert code != 0
    assert "DATABASE_URL" in lines_of(output)
    assert "secret" not in output


@pytest.mark.parametrize(
    ("process", "variable", "word"),
    [
        ("web", "TULGA_WEB_WORKERS", "x"),
        ("web", "TULGA_WEB_THREADS", "0"),
        ("worker", "TULGA_LOG_LEVEL", "verbose"),
        ("worker", "TULGA_BELL_DIR", "/dev/null/bell"),
        ("tick", "TULGA_MODES_LIVE", "maybe"),
    ],
)
def test_a_word_that_a_variable_cannot_be_is_told_in_two_lines(
    process: str, variable: str, word: str, tmp_path: Path
) -> None:
    code, output = start(process, tmp_path, **{variable: word})
    assert code != 0
    assert variable in lines_of(output)


def test_a_key_file_that_cannot_be_read_is_told_in_two_lines(database: str, tmp_path: Path) -> None:
    make_missing(tmp_path / "keys", made_by="operator")
    spoilt = next((tmp_path / "keys").glob("tick/log-*"))
    spoilt.unlink()
    spoilt.mkdir(mode=0o700)
    code, output = start("tick", tmp_path, DATABASE_URL=f"sqlite:///{database}")
    assert code != 0
    assert f"{spoilt} cannot be read" in lines_of(output)


def test_a_command_that_does_not_wait_for_its_database_says_so_in_two_lines(tmp_path: Path) -> None:
    code, output = start(
        "migrate", tmp_path, DATABASE_URL=f"postgresql://u:secret@127.0.0.1:{free_port(0)}/x"
    )
    assert code != 0
    assert "the database does not answer (postgresql)" in lines_of(output)
    assert "secret" not in output


def test_keys_are_made_where_another_folder_for_run_time_files_looks_for_them(
    tmp_path: Path,
) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile[makefile.index("\nrun:") : makefile.index("\nncalayer:")]
    assert 'make_keys "$${TULGA_VAR_DIR:-var}/keys"' in recipe
    # Whatever it makes, it makes there: no other folder is named beside it.
    assert "var/" not in recipe.replace("$${TULGA_VAR_DIR:-var}/", "").partition("\n\t")[2]


def test_who_can_read_the_keys_of_others_says_so_in_a_trial_and_does_not_start_live(
    database: str, tmp_path: Path
) -> None:
    make_missing(tmp_path / "keys", made_by="operator")
    variables = {
        "DATABASE_URL": f"sqlite:///{database}",
        "TULGA_PUBLIC_URL": "https://tulga.example",
    }
    code, output = start("deliver", tmp_path, **variables)
    assert (code, output.count("the process sender can read root/root.key and")) == (0, 1), output
    code, output = start("deliver", tmp_path, **variables, TULGA_MODES_LIVE="true")
    assert code != 0
    assert "The process sender can read root/root.key" in output
    assert "give each process its own user" in output
