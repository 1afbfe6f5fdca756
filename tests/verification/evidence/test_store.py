"""Originals come back byte for byte or not at all, and nothing readable lies in the storage."""

import os
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from pytest_django import Settings

from tests.verification.evidence.rows import NOON, add_key
from verification.core.errors import EvidenceUnreadable
from verification.core.findings import Finding
from verification.evidence import erasure, policy, store, vault
from verification.evidence.durable_files import DurableFileSystemStorage
from verification.evidence.inspection import verify_page, verify_shared
from verification.evidence.vault import Key
from verification.log.entries import of_cases
from verification.models import DataKey, EvidenceItem, SharedEvidence, Verification

__all__ = (
    "ORIGINAL",
    "_all_in_files",
    "_backend",
    "files",
    "little",
    "path_of",
)

pytestmark = pytest.mark.django_db


def test_an_original_comes_back(key: Key) -> None:
    item = store.put(key, ORIGINAL, kind="statement.signed")
    assert store.opening(key, EvidenceItem.objects.get(pk=item.pk)).plain == ORIGINAL
    assert (item.size, item.kind, item.verification_id) == (
        len(ORIGINAL),
        "statement.signed",
        key.verification_id,
    )


def test_the_file_is_named_for_the_sealed_bytes_and_shows_nothing() -> None:
    item = store.put(add_key(), ORIGINAL, kind="statement.signed")
    [(name, content)] = files().items()
    assert name == item.sealed_sha256 == sha256(content).hexdigest()
    assert b"850101300123" not in content


def test_the_commitment_is_salted(key: Key) -> None:
    first, second = (store.put(key, ORIGINAL, kind=kind) for kind in ("a.b", "a.c"))
    assert first.commitment != second.commitment
    assert first.commitment != sha256(ORIGINAL).hexdigest()


def test_equal_originals_are_found_by_what_was_seen() -> None:
    first, second = add_key(), add_key()
    items = {store.put(key, ORIGINAL, kind="a.own_value").pk for key in (first, second)}
    store.put(first, b"other", kind="a.frame.0")
    store.put(first, ORIGINAL, kind="a.b")  # a kind that no stage seeks has no index
    store.put(second, ORIGINAL, kind="a.other_value")  # nor what is sought and never remembered
    found = EvidenceItem.objects.filter(
        seen_index__in=store.seen_values(ORIGINAL, kind="a.other_value")
    )
    assert set(found.values_list("pk", flat=True)) == items


def test_a_changed_or_missing_file_is_unreadable(item: EvidenceItem, key: Key) -> None:
    path = path_of(item.sealed_sha256)
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(EvidenceUnreadable, match="not the bytes it is named for"):
        store.opening(key, item)
    path.unlink()
    with pytest.raises(EvidenceUnreadable, match="missing"):
        store.opening(key, item)


def test_the_files_of_two_items_cannot_be_swapped(key: Key) -> None:
    first, second = (store.put(key, content, kind="a.b") for content in (ORIGINAL, b"other"))
    first.sealed_sha256 = second.sealed_sha256
    with pytest.raises(EvidenceUnreadable, match="do not open"):
        store.opening(key, first)


@pytest.mark.parametrize(
    ("field", "value"), [("kind", "a.c"), ("commitment", "0" * 64), ("id", "evd_x")]
)
def test_a_changed_row_does_not_open(item: EvidenceItem, key: Key, field: str, value: str) -> None:
    setattr(item, field, value)
    with pytest.raises(EvidenceUnreadable):
        store.opening(key, item)


def test_another_verifications_key_does_not_open_an_item(item: EvidenceItem) -> None:
    with pytest.raises(EvidenceUnreadable):
        store.opening(add_key(), item)


def test_nothing_opens_after_the_key_was_destroyed(item: EvidenceItem, key: Key) -> None:
    erasure.erase(key.verification_id, at=NOON)
    with pytest.raises(EvidenceUnreadable):
        store.opening(
            vault.open(verification_id=key.verification_id, lender_id=key.lender_id), item
        )
    # Its hash and its place in the log still stand; its file goes after the commit.
    store.remove_files(key.verification_id, sealed_hashes={item.pk: item.sealed_sha256})
    assert not path_of(item.sealed_sha256).exists()
    assert list(verify_evidence("test")) == []


def test_shared_evidence_is_kept_once_and_in_the_clear() -> None:
    rows = {store.put_all_shared([b"a revocation list"])[0].pk for _ in range(3)}
    assert rows == {sha256(b"a revocation list").hexdigest()}
    assert list(files().values()) == [b"a revocation list"]
    assert store.read(rows.pop()) == b"a revocation list"
    assert SharedEvidence.objects.get().size == 17


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "", "ab", "A" * 64, "a" * 64 + "\n"]
)
def test_a_name_that_is_no_hash_is_unreadable(name: str) -> None:
    with pytest.raises(EvidenceUnreadable):
        store.read(name)


def test_a_leaf_says_what_the_row_says_and_nothing_else(item: EvidenceItem) -> None:
    [said] = store.leaf_list([item])
    assert said == {
        "id": item.pk,
        "kind": "a.b",
        "commitment": item.commitment,
        "sealed_sha256": item.sealed_sha256,
        "size": len(ORIGINAL),
    }


def test_our_storage_writes_a_file_whole_and_for_its_group_only(tmp_path: Path) -> None:
    storage = DurableFileSystemStorage(location=tmp_path, allow_overwrite=True)
    assert storage.save("ab/abcd", ContentFile(b"content")) == "ab/abcd"
    assert storage.save("ab/abcd", ContentFile(b"content")) == "ab/abcd"
    assert [path.name for path in (tmp_path / "ab").iterdir()] == ["abcd"]
    assert (tmp_path / "ab" / "abcd").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "ab").stat().st_mode & 0o7777 == 0o2770


def test_a_write_that_fails_leaves_no_file(tmp_path: Path) -> None:
    class Broken(ContentFile):  # type: ignore[type-arg]
        def chunks(self, chunk_size: int | None = None) -> object:  # type: ignore[override]
            yield b"half"
            raise OSError("disk full")

    storage = DurableFileSystemStorage(location=tmp_path, allow_overwrite=True)
    with pytest.raises(OSError, match="disk full"):
        storage.save("ab/abcd", Broken(b""))
    assert list((tmp_path / "ab").iterdir()) == []


STEP = {
    "a.answer": b"yes",
    "a.terms": b"terms" * 2000,
    "shot.frame.0": b"frame",
    "shot.frame.1": b"frame",
    "a.report": b"",
}


def test_what_a_step_brings_is_one_file_and_each_frame_one_of_its_own(key: Key) -> None:
    items = store.put_all(key, STEP)
    assert [item.kind for item in items] == list(STEP)
    by_kind = {item.kind: item.sealed_sha256 for item in items}
    together = {by_kind[kind] for kind in STEP if "frame" not in kind}
    assert len(together) == 1
    assert len(files()) == 3
    rows = list(EvidenceItem.objects.all())
    assert (
        dict(
            zip(
                [row.kind for row in rows],
                [store.opening(key, row).plain for row in rows],
                strict=True,
            )
        )
        == STEP
    )
    assert (
        len({item.commitment for item in items})
        == len({bytes(item.wrapped_key or b"") for item in items})
        == 5
    )
    assert list(verify_evidence("test")) == []


@pytest.mark.parametrize("size", [1, 10_000])
def test_one_item_of_a_file_is_destroyed_and_the_others_open(
    key: Key, size: int, little: None
) -> None:
    kept, gone, after = store.put_all(
        key, {kind: kind.encode() * size for kind in ("a.b", "a.c", "a.d")}
    )
    assert kept.sealed_sha256 == gone.sealed_sha256 or size == 1
    assert store.destroy([gone], at=NOON) == 1
    assert store.destroy([gone], at=NOON) == 0
    row = EvidenceItem.objects.get(pk=gone.pk)
    with pytest.raises(EvidenceUnreadable, match="was destroyed"):
        store.opening(key, row)
    # Nor by the key of a neighbour; of what lay in its row nothing is left.
    row.wrapped_key, row.destroyed_at = kept.wrapped_key, None
    with pytest.raises(EvidenceUnreadable, match="the box does not open"):
        store.opening(key, row)
    assert [
        store.opening(key, EvidenceItem.objects.get(pk=one.pk)).plain for one in (kept, after)
    ] == [
        b"a.b" * size,
        b"a.d" * size,
    ]
    assert list(verify_evidence("test")) == []


@pytest.fixture
def item(key: Key) -> EvidenceItem:
    """The original, kept under the key."""
    return store.put(key, ORIGINAL, kind="a.b")


def on_record(*items: EvidenceItem) -> dict[str, str]:
    """The files of these as the log has them."""
    return {item.pk: item.sealed_sha256 for item in items}


def test_a_destroyed_frame_leaves_no_file_and_takes_none_with_it(key: Key) -> None:
    items = {item.kind: item for item in store.put_all(key, STEP)}
    gone, kept = items["shot.frame.0"], items["shot.frame.1"]
    said = on_record(*items.values())
    store.remove_files(key.verification_id, sealed_hashes=said)
    assert len(files()) == 3
    store.destroy([gone], at=NOON)
    assert gone.sealed_sha256 in files(), "the file goes after the key is known to be gone"
    for _ in range(2):
        store.remove_files(key.verification_id, sealed_hashes=said)
        assert set(files()) == {kept.sealed_sha256, items["a.terms"].sealed_sha256}
    assert store.opening(key, EvidenceItem.objects.get(pk=kept.pk)).plain == b"frame"
    assert list(verify_evidence("test")) == []


def test_a_file_of_several_goes_with_the_last_of_them(key: Key) -> None:
    first, second = store.put_all(key, {"a.b": ORIGINAL, "a.c": b"other"})
    assert first.sealed_sha256 == second.sealed_sha256
    store.destroy([first], at=NOON)
    said = on_record(first, second)
    store.remove_files(key.verification_id, sealed_hashes=said)
    assert set(files()) == {first.sealed_sha256}
    assert store.opening(key, EvidenceItem.objects.get(pk=second.pk)).plain == b"other"
    store.destroy([second], at=NOON)
    store.remove_files(key.verification_id, sealed_hashes=said)
    assert files() == {}


@pytest.mark.parametrize("name", ["", "ab", "the other's"])
def test_a_row_that_names_another_file_than_the_log_takes_none_away(name: str) -> None:
    mine, other = add_key(), add_key()
    gone, kept = (store.put(key, ORIGINAL, kind="a.frame.0") for key in (mine, other))
    said = on_record(gone, kept)
    store.destroy([gone], at=NOON)
    EvidenceItem.objects.filter(pk=gone.pk).update(
        sealed_sha256=kept.sealed_sha256 if "other" in name else name
    )
    with pytest.raises(EvidenceUnreadable, match="another file than the log"):
        store.remove_files(mine.verification_id, sealed_hashes=said)
    assert set(files()) == {gone.sealed_sha256, kept.sealed_sha256}


def test_what_the_log_does_not_know_takes_no_file_away(key: Key) -> None:
    store.destroy([gone := store.put(key, ORIGINAL, kind="a.frame.0")], at=NOON)
    store.remove_files(key.verification_id, sealed_hashes={})
    assert set(files()) == {gone.sealed_sha256}


def test_bytes_that_outlive_their_key_are_named_unless_a_worker_owes_them(key: Key) -> None:
    item = store.put(key, ORIGINAL, kind="a.frame.0")
    store.destroy([item], at=NOON)
    [finding] = verify_evidence("test")
    assert (finding.field, "bytes are still there" in finding.detail) == ("sealed_sha256", True)
    Verification.objects.update(step="destroy")
    assert list(verify_evidence("test")) == []
    Verification.objects.update(step="")
    EvidenceItem.objects.update(sealed=b"left in the row")
    assert [finding.field for finding in verify_evidence("test")] == ["sealed_sha256"]


def test_a_destroyed_frame_is_found_when_its_very_bytes_come_again() -> None:
    item = store.put(add_key(), ORIGINAL, kind="a.frame.0")
    store.destroy([item], at=NOON)
    assert (
        EvidenceItem.objects.filter(seen_index__in=store.seen_values(ORIGINAL, kind="a.frame.0"))
        .get()
        .pk
        == item.pk
    )


def test_what_is_little_stays_in_its_rows_and_is_held_to_its_hash(key: Key, little: None) -> None:
    items = store.put_all(key, {"a.b": ORIGINAL, "a.c": b"other"})
    assert files() == {}
    assert store.opening(key, EvidenceItem.objects.get(pk=items[0].pk)).plain == ORIGINAL
    sealed = bytes(items[0].sealed or b"")
    assert items[0].sealed_sha256 == sha256(sealed).hexdigest()
    assert b"850101300123" not in sealed
    EvidenceItem.objects.filter(pk=items[0].pk).update(sealed=sealed[:-1])
    [finding] = verify_evidence("test")
    assert (finding.code, finding.field, items[0].pk in finding.detail) == (
        "evidence",
        "sealed_sha256",
        True,
    )


def test_a_file_stands_before_its_row(key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    create = EvidenceItem.objects.bulk_create

    def create_seen(rows: Any) -> list[EvidenceItem]:
        seen.append(len(files()))
        return create(rows)

    monkeypatch.setattr(EvidenceItem.objects, "bulk_create", create_seen)
    store.put(key, ORIGINAL, kind="a.b")
    assert seen == [1]


ORIGINAL = b"IIN 850101300123, signed"

BACKENDS = {
    "ours": "verification.evidence.durable_files.DurableFileSystemStorage",
    "Django's": "django.core.files.storage.FileSystemStorage",
}


@pytest.fixture(autouse=True, params=BACKENDS)
def _backend(request: pytest.FixtureRequest, settings: Settings) -> None:
    """The product's own storage, and any other of Django's storage API."""
    evidence = dict(settings.STORAGES["evidence"], BACKEND=BACKENDS[request.param])
    settings.STORAGES = dict(settings.STORAGES, evidence=evidence)


@pytest.fixture(autouse=True)
def _all_in_files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is little lies in a file too, but for tests of where it lies."""
    if "little" not in request.fixturenames:
        monkeypatch.setattr(policy, "INLINE_BYTES", 0)


@pytest.fixture
def little() -> None:
    """What is little stays in its row."""


def files() -> dict[str, bytes]:
    """All that lies there, by name."""
    root = Path(django_settings.TULGA_EVIDENCE_DIR)
    return {path.name: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def path_of(name: str) -> Path:
    """Where a file of this name lies."""
    return Path(django_settings.TULGA_EVIDENCE_DIR) / name[:2] / name


def verify_evidence(log: str) -> Iterator[Finding]:
    ids = list(Verification.objects.order_by("pk").values_list("pk", flat=True))
    return (seen for seen in verify_page(log, of_cases, ids) if isinstance(seen, Finding))


# What was changed, damaged or lost of the evidence, or of its keys, is named; what fits has no
# findings.


def test_shared_evidence_that_was_damaged_is_unreadable_and_named() -> None:
    name = store.put_all_shared([b"a revocation list"])[0].pk
    assert list(verify_shared()) == []
    path_of(name).chmod(0o600)
    path_of(name).write_bytes(b"another")
    with pytest.raises(EvidenceUnreadable):
        store.read(name)
    assert [finding.code for finding in verify_shared()] == ["shared_evidence"]


def test_evidence_that_fits_has_no_findings() -> None:
    for _ in range(2):
        key = add_key()
        for kind in ("a.b", "a.c"):
            store.put(key, ORIGINAL, kind=kind)
    assert list(verify_evidence("test")) == []
    assert list(verify_evidence("live")) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"commitment": "0" * 64}, "sealed_sha256"),
        ({"sealed_sha256": "0" * 64}, "sealed_sha256"),
        ({"kind": "a.c"}, "sealed_sha256"),
        ({"size": 1}, "size"),
    ],
)
def test_a_changed_item_is_named(item: EvidenceItem, change: dict[str, object], field: str) -> None:
    EvidenceItem.objects.update(**change)
    [finding] = verify_evidence("test")
    assert (finding.code, finding.field, item.pk in finding.detail) == ("evidence", field, True)


@pytest.mark.usefixtures("item")
def test_a_changed_or_missing_key_is_named() -> None:
    DataKey.objects.update(wrapped_key=b"\0\x01" + b"\x01" * 61)
    assert [finding.code for finding in verify_evidence("test")] == ["key"]
    DataKey.objects.update(wrapped_key=b"\0\x63" + b"\x01" * 61)
    assert ["no version 99" in finding.detail for finding in verify_evidence("test")] == [True]
    DataKey.objects.all().delete()
    assert ["has no key" in finding.detail for finding in verify_evidence("test")] == [True]


@pytest.mark.usefixtures("item")
def test_a_key_that_counts_as_destroyed_and_is_not_is_named() -> None:
    DataKey.objects.update(destroyed_at=NOON)
    assert [finding.code for finding in verify_evidence("test")] == ["key"]


def test_hashes_are_verified_where_there_are_no_keys(
    item: EvidenceItem, settings: Settings
) -> None:
    settings.TULGA_KEY_ENCRYPTION_KEYS = {}
    assert list(verify_evidence("test")) == []
    path_of(item.sealed_sha256).unlink()
    assert [finding.code for finding in verify_evidence("test")] == ["evidence"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"wrapped_key": None}, "wrapped_key"),
        ({"destroyed_at": NOON}, "wrapped_key"),
        ({"offset": 7}, "sealed_sha256"),
    ],
)
def test_an_item_that_lost_its_key_or_its_place_is_named(
    change: dict[str, object], field: str
) -> None:
    items = store.put_all(add_key(), {"a.b": ORIGINAL, "a.c": b"other"})
    EvidenceItem.objects.filter(pk=items[0].pk).update(**change)
    [finding] = verify_evidence("test")
    assert (finding.code, finding.field, items[0].pk in finding.detail) == ("evidence", field, True)


def test_a_storage_that_is_away_is_no_traceback(item: EvidenceItem, settings: Settings) -> None:
    root = Path(django_settings.TULGA_EVIDENCE_DIR)
    shutil.rmtree(root)
    root.write_bytes(b"a file where a folder was")
    assert [finding.code for finding in verify_evidence("test")] == ["evidence"]
    assert os.path.exists(root)
    assert item.pk in next(verify_evidence("test")).detail
    assert storages["evidence"] is not None
