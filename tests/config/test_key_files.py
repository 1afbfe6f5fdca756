"""Keys come from files that only their owner may read; nothing stands in for one that is missing."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from config.key_files import KEY_BYTES, Keys, read_keys
from verification.core.errors import Misconfigured
from verification.management.commands.make_keys import make_missing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_missing(tmp_path / "keys", made_by="operator")
    return tmp_path / "keys"


def test_where_there_is_no_folder_there_are_no_keys(tmp_path: Path) -> None:
    assert read_keys(tmp_path / "absent") == Keys()


def test_made_keys_are_read_and_no_two_are_alike(folder: Path) -> None:
    keys = read_keys(folder)
    documents = [seed for numbered in keys.document.values() for seed in numbered.values()]
    decisions = [seed for numbered in keys.decision.values() for seed in numbered.values()]
    of_logs = [*keys.log.values(), *documents, *decisions]
    every = [keys.secret_key, *keys.encryption.values(), *keys.index.values(), *of_logs]
    assert len(set(every)) == 9
    assert all(len(key) == KEY_BYTES for key in every[1:])
    assert (set(keys.encryption), set(keys.index), set(keys.log)) == ({1}, {1}, {"test", "live"})
    assert {mode: set(numbered) for mode, numbered in keys.document.items()} == {"test": {1}, "live": {1}}
    assert not keys.made_by_demo


def test_the_demos_keys_are_known_by_name(tmp_path: Path) -> None:
    call_command("make_keys", str(tmp_path), "--demo", verbosity=0, stdout=(tmp_path / "out").open("w"))
    assert read_keys(tmp_path).made_by_demo == {
        "django.key",
        "kek-1.key",
        "index-1.key",
        "log-test.key",
        "log-live.key",
        "document-test-1.key",
        "document-live-1.key",
        "decision-test-1.key",
        "decision-live-1.key",
    }


def test_a_key_that_exists_is_never_touched(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "log-live.key").unlink()
    made = make_missing(folder, made_by="demo")
    assert [path.name for path, is_new in made.items() if is_new] == ["log-live.key"]
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {name for name in after if after[name] != before[name]} == {"log-live.key"}


def test_a_key_belongs_to_its_owner_alone(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.glob("*.key")} == {0o600}


def test_a_host_that_only_verifies_needs_no_more_than_the_public_half(folder: Path) -> None:
    whole = read_keys(folder)
    (folder / "decision-test-1.key").unlink()
    keys = read_keys(folder)
    assert "test" not in keys.decision
    assert keys.deciders == whole.deciders


def test_a_key_that_was_retired_is_not_made_anew(folder: Path) -> None:
    (folder / "decision-test-1.key").rename(folder / "decision-test-2.key")
    half = (folder / "decision-test-1.pub").read_bytes()
    (folder / "decision-test-2.pub").write_bytes(half)
    make_missing(folder, made_by="operator")
    assert set(read_keys(folder).decision["test"]) == {2}
    assert (folder / "decision-test-1.pub").read_bytes() == half


def test_a_public_half_of_another_key_is_refused(folder: Path) -> None:
    (folder / "decision-test-1.pub").write_bytes((folder / "decision-live-1.pub").read_bytes())
    with pytest.raises(Misconfigured, match=r"decision-test-1\.pub"):
        read_keys(folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("decision-test-2.pub", "{}"),
        ("decision-test-2.pub", "no JSON"),
        ("decision-test-2.pub", '{"kind": "decision-public", "public": "AAAA"}'),
        ("decision-test-2.pub", '{"kind": "decision-public", "public": 5}'),
        ("decision-2.pub", '{"kind": "decision-public", "public": "' + "A" * 43 + '="}'),
        ("decision-test-2.pub", '{"kind": "decision", "public": "' + "A" * 43 + '="}'),
    ],
)
def test_what_is_no_public_half_is_refused_by_name(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content)
    with pytest.raises(Misconfigured, match=name.replace(".", r"\.")):
        read_keys(folder)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610])
def test_a_key_that_others_may_read_is_refused(folder: Path, mode: int) -> None:
    (folder / "kek-1.key").chmod(mode)
    with pytest.raises(Misconfigured, match=r"kek-1\.key"):
        read_keys(folder)


def test_a_second_key_counts_by_its_number(folder: Path) -> None:
    for first, second in (("kek-1.key", "kek-2.key"), ("document-live-1.key", "document-live-2.key")):
        (folder / second).write_bytes((folder / first).read_bytes())
        (folder / second).chmod(0o600)
    keys = read_keys(folder)
    assert set(keys.encryption) == {1, 2}
    assert {mode: set(numbered) for mode, numbered in keys.document.items()} == {"test": {1}, "live": {1, 2}}


@pytest.mark.parametrize(
    "name",
    [
        *("kek.key", "kek-0.key", "kek-x.key", "index-test.key", "log.key", "log-3.key", "django-1.key", "a.key"),
        *("document.key", "document-1.key", "document-live.key", "document-live-0.key", "document-other-1.key"),
    ],
)
def test_a_name_that_is_no_keys_is_refused(folder: Path, name: str) -> None:
    (folder / "kek-1.key").rename(folder / name)
    with pytest.raises(Misconfigured, match="is not a key's name"):
        read_keys(folder)


@pytest.mark.parametrize(
    "change",
    [{"kind": "index"}, {"made_by": "nobody"}, {"key": "AAAA"}, {"key": "not base64!"}, {"key": 5}, {"kind": None}],
)
def test_a_file_that_is_no_key_is_refused_without_telling_it(folder: Path, change: dict[str, object]) -> None:
    path = folder / "kek-1.key"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | change))
    with pytest.raises(Misconfigured, match=r"kek-1\.key") as refused:
        read_keys(folder)
    assert content["key"] not in str(refused.value)


def test_a_key_that_cannot_be_read_is_named(folder: Path) -> None:
    (folder / "kek-2.key").mkdir()
    with pytest.raises(Misconfigured, match=r"kek-2\.key cannot be read"):
        read_keys(folder)
