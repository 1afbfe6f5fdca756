"""The head outside the database follows every commit, may lag, and stops a log that went back."""

from pathlib import Path

import pytest
from django.conf import settings

from tests.verification.log.rows import add_entry, order_all, tamper
from verification.core.errors import LogInconsistent
from verification.log import checkpoint, head_file, keys, proofs, sequencer, tree
from verification.models import AuditTile

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_head_file_follows_the_commit() -> None:
    key = keys.verification_key("test")
    for size in (1, 2):
        add_entry()
        order_all()
        kept = head_file.read("test", key=key)
        assert kept is not None
        assert kept.size == size


def test_a_head_file_that_lags_is_no_obstacle_and_catches_up() -> None:
    add_entry()
    order_all()
    lagging = proofs.latest_checkpoint("test")
    add_entry()
    order_all()
    path = Path(settings.TULGA_LOG_HEAD_DIR) / "test.head"
    path.write_text(str(lagging))
    assert sequencer.verify_head("test") == 2
    add_entry()
    assert order_all() == 1
    kept = head_file.read("test", key=keys.verification_key("test"))
    assert kept is not None
    assert kept.size == 3


def test_behind_a_head_file_that_lags_the_tiles_must_still_lead_to_what_was_signed_last() -> None:
    add_entry()
    order_all()
    lagging = proofs.latest_checkpoint("test")
    add_entry()
    order_all()
    (Path(settings.TULGA_LOG_HEAD_DIR) / "test.head").write_text(str(lagging))
    first = bytes(AuditTile.objects.get().hashes)[:32]
    tamper(("UPDATE verification_audittile SET hashes = %s", (first + tree.leaf_hash(b"another"),)))
    with pytest.raises(LogInconsistent, match="root signed at 2"):
        sequencer.verify_head("test")


def test_an_older_head_does_not_replace_a_newer_one() -> None:
    add_entry()
    order_all()
    older = str(proofs.latest_checkpoint("test"))
    add_entry()
    order_all()
    key = keys.verification_key("test")
    head_file.write("test", older, key=key)
    kept = head_file.read("test", key=key)
    assert kept is not None
    assert kept.size == 2


def test_a_fork_of_the_signed_size_is_refused_by_the_head_file() -> None:
    add_entry()
    order_all()
    path = Path(settings.TULGA_LOG_HEAD_DIR) / "test.head"
    ours = path.read_bytes()
    key = keys.signing_key("test")
    fork = checkpoint.Checkpoint(origin=key.name, size=1, root=tree.leaf_hash(b"another"))
    path.write_text(checkpoint.sign(fork, key=key))
    add_entry()
    with pytest.raises(LogInconsistent, match="root signed at 1"):
        sequencer.order("test")
    path.write_bytes(ours)
    assert sequencer.order("test") == 1


@pytest.mark.parametrize("content", [b"", b"\xff", b"test\n1\n"])
def test_a_damaged_head_file_is_refused(content: bytes) -> None:
    add_entry()
    order_all()
    (Path(settings.TULGA_LOG_HEAD_DIR) / "test.head").write_bytes(content)
    with pytest.raises(LogInconsistent, match="head file"):
        sequencer.verify_head("test")
