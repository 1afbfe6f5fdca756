"""The settings of a process that is started with a given environment."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from verification.management.commands.make_keys import make_missing

pytestmark = pytest.mark.service

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


def test_the_deployment_checks_are_not_content_without_https(tmp_path: Path) -> None:
    make_missing(tmp_path / "keys", made_by="operator")
    done = _run(
        "manage.py", "check", "--deploy", "--fail-level=WARNING", TULGA_VAR_DIR=str(tmp_path)
    )
    assert done.returncode != 0
    assert "security.W012" in done.stderr


def test_without_keys_settings_load_and_hold_none(tmp_path: Path) -> None:
    setting = _setting(
        "[s.SECRET_KEY, s.TULGA_KEY_ENCRYPTION_KEYS, s.TULGA_INDEX_KEYS, s.TULGA_LOG_KEYS]",
        TULGA_VAR_DIR=str(tmp_path),
    )
    assert setting == ["", {}, {}, {}]


def test_live_mode_is_off_and_asks_nobody_until_it_is_asked_for(tmp_path: Path) -> None:
    expression = "[s.TULGA_MODES_LIVE, sorted(s.TULGA_SOURCES['live'])]"
    assert _setting(expression, TULGA_VAR_DIR=str(tmp_path)) == [False, ["trust_anchors"]]
    setting = _setting(expression, TULGA_VAR_DIR=str(tmp_path), TULGA_MODES_LIVE="1")
    assert setting == [True, ["revocation", "trust_anchors"]]


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


def test_the_live_set_asks_whom_the_operator_named_and_nobody_else(tmp_path: Path) -> None:
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
