"""What was changed, damaged or lost of the evidence, or of its keys, is named; what fits has no
findings.
"""

import os
import shutil
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.files.storage import storages
from pytest_django import Settings

from tests.verification.evidence.backends import ORIGINAL, _all_in_files, _backend, path_of
from tests.verification.evidence.looks import verify_evidence
from tests.verification.evidence.rows import NOON, add_key
from verification.core.errors import EvidenceUnreadable
from verification.evidence import store
from verification.evidence.inspection import verify_shared
from verification.models import DataKey, EvidenceItem

__all__ = ("_all_in_files", "_backend")

pytestmark = pytest.mark.django_db


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
def test_a_changed_item_is_named(change: dict[str, object], field: str) -> None:
    item = store.put(add_key(), ORIGINAL, kind="a.b")
    EvidenceItem.objects.update(**change)
    [finding] = verify_evidence("test")
    assert (finding.code, finding.field, item.pk in finding.detail) == ("evidence", field, True)


def test_a_changed_or_missing_key_is_named() -> None:
    store.put(add_key(), ORIGINAL, kind="a.b")
    DataKey.objects.update(wrapped_key=b"\x01" * 61)
    assert [finding.code for finding in verify_evidence("test")] == ["key"]
    DataKey.objects.update(kek_version=99)
    assert ["no version 99" in finding.detail for finding in verify_evidence("test")] == [True]
    DataKey.objects.all().delete()
    assert ["has no key" in finding.detail for finding in verify_evidence("test")] == [True]


def test_a_key_that_counts_as_destroyed_and_is_not_is_named() -> None:
    store.put(add_key(), ORIGINAL, kind="a.b")
    DataKey.objects.update(destroyed_at=NOON)
    assert [finding.code for finding in verify_evidence("test")] == ["key"]


def test_hashes_are_verified_where_there_are_no_keys(settings: Settings) -> None:
    item = store.put(add_key(), ORIGINAL, kind="a.b")
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


def test_a_storage_that_is_away_is_no_traceback(settings: Settings) -> None:
    item = store.put(add_key(), ORIGINAL, kind="a.b")
    root = Path(django_settings.TULGA_EVIDENCE_DIR)
    shutil.rmtree(root)
    root.write_bytes(b"a file where a folder was")
    assert [finding.code for finding in verify_evidence("test")] == ["evidence"]
    assert os.path.exists(root)
    assert item.pk in next(verify_evidence("test")).detail
    assert storages["evidence"] is not None
