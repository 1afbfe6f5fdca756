"""What the environment says is typed, or refused by name."""

from pathlib import Path

import pytest

from config import env
from verification.core.errors import Misconfigured

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
