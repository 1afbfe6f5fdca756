"""Keys come from files, a folder for each process; nothing stands in for one that is missing or not
certified.
"""

import json
import os
import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from config.key_files import EVERY, KEY_BYTES, Keys, read_keys, readable_beside
from verification.core.certificates import PROCESSES, box_key_of
from verification.core.errors import Misconfigured
from verification.management.commands.make_keys import ROOT_KEY, make_missing, uncertified


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_missing(tmp_path / "keys", made_by="operator")
    return tmp_path / "keys"


def test_where_there_is_no_folder_there_are_no_keys(tmp_path: Path) -> None:
    assert read_keys(tmp_path / "absent", process="web") == Keys()


def test_made_keys_are_read_and_no_two_are_alike(folder: Path) -> None:
    keys = read_keys(folder, process=EVERY)
    seeds = [
        seed
        for modes in keys.signing.values()
        for numbered in modes.values()
        for seed in numbered.values()
    ]
    every = [*keys.encryption.values(), *keys.index.values(), *keys.webhook.values()]
    every += [*keys.evidence.values(), *seeds]
    assert len({keys.secret_key, *(key.hex() for key in every)}) == 1 + 4 + 10
    assert {len(key) for key in every} == {KEY_BYTES}
    assert {
        kind: {mode: set(seeds) for mode, seeds in modes.items()}
        for kind, modes in keys.signing.items()
    } == {
        "log": {"test": {0}, "live": {0}},
        **{kind: {"test": {1}, "live": {1}} for kind in ("document", "decision", "door", "sender")},
    }
    assert (len(keys.certified), keys.uncertified, keys.made_by_demo) == (10, (), frozenset())


@pytest.mark.parametrize(
    ("process", "holds"),
    [
        ("web", {"secret_key", "encryption", "index", "door"}),
        ("worker", {"encryption", "index", "code", "evidence", "decision", "document"}),
        ("tick", {"log"}),
        ("sender", {"webhook", "sender"}),
    ],
)
def test_a_process_holds_its_own_keys_and_no_others(
    folder: Path, process: str, holds: set[str]
) -> None:
    keys = read_keys(folder, process=process)
    expected = {
        name
        for name in ("secret_key", "encryption", "index", "webhook", "evidence", "code")
        if getattr(keys, name)
    }
    assert expected | set(keys.signing) == holds
    assert keys.certified == read_keys(folder, process=EVERY).certified
    paths = {path.relative_to(folder).as_posix() for path in folder.glob("*/*.key")}
    kinds = PROCESSES[process]
    foreign = {
        name
        for name in paths
        if name.partition("/")[2].removesuffix(".key").partition("-")[0] not in kinds
    }
    # All are one user's here, so it could read them, and says so.
    assert set(readable_beside(folder, process=process)) == foreign | {ROOT_KEY.as_posix()}


def test_what_is_another_users_is_not_read_and_not_named(folder: Path) -> None:
    for name in ("root", "worker", "sender", "tick"):
        shutil.rmtree(folder / name)
    assert readable_beside(folder, process="web") == []
    assert read_keys(folder, process="web").uncertified == ()


def test_the_demos_keys_are_known_by_name(tmp_path: Path) -> None:
    call_command(
        "make_keys", str(tmp_path), "--demo", verbosity=0, stdout=(tmp_path / "out").open("w")
    )
    assert read_keys(tmp_path, process="worker").made_by_demo == {
        *("kek-1.key", "index-1.key", "code-1.key", "evidence-1.key"),
        *("decision-test-1.key", "decision-live-1.key"),
        *("document-test-1.key", "document-live-1.key"),
    }


def test_what_two_processes_share_is_one_key(folder: Path) -> None:
    web, worker, sender = (read_keys(folder, process=name) for name in ("web", "worker", "sender"))
    assert (web.encryption, web.index) == (worker.encryption, worker.index)
    # What is sealed to is public; one process has the key that opens.
    assert web.webhook == web.evidence == {}
    assert web.webhook_public == sender.webhook_public == {1: box_key_of(sender.webhook[1])}
    assert web.evidence_public == worker.evidence_public == {1: box_key_of(worker.evidence[1])}


PAIRS = pytest.mark.parametrize(("owner", "kind"), [("sender", "webhook"), ("worker", "evidence")])


@PAIRS
def test_a_key_of_boxes_is_not_made_anew_for_a_public_half_that_is_in_use(
    folder: Path, owner: str, kind: str
) -> None:
    (folder / owner / f"{kind}-1.key").unlink()
    half = (folder / "public" / f"{kind}-1.pub").read_bytes()
    assert not any(make_missing(folder, made_by="operator").values())
    assert (folder / "public" / f"{kind}-1.pub").read_bytes() == half
    assert not (folder / owner / f"{kind}-1.key").exists()


@PAIRS
def test_a_public_half_of_boxes_is_made_anew_from_its_key(
    folder: Path, owner: str, kind: str
) -> None:
    half = (folder / "public" / f"{kind}-1.pub").read_bytes()
    (folder / "public" / f"{kind}-1.pub").unlink()
    made = [
        path.name for path, is_new in make_missing(folder, made_by="operator").items() if is_new
    ]
    assert made == [f"{kind}-1.pub"]
    assert (folder / "public" / f"{kind}-1.pub").read_bytes() == half


def test_the_public_half_of_boxes_needs_no_certificate(folder: Path) -> None:
    assert [*uncertified(folder)] == []
    said = StringIO()
    call_command("make_keys", str(folder), verbosity=0, stdout=said)
    assert "not certified yet" not in said.getvalue()


def test_a_half_that_reaches_its_owner_first_opens_before_others_seal_to_it(folder: Path) -> None:
    half = folder / "public/webhook-2.pub"
    made(folder, "webhook", 2)
    later = half.read_bytes()
    half.unlink()
    assert set(read_keys(folder, process="sender").webhook) == {1, 2}  # before web has the half
    assert set(read_keys(folder, process="web").webhook_public) == {1}
    half.write_bytes(later)
    sender = read_keys(folder, process="sender")
    assert read_keys(folder, process="web").webhook_public == {
        number: box_key_of(private) for number, private in sender.webhook.items()
    }


def made(folder: Path, kind: str, number: int) -> list[str]:
    """The paths that the command prints, each with `made` or `kept`."""
    lines = StringIO()
    call_command("make_keys", str(folder), "--kind", kind, "--number", str(number), stdout=lines)
    prefix = f"{folder}/"
    return sorted(
        line.replace(prefix, "")
        for line in lines.getvalue().splitlines()
        if line.startswith(("made ", "kept "))
    )


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        ("kek", ["web/kek-2.key", "worker/kek-2.key"]),
        ("index", ["web/index-2.key", "worker/index-2.key"]),
        ("code", ["worker/code-2.key"]),
        ("webhook", ["public/webhook-2.pub", "sender/webhook-2.key"]),
        ("evidence", ["public/evidence-2.pub", "worker/evidence-2.key"]),
    ],
)
def test_the_next_key_of_a_kind_stands_beside_the_others_and_touches_none(
    folder: Path, kind: str, paths: list[str]
) -> None:
    before = {path: path.read_bytes() for path in folder.glob("*/*")}
    assert made(folder, kind, 2) == [f"made {path}" for path in paths]
    after = {path: path.read_bytes() for path in folder.glob("*/*")}
    assert {path.relative_to(folder).as_posix() for path in after.keys() - before} == set(paths)
    assert before.items() <= after.items()
    assert made(folder, kind, 2) == [f"kept {path}" for path in paths]
    assert after == {path: path.read_bytes() for path in folder.glob("*/*")}
    for process in PROCESSES:
        read_keys(folder, process=process)
    private = [after[folder / path] for path in paths if path.endswith(".key")]
    assert len(set(private)) == 1
    assert private[0] not in before.values()


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone gives files away")
def test_root_makes_the_next_key_for_the_owner_of_its_folder(folder: Path) -> None:
    for number, name in enumerate(("web", "worker"), start=4_001):
        os.chown(folder / name, number, 4_000)
    made(folder, "kek", 2)
    for number, name in enumerate(("web", "worker"), start=4_001):
        kept = (folder / name / "kek-2.key").stat()
        assert (kept.st_uid, kept.st_gid, kept.st_mode & 0o777) == (number, 4_000, 0o600)


@pytest.mark.parametrize("kind", ["kek", "index", "code", "webhook", "evidence"])
def test_a_first_key_that_was_taken_away_is_not_made_anew(folder: Path, kind: str) -> None:
    made(folder, kind, 2)
    for path in folder.glob(f"*/{kind}-1.*"):
        path.unlink()
    assert not any(make_missing(folder, made_by="operator").values())
    assert {path.stem for path in folder.glob(f"*/{kind}-*")} == {f"{kind}-2"}


def test_a_key_that_would_not_seal_or_belongs_nowhere_is_not_made(
    folder: Path, tmp_path: Path
) -> None:
    made(folder, "kek", 3)
    before = set(folder.glob("*/*"))
    with pytest.raises(CommandError, match=r"kek-3 is in use.*take --number 4"):
        made(folder, "kek", 2)
    with pytest.raises(CommandError, match="there is no index key in"):
        made(tmp_path / "elsewhere", "index", 2)
    with pytest.raises(CommandError, match="1 to 9999"):
        made(folder, "kek", 10_000)
    with pytest.raises(CommandError, match="invalid choice: 'django'"):
        call_command("make_keys", str(folder), "--kind", "django", "--number", "2")
    with pytest.raises(CommandError, match="name one"):
        call_command("make_keys", str(folder), "--kind", "kek", "--process", "web")
    assert (set(folder.glob("*/*")), (tmp_path / "elsewhere").exists()) == (before, False)


@PAIRS
def test_two_halves_that_are_no_pair_stop_their_owner(
    folder: Path, tmp_path: Path, owner: str, kind: str
) -> None:
    make_missing(tmp_path / "fresh", made_by="operator")
    shutil.copy(tmp_path / f"fresh/public/{kind}-1.pub", folder / f"public/{kind}-1.pub")
    with pytest.raises(Misconfigured, match=rf"{kind}-1\.pub is not the public half"):
        read_keys(folder, process=owner)


def test_a_key_that_exists_is_never_touched(folder: Path) -> None:
    contents = {path: path.read_bytes() for path in folder.glob("*/*")}
    (folder / "web" / "kek-1.key").unlink()
    fresh = make_missing(folder, made_by="demo")
    assert [path.name for path, is_new in fresh.items() if is_new] == ["kek-1.key"]
    assert {
        path: path.read_bytes() for path in folder.glob("*/*")
    } == contents  # the worker's copy is the same key


def test_a_key_belongs_to_its_owner_alone(folder: Path) -> None:
    assert {path.stat().st_mode & 0o777 for path in folder.glob("*/*.key")} == {0o600}
    assert {(folder / name).stat().st_mode & 0o777 for name in ("root", *PROCESSES)} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in folder.glob("public/*")} == {0o644}


def test_a_key_that_was_retired_is_not_made_anew(folder: Path) -> None:
    call_command(
        "make_keys",
        str(folder),
        "--process",
        "worker",
        "--number",
        "2",
        verbosity=0,
        stdout=_nowhere(),
    )
    (folder / "worker" / "decision-test-1.key").unlink()
    make_missing(folder, made_by="operator")
    keys = read_keys(folder, process="worker")
    assert (set(keys.signing["decision"]["test"]), set(keys.signing["decision"]["live"])) == (
        {2},
        {1, 2},
    )
    assert numbers(keys, "decision", "test") == {1, 2}


def test_another_host_gets_signing_keys_of_its_own_and_the_root_certifies_them(
    folder: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "public").mkdir(parents=True)
    shutil.copy(folder / "public" / "root.pub", elsewhere / "public")
    call_command(
        "make_keys",
        str(elsewhere),
        "--process",
        "worker",
        "--number",
        "2",
        verbosity=0,
        stdout=_nowhere(),
    )
    assert not [*elsewhere.glob("*/kek-1.key"), *elsewhere.glob("root/*")]
    names = ("decision-live-2", "decision-test-2", "document-live-2", "document-test-2")
    assert read_keys(elsewhere, process="worker").uncertified == names
    call_command(
        "certify_keys",
        str(elsewhere),
        "--root",
        str(folder / ROOT_KEY),
        verbosity=0,
        stdout=_nowhere(),
    )
    keys = read_keys(elsewhere, process="worker")
    assert (keys.uncertified, {key.name for key in keys.certified}) == ((), set(names))


def test_a_key_of_another_root_is_ignored(folder: Path, tmp_path: Path) -> None:
    make_missing(tmp_path / "others", made_by="operator")
    for name in ("worker/decision-test-1.key", "public/decision-test-1.pub"):
        shutil.copy(tmp_path / "others" / name, folder / name)
    keys = read_keys(folder, process="worker")
    assert keys.uncertified == ("decision-test-1",)
    assert not numbers(keys, "decision", "test")


def test_a_certificate_says_one_place_only(folder: Path) -> None:
    for changed in ({"kind": "door"}, {"mode": "live"}, {"number": 3}):
        content = json.loads((folder / "public" / "decision-test-1.pub").read_text()) | changed
        name = f"{content['kind']}-{content['mode']}-{content['number']}"
        (folder / "public" / f"{name}.pub").write_text(json.dumps(content))
        assert name not in {key.name for key in read_keys(folder, process="tick").certified}


def test_a_root_that_is_away_certifies_nothing(folder: Path) -> None:
    (folder / ROOT_KEY).unlink()
    with pytest.raises(CommandError, match=r"root\.key cannot be read: No such file"):
        call_command("certify_keys", str(folder))
    call_command(
        "make_keys",
        str(folder),
        "--process",
        "sender",
        "--number",
        "2",
        verbosity=0,
        stdout=_nowhere(),
    )
    assert read_keys(folder, process="sender").uncertified == ("sender-live-2", "sender-test-2")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("decision-test-2.pub", "{}"),
        ("decision-test-2.pub", "no JSON"),
        ("decision-test-2.pub", "[]"),
        (
            "decision-test-2.pub",
            '{"kind": "decision", "mode": "test", "number": 2, "public": "AAAA"}',
        ),
        ("decision-test-2.pub", '{"kind": "decision", "mode": "test", "number": 2, "public": 5}'),
        (
            "decision-2.pub",
            '{"kind": "decision", "mode": "test", "number": 2, "public": "' + "A" * 43 + '="}',
        ),
        (
            "decision-test-2.pub",
            '{"kind": "kek", "mode": "test", "number": 2, "public": "' + "A" * 43 + '="}',
        ),
        (
            "decision-test-2.pub",
            '{"kind": "decision", "mode": "test", "number": true, "public": "' + "A" * 43 + '="}',
        ),
        ("webhook-2.pub", "{}"),
        ("webhook-2.pub", "no JSON"),
        ("webhook-2.pub", '{"kind": "webhook", "public": "AAAA"}'),
        ("webhook-2.pub", '{"kind": "webhook", "public": 5}'),
        ("webhook-2.pub", '{"kind": "root", "public": "' + "A" * 43 + '="}'),
        ("webhook-0.pub", '{"kind": "webhook", "public": "' + "A" * 43 + '="}'),
        ("webhook.pub", '{"kind": "webhook", "public": "' + "A" * 43 + '="}'),
        ("root.pub", '{"kind": "root", "public": "AAAA"}'),
        ("root.pub", '{"kind": "root"}'),
    ],
)
def test_what_is_no_public_half_is_refused_by_name(folder: Path, name: str, content: str) -> None:
    (folder / "public" / name).write_text(content)
    with pytest.raises(Misconfigured, match=name.replace(".", r"\.")):
        read_keys(folder, process="tick")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610])
def test_a_key_that_others_may_read_is_refused(folder: Path, mode: int) -> None:
    (folder / "web" / "kek-1.key").chmod(mode)
    with pytest.raises(Misconfigured, match=r"kek-1\.key"):
        read_keys(folder, process="web")


def test_a_second_key_counts_by_its_number(folder: Path) -> None:
    made(folder, "kek", 2)
    assert set(read_keys(folder, process="web").encryption) == {1, 2}


@pytest.mark.parametrize(
    "name",
    [
        *(
            "kek.key",
            "kek-0.key",
            "kek-x.key",
            "index-test.key",
            "log.key",
            "log-3.key",
            "django-1.key",
            "a.key",
        ),
        *(
            "door.key",
            "door-1.key",
            "door-live.key",
            "door-live-0.key",
            "door-other-1.key",
            "root.key",
        ),
    ],
)
def test_a_name_that_is_no_keys_is_refused(folder: Path, name: str) -> None:
    (folder / "web" / "kek-1.key").rename(folder / "web" / name)
    with pytest.raises(Misconfigured, match="is not a key's name"):
        read_keys(folder, process="web")


def test_a_key_of_another_process_is_refused(folder: Path) -> None:
    shutil.copy(folder / "worker" / "decision-test-1.key", folder / "web" / "decision-test-1.key")
    with pytest.raises(Misconfigured, match="a key of another process"):
        read_keys(folder, process="web")


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "index"},
        {"made_by": "unknown"},
        {"key": "AAAA"},
        {"key": "not base64!"},
        {"key": "ё"},
        {"key": 5},
        {"kind": None},
    ],
)
def test_a_file_that_is_no_key_is_refused_without_telling_it(
    folder: Path, change: dict[str, object]
) -> None:
    path = folder / "web" / "kek-1.key"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | change))
    with pytest.raises(Misconfigured, match=r"kek-1\.key") as refusal:
        read_keys(folder, process="web")
    assert content["key"] not in str(refusal.value)


def test_a_key_that_cannot_be_read_is_named(folder: Path) -> None:
    (folder / "web" / "kek-2.key").mkdir()
    with pytest.raises(Misconfigured, match=r"kek-2\.key cannot be read"):
        read_keys(folder, process="web")


def test_an_unknown_process_is_refused(folder: Path) -> None:
    with pytest.raises(Misconfigured, match="TULGA_PROCESS names no process"):
        read_keys(folder, process="owner")


def numbers(keys: Keys, kind: str, mode: str) -> set[int]:
    return {key.number for key in keys.certified if (key.kind, key.mode) == (kind, mode)}


def _nowhere():
    return Path("/dev/null").open("w")
