"""The settings that a process reads from its environment, and how a wrong set-up is reported."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from config import env, imprint
from insecure_sandbox.demo.processes import BIN, ROOT, free_port
from verification.core.errors import Misconfigured
from verification.folders import folder_fault
from verification.management.commands.make_keys import make_missing

# The settings of a process that is started with a given environment.


_ROOT = Path(__file__).resolve().parent.parent.parent


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the product's own settings, with nothing of the test's environment but the
    path, and measured.
    """
    clean = {
        name: os.environ[name]
        for name in ("PATH", "HOME", "LANG", "COVERAGE_PROCESS_START")
        if name in os.environ
    }
    call = [sys.executable, *arguments]
    return subprocess.run(
        call, cwd=_ROOT, env=clean | environment, capture_output=True, text=True, check=False
    )


def _setting(expression: str, **environment: str) -> object:
    code = f"import json; from config import settings as s; print(json.dumps({expression}))"
    done = _run("-c", code, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.service
def test_an_installation_on_one_machine_is_called_localhost_and_answers_at_its_number_too(
    tmp_path: Path,
) -> None:
    told = "[s.TULGA_PUBLIC_URL, s.TULGA_BIND, sorted({*s.ALLOWED_HOSTS})]"
    assert _setting(told, TULGA_VAR_DIR=str(tmp_path)) == [
        "http://localhost:8000",
        "127.0.0.1:8000",
        ["127.0.0.1", "localhost"],
    ]


@pytest.mark.service
def test_the_deployment_checks_find_nothing_behind_https(tmp_path: Path) -> None:
    make_missing(tmp_path / "keys", made_by="operator")
    done = _run(
        "manage.py",
        "check",
        "--deploy",
        "--fail-level=WARNING",
        TULGA_VAR_DIR=str(tmp_path),
        TULGA_PUBLIC_URL="https://tulga.example",
    )
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


@pytest.mark.service
def test_the_deployment_checks_are_not_content_without_https(tmp_path: Path) -> None:
    make_missing(tmp_path / "keys", made_by="operator")
    done = _run(
        "manage.py", "check", "--deploy", "--fail-level=WARNING", TULGA_VAR_DIR=str(tmp_path)
    )
    assert done.returncode != 0
    assert "security.W012" in done.stderr


@pytest.mark.service
def test_without_keys_settings_load_and_hold_none(tmp_path: Path) -> None:
    setting = _setting(
        "[s.SECRET_KEY, s.TULGA_KEY_ENCRYPTION_KEYS, s.TULGA_INDEX_KEYS, s.TULGA_LOG_KEYS]",
        TULGA_VAR_DIR=str(tmp_path),
    )
    assert setting == ["", {}, {}, {}]


@pytest.mark.service
def test_live_mode_is_off_and_asks_no_source_until_it_is_asked_for(tmp_path: Path) -> None:
    expression = "[s.TULGA_MODES_LIVE, sorted(s.TULGA_SOURCES['live'])]"
    assert _setting(expression, TULGA_VAR_DIR=str(tmp_path)) == [False, ["trust_anchors"]]
    setting = _setting(expression, TULGA_VAR_DIR=str(tmp_path), TULGA_MODES_LIVE="1")
    assert setting == [True, ["revocation", "trust_anchors"]]


@pytest.mark.service
@pytest.mark.parametrize(
    ("broker", "is_right"),
    [
        ("redis://h/0", True),
        ("amqp://h", True),
        ("filesystem://", True),
        ("memory://", False),
        ("sqla+sqlite:///a", False),
    ],
)
def test_a_broker_is_one_of_the_three_kinds(tmp_path: Path, broker: str, *, is_right: bool) -> None:
    done = _run(
        "-c", "import config.settings", TULGA_VAR_DIR=str(tmp_path), CELERY_BROKER_URL=broker
    )
    assert (done.returncode == 0) is is_right
    assert is_right or "Misconfigured: CELERY_BROKER_URL" in done.stderr


@pytest.mark.service
def test_only_the_owners_commands_connect_as_the_owner(tmp_path: Path) -> None:
    addresses = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/app.db",
        "MIGRATION_DATABASE_URL": f"sqlite:///{tmp_path}/owner.db",
    }
    for command, name in (("migrate", "owner.db"), ("showmigrations", "app.db")):
        done = _run(
            "manage.py",
            command,
            "people",
            "--skip-checks",
            TULGA_VAR_DIR=str(tmp_path),
            **addresses,
        )
        assert done.returncode == 0, done.stderr
        assert [path.name for path in tmp_path.glob("*.db")] == [name]
        (tmp_path / name).unlink()


@pytest.mark.service
def test_the_live_set_asks_only_the_sources_that_the_operator_named(tmp_path: Path) -> None:
    variables = {
        "TULGA_LIVE_SMS_URL": "https://sms.example/send",
        "TULGA_LIVE_SMS_TOKEN_FILE": "/run/secrets/sms",
        "TULGA_LIVE_STOP_CREDIT_URL": "https://bureau.example/refusals",
        "TULGA_LIVE_STOP_CREDIT_TOKEN_FILE": "/run/secrets/bureau",
        "TULGA_LIVE_ACCOUNT_OWNER_URL": "https://bank.example/owner",
        "TULGA_LIVE_CREDIT_BUREAU_URL": "https://bureau.example/credits",
    }
    live = _setting(
        "{name: entry.get('options') for name, entry in s.TULGA_SOURCES['live'].items() if name !="
        " 'trust_anchors'}",
        TULGA_VAR_DIR=str(tmp_path),
        TULGA_MODES_LIVE="1",
        **variables,
    )
    assert isinstance(live, dict)
    assert set(live) == {"revocation", "sms", "stop_credit", "account_owner", "credit_bureau"}
    assert live["stop_credit"] == {
        "url": "https://bureau.example/refusals",
        "token_file": "/run/secrets/bureau",
    }
    assert live["account_owner"] == {"url": "https://bank.example/owner"}
    assert live["sms"] == {"url": "https://sms.example/send", "token_file": "/run/secrets/sms"}


@pytest.mark.service
def test_the_operator_names_an_adapter_and_it_is_given_the_options_that_are_set(
    tmp_path: Path,
) -> None:
    named = {
        "TULGA_LIVE_SMS_ADAPTER": "smsc",
        "TULGA_LIVE_SMS_TOKEN_FILE": "/run/secrets/smsc",
        "TULGA_LIVE_SMS_SENDER": "TULGA",
        "TULGA_LIVE_PERSON_ADAPTER": "bank.registers.People",
        "TULGA_LIVE_CONSENT_URL": "https://consent.example",
        "TULGA_LIVE_CONSENT_NAMES_PHONE": "1",
        "TULGA_LIVE_REVOCATION_ADAPTER": "bank.pki.Revocation",
        "TULGA_LIVE_OCSP_RSA": "http://ocsp.example",
        "TULGA_LIVE_TSA_RSA": "http://tsa.example",
    }
    live = _setting(
        "{name: [entry['adapter'], entry['options']]"
        " for name, entry in s.TULGA_SOURCES['live'].items() if name != 'trust_anchors'}",
        TULGA_VAR_DIR=str(tmp_path),
        TULGA_MODES_LIVE="1",
        **named,
    )
    assert live == {
        "revocation": ["bank.pki.Revocation", {"ocsp_urls": {"rsa": ["http://ocsp.example"]}}],
        "timestamp_authority": ["http", {"urls": {"rsa": "http://tsa.example"}}],
        "person_registry": ["bank.registers.People", {}],
        "consent": ["http", {"url": "https://consent.example", "names_phone": True}],
        "sms": ["smsc", {"token_file": "/run/secrets/smsc", "sender": "TULGA"}],
    }


@pytest.mark.service
def test_a_database_whose_host_is_gone_is_given_up_in_half_a_minute_or_as_its_address_says() -> (
    None
):
    address = "postgresql://u@h/x"
    setting = _setting("s.DATABASES['default']['OPTIONS']", DATABASE_URL=address)
    assert isinstance(setting, dict)
    for ours in (
        "server_side_binding",
        "prepare_threshold",
    ):  # Django's and psycopg's own, of statements
        setting.pop(ours)
    make_conninfo(**setting)  # raises for a word that PostgreSQL's library does not know
    assert setting["connect_timeout"] + setting["tcp_user_timeout"] / 1000 < 40
    explicit = _setting(
        "s.DATABASES['default']['OPTIONS']['connect_timeout']",
        DATABASE_URL=f"{address}?connect_timeout=3",
    )
    assert explicit == 3


# A set-up that is wrong is told in two lines by every process, what and what to do, and never by
# a traceback.
#
# What settings refuse is told by three beginnings: of the web server, of a worker, and of
# manage.py.


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


@pytest.mark.service
@pytest.mark.parametrize("process", _LASTING)
def test_a_database_without_tables_is_told_in_two_lines(process: str, tmp_path: Path) -> None:
    make_missing(tmp_path / "keys", made_by="operator")
    code, output = start(process, tmp_path)
    assert code != 0
    assert "there are no tables in the database" in lines_of(output)
    assert "manage.py migrate" in lines_of(output)


@pytest.mark.service
def test_a_public_address_without_a_scheme_is_told_in_two_lines(tmp_path: Path) -> None:
    code, output = start("tick", tmp_path, TULGA_PUBLIC_URL="tulga.example.kz")
    assert code != 0
    assert "TULGA_PUBLIC_URL is no whole address" in lines_of(output)
    assert "https://" in lines_of(output)


@pytest.mark.service
def test_a_folder_that_cannot_be_made_is_told_in_two_lines(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    code, output = start("deliver", tmp_path / "file" / "var")
    assert code != 0
    assert "TULGA_VAR_DIR is" in lines_of(output)


@pytest.mark.service
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


@pytest.mark.service
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


@pytest.mark.service
@pytest.mark.parametrize(
    ("process", "variable", "word"),
    [
        ("web", "TULGA_WEB_WORKERS", "x"),
        ("web", "TULGA_WEB_THREADS", "0"),
        ("worker", "TULGA_LOG_LEVEL", "verbose"),
        ("worker", "TULGA_BELL_DIR", "/dev/null/bell"),
        ("tick", "TULGA_MODES_LIVE", "maybe"),
        ("web", "TULGA_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("web", "TULGA_TRUSTED_PROXIES", "0.0.0.0/0"),
    ],
)
def test_a_word_that_a_variable_cannot_be_is_told_in_two_lines(
    process: str, variable: str, word: str, tmp_path: Path
) -> None:
    code, output = start(process, tmp_path, **{variable: word})
    assert code != 0
    assert variable in lines_of(output)


@pytest.mark.service
def test_a_key_file_that_cannot_be_read_is_told_in_two_lines(database: str, tmp_path: Path) -> None:
    make_missing(tmp_path / "keys", made_by="operator")
    spoilt = next((tmp_path / "keys").glob("tick/log-*"))
    spoilt.unlink()
    spoilt.mkdir(mode=0o700)
    code, output = start("tick", tmp_path, DATABASE_URL=f"sqlite:///{database}")
    assert code != 0
    assert f"{spoilt} cannot be read" in lines_of(output)


@pytest.mark.service
def test_a_command_that_does_not_wait_for_its_database_says_so_in_two_lines(tmp_path: Path) -> None:
    code, output = start(
        "migrate", tmp_path, DATABASE_URL=f"postgresql://u:secret@127.0.0.1:{free_port(0)}/x"
    )
    assert code != 0
    assert "the database does not answer (postgresql)" in lines_of(output)
    assert "secret" not in output


@pytest.mark.service
def test_keys_are_made_where_another_folder_for_run_time_files_looks_for_them(
    tmp_path: Path,
) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile[makefile.index("\nrun:") : makefile.index("\nncalayer:")]
    assert 'make_keys "$${TULGA_VAR_DIR:-var}/keys"' in recipe
    # Whatever it makes, it makes there: no other folder is named beside it.
    assert "var/" not in recipe.replace("$${TULGA_VAR_DIR:-var}/", "").partition("\n\t")[2]


@pytest.mark.service
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


# What the environment says is typed, or refused by name.


_NAME = "TULGA_SAMPLE"


def test_what_is_not_said_is_the_default() -> None:
    assert env.text(_NAME, "a") == "a"
    assert env.flag(_NAME, default=True)
    assert env.number(_NAME, 3) == 3
    assert env.comma_separated(_NAME, ["a"]) == ["a"]
    assert env.folder(_NAME, Path("/a")) == Path("/a")
    assert env.file(_NAME) is None
    assert env.url(_NAME, "http://a") == "http://a"


@pytest.mark.parametrize(
    ("word", "meaning"),
    [("1", True), ("on", True), ("TRUE", True), ("0", False), ("no", False), ("", False)],
)
def test_a_flag_is_a_yes_or_a_no(
    monkeypatch: pytest.MonkeyPatch, word: str, *, meaning: bool
) -> None:
    monkeypatch.setenv(_NAME, word)
    assert env.flag(_NAME, default=not meaning) is meaning


@pytest.mark.parametrize("word", ["-1", "1.5", "two", "٣", "0"])
def test_a_number_is_whole_and_not_too_small(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv(_NAME, word)
    with pytest.raises(Misconfigured, match=_NAME):
        env.number(_NAME, 1, least=1)


@pytest.mark.parametrize("address", ["ftp://a", "a", "http://", "//a"])
def test_an_address_is_whole(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv(_NAME, address)
    with pytest.raises(Misconfigured, match=_NAME):
        env.url(_NAME, "http://a")


def test_a_refused_address_does_not_tell_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_NAME, "mysql://user:sesame@host/name")
    with pytest.raises(Misconfigured) as refusal:
        env.url(_NAME, "http://a")
    assert "sesame" not in str(refusal.value)


def test_the_owner_and_the_application_have_their_own_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://app@host/name")
    monkeypatch.setenv("MIGRATION_DATABASE_URL", "postgres://owner@host/name")
    monkeypatch.setenv("TULGA_DATABASE_ROLE", "application")
    assert env.database_url("sqlite://") == "postgres://app@host/name"
    env.act_as_owner()
    assert env.database_url("sqlite://") == "postgres://owner@host/name"
    assert env.application_role_url("sqlite://") == "postgres://app@host/name"


def test_where_there_is_one_address_it_serves_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://app@host/name")
    monkeypatch.delenv("MIGRATION_DATABASE_URL", raising=False)
    monkeypatch.setenv("TULGA_DATABASE_ROLE", "owner")
    assert env.database_url("sqlite://") == "postgres://app@host/name"


def test_a_file_is_an_absolute_path_whether_or_not_it_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(_NAME, "absent.json")
    assert env.file(_NAME) == Path.cwd() / "absent.json"
    monkeypatch.setenv(_NAME, "")
    assert env.file(_NAME) is None


def test_a_word_that_is_none_of_them_is_refused_with_those_it_may_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(_NAME, "loud")
    with pytest.raises(Misconfigured, match="one of: INFO, DEBUG"):
        env.choice(_NAME, ["INFO", "DEBUG"], "info")
    assert env.choice("TULGA_ANOTHER", ["INFO", "DEBUG"], "debug") == "DEBUG"


def test_words_lose_their_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_NAME, " a, ,b ")
    assert env.comma_separated(_NAME) == ["a", "b"]


def test_another_word_for_a_flag_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_NAME, "perhaps")
    with pytest.raises(Misconfigured, match=_NAME):
        env.flag(_NAME, default=False)


@pytest.mark.parametrize("address", ["redis://a:port", "redis://[::1"])
def test_an_address_that_cannot_be_taken_apart_is_refused(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv(_NAME, address)
    with pytest.raises(Misconfigured, match="port and its brackets"):
        env.url(_NAME, "", schemes=("redis",))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match=rf"{_NAME} is {tmp_path}/file/a, which cannot be made"):
        env.make_folder(_NAME, tmp_path / "file" / "a")


# Who runs the address is what the environment says, and a number that is no BIN is refused by
# name.


_SAID = {
    "NAME": "ТОО «Оператор»",
    "BIN": "120340000133",
    "ADDRESS": "010000, Астана",
    "TELEPHONE": "+7 7172 00 00 00",
    "EMAIL": "ask@tulga.example",
}


def test_what_is_not_said_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _SAID:
        monkeypatch.delenv(f"TULGA_OPERATOR_{name}", raising=False)
    assert imprint.read() == imprint.Operator()


def test_what_is_said_is_told_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _SAID.items():
        monkeypatch.setenv(f"TULGA_OPERATOR_{name}", f" {value} ")
    assert imprint.read() == imprint.Operator(*_SAID.values())


@pytest.mark.parametrize(
    "number", ["120340000134", "12034000012", "990101100010", "БИН 120340000133"]
)
def test_a_number_that_is_no_bin_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    monkeypatch.setenv("TULGA_OPERATOR_BIN", number)
    with pytest.raises(Misconfigured, match="TULGA_OPERATOR_BIN"):
        imprint.read()


# Without compiled texts, or a folder to write, a process does not start.

_COMPILE = re.compile(r"^\.venv/bin/pybabel compile .*$", re.MULTILINE)


def _command_of_the_page() -> str:
    page = (ROOT / "docs" / "operator" / "install.md").read_text("utf-8")
    [command] = _COMPILE.findall(page)
    return str(command)


def _texts(folder: Path) -> dict[str, str]:
    """The environment of a process whose texts are sources only, in this folder."""
    for source in (ROOT / "locale").rglob("*.po"):
        copy = folder / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copy)
    lines = f"from config.settings import *\nLOCALE_PATHS = [{str(folder / 'locale')!r}]\n"
    (folder / "sources_only.py").write_text(lines)
    return {"DJANGO_SETTINGS_MODULE": "sources_only", "PYTHONPATH": f"{folder}:{ROOT}"}


@pytest.mark.service
@pytest.mark.parametrize("process", [*_LASTING, "deliver"])
def test_without_compiled_texts_the_command_of_the_install_page_is_told(
    process: str, tmp_path: Path
) -> None:
    make_missing(tmp_path / "keys", made_by="operator")
    code, output = start(process, tmp_path, **_texts(tmp_path))
    assert code != 0
    assert "are not compiled" in lines_of(output)
    assert _command_of_the_page() in lines_of(output)


@pytest.mark.service
def test_the_command_of_the_install_page_compiles_every_text(tmp_path: Path) -> None:
    environment = _texts(tmp_path)
    command = _command_of_the_page().replace(".venv/bin", str(BIN))
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, check=False)  # noqa: S602
    assert done.returncode == 0, done.stderr
    make_missing(tmp_path / "keys", made_by="operator")
    code, output = start("tick", tmp_path, **environment)
    assert code != 0
    assert "there are no tables" in lines_of(output)


def test_the_install_page_makes_the_environment_before_it_compiles() -> None:
    page = (ROOT / "docs" / "operator" / "install.md").read_text("utf-8")
    [block] = [part for part in page.split("```") if "pybabel compile" in part]
    set_up, compiling, *_ = block.strip().splitlines()[1:]
    assert (set_up, compiling) == ("sh scripts/set_up.sh runtime", _command_of_the_page())
    script = (ROOT / "scripts" / "set_up.sh").read_text("utf-8")
    assert "-m venv .venv" in script
    assert "requirements/$1.txt" in script
    assert (ROOT / "requirements" / "runtime.txt").is_file()


@pytest.mark.service
@pytest.mark.parametrize(
    ("process", "name"),
    [
        ("web", "TULGA_EVIDENCE_DIR"),
        ("worker", "TULGA_EVIDENCE_DIR"),
        ("tick", "TULGA_LOG_HEAD_DIR"),
    ],
)
@pytest.mark.parametrize("kind", ["a file", "impossible"])
def test_a_folder_in_which_nothing_can_be_stored_is_told_in_two_lines(
    process: str, name: str, kind: str, tmp_path: Path
) -> None:
    make_missing(tmp_path / "keys", made_by="operator")
    (tmp_path / "a file").write_text("no folder")
    folder = str(tmp_path / "a file") if kind == "a file" else "/proc/tulga"
    code, output = start(process, tmp_path, **{name: folder})
    assert code != 0
    assert f"{name} is {folder}, in which no file can be stored" in lines_of(output)


def test_a_folder_that_is_missing_is_possible_and_is_not_made(tmp_path: Path) -> None:
    assert folder_fault(tmp_path / "below" / "absent") == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.service
def test_a_disk_without_room_is_found_before_the_first_file() -> None:
    # A limit of 0 bytes of a file refuses as a full disk does.
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0));"
        "from pathlib import Path; from verification.folders import folder_fault;"
        "print(folder_fault(Path('/tmp')))"
    )
    done = _run("-c", code)
    assert done.stdout.strip() == "File too large", done.stderr
