"""The head outside the database follows every commit, may lag, and stops a log that went back."""

from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from tests import registered
from tests.verification.log.ordered import ENTRY, found
from tests.verification.log.rows import add_entry, order_all, tamper
from verification.core.errors import LogInconsistent
from verification.log import checkpoint, head_file, keys, proofs, sequencer, tree
from verification.log.verify import verify_log
from verification.models import AuditCheckpoint, AuditLeaf, AuditTile

pytestmark = pytest.mark.django_db(transaction=True)


def path(log: str = "test") -> Path:
    return Path(settings.TULGA_LOG_HEAD_DIR) / f"{log}.head"


def grow() -> None:
    """One more entry, ordered."""
    add_entry()
    order_all()


def kept_size() -> int:
    """The size of the tree that the head file was signed at."""
    kept = head_file.read("test", key=keys.verification_key("test"))
    assert kept is not None
    return kept.size


def test_the_head_file_follows_the_commit() -> None:
    for size in (1, 2):
        grow()
        assert kept_size() == size


def test_a_head_file_that_lags_is_no_obstacle_and_catches_up() -> None:
    grow()
    lagging = proofs.latest_checkpoint("test")
    grow()
    path().write_text(str(lagging))
    assert sequencer.verify_head("test") == 2
    add_entry()
    assert order_all() == 1
    assert kept_size() == 3


def test_behind_a_head_file_that_lags_the_tiles_must_still_lead_to_what_was_signed_last() -> None:
    grow()
    lagging = proofs.latest_checkpoint("test")
    grow()
    path().write_text(str(lagging))
    first = bytes(AuditTile.objects.get().hashes)[:32]
    tamper(("UPDATE verification_audittile SET hashes = %s", (first + tree.leaf_hash(b"another"),)))
    with pytest.raises(LogInconsistent, match="root signed at 2"):
        sequencer.verify_head("test")


def test_an_older_head_does_not_replace_a_newer_one() -> None:
    grow()
    older = str(proofs.latest_checkpoint("test"))
    grow()
    key = keys.verification_key("test")
    head_file.write("test", older, key=key)
    assert kept_size() == 2


def test_a_fork_of_the_signed_size_is_refused_by_the_head_file() -> None:
    grow()
    ours = path().read_bytes()
    key = keys.signing_key("test")
    fork = checkpoint.Checkpoint(origin=key.name, size=1, root=tree.leaf_hash(b"another"))
    path().write_text(checkpoint.sign(fork, key=key))
    add_entry()
    with pytest.raises(LogInconsistent, match="root signed at 1"):
        sequencer.order("test")
    path().write_bytes(ours)
    assert sequencer.order("test") == 1


@pytest.mark.parametrize("content", [b"", b"\xff", b"test\n1\n"])
def test_a_damaged_head_file_is_refused(content: bytes) -> None:
    grow()
    path().write_bytes(content)
    with pytest.raises(LogInconsistent, match="head file"):
        sequencer.verify_head("test")


# A log without its head file is a finding, and nothing is signed on top of it, until a host adopts
# it openly.


def command(*arguments: str) -> tuple[int, str]:
    registered.every_lender()
    out = StringIO()
    try:
        call_command("audit_verify", *arguments, stdout=out, stderr=out)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


def test_a_log_without_its_head_file_is_a_finding(log: list[AuditLeaf]) -> None:
    assert found() == []
    path().unlink()
    assert [(finding.code, finding.log) for finding in found()] == [("head_file", "test")]
    code, out = command()
    assert (code, "the head file is missing" in out) == (1, True)


def test_a_rollback_is_not_hidden_by_taking_the_head_file_away(log: list[AuditLeaf]) -> None:
    tamper(
        ("DELETE FROM verification_auditleaf WHERE leaf_index >= 6", ()),
        ("DELETE FROM verification_auditcheckpoint WHERE size > 6", ()),
        ("UPDATE verification_audithead SET size = 6", ()),
    )
    path().unlink()
    assert "head_file" in {finding.code for finding in found()}


def test_nothing_is_signed_on_a_log_without_its_head_file(log: list[AuditLeaf]) -> None:
    kept = path().read_bytes()
    path().unlink()
    before = AuditCheckpoint.objects.count()
    for _ in range(2):
        with pytest.raises(LogInconsistent, match="no head file"):
            sequencer.order("test")
    with pytest.raises(LogInconsistent, match="no head file"):
        sequencer.verify_head("test")
    assert AuditCheckpoint.objects.count() == before
    path().write_bytes(kept)
    assert sequencer.order("test") == 1


def test_a_log_emptied_but_for_its_checkpoints_is_not_one_that_begins(log: list[AuditLeaf]) -> None:
    path().unlink()
    tamper(("DELETE FROM verification_auditleaf", ()), ("DELETE FROM verification_audithead", ()))
    with pytest.raises(LogInconsistent, match="last checkpoint is of 9"):
        sequencer.order("test")
    assert not AuditLeaf.objects.exists()


def test_a_log_emptied_but_for_its_head_file_is_not_one_that_begins(log: list[AuditLeaf]) -> None:
    tamper(
        ("DELETE FROM verification_auditleaf", ()),
        ("DELETE FROM verification_auditcheckpoint", ()),
        ("DELETE FROM verification_audithead", ()),
    )
    with pytest.raises(LogInconsistent, match="an old backup"):
        sequencer.order("test")
    assert not AuditLeaf.objects.exists()


def test_a_log_begins_without_a_head_file_and_has_one_before_its_first_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert found() == []
    assert sequencer.order("test") == 0
    assert not path().exists()
    add_entry()
    # The process dies between the commit and its head.
    write = head_file.write
    monkeypatch.setattr(
        head_file,
        "write",
        lambda log, note, key: write(log, note, key=key) if begins(note) else None,
    )
    assert sequencer.order("test") == 1
    monkeypatch.undo()
    assert kept_size() == 0
    assert found() == []
    add_entry()
    assert sequencer.order("test") == 1


def begins(note: str) -> bool:
    return note.splitlines()[1] == "0"


@pytest.mark.parametrize("option", ["--copy", "--without-head-file"])
def test_a_copy_elsewhere_is_verified_without_a_head_file_only_if_told_so(
    log: list[AuditLeaf], option: str
) -> None:
    path().unlink()
    assert command()[0] == 1
    assert command(option)[0] == 0
    assert not path().exists()


def test_a_new_host_adopts_the_head_of_a_whole_log(log: list[AuditLeaf]) -> None:
    path().unlink()
    code, out = command("--adopt-head")
    assert (code, "written, at 9 entries" in out) == (0, True)
    assert command()[0] == 0
    assert order_all() == 3  # with the statements of two lenders
    assert kept_size() == 12
    assert not path("live").exists()


def test_a_head_is_not_adopted_from_a_log_that_was_changed(log: list[AuditLeaf]) -> None:
    path().unlink()
    tamper(("UPDATE verification_auditentry SET body = '{}' WHERE id = %s", (log[ENTRY].entry_id,)))
    assert command("--adopt-head")[0] == 1
    assert not path().exists()


def test_adopting_does_not_forgive_a_head_file_that_is_ahead(log: list[AuditLeaf]) -> None:
    kept = path().read_bytes()
    tamper(
        ("DELETE FROM verification_auditleaf WHERE leaf_index >= 6", ()),
        ("DELETE FROM verification_auditcheckpoint WHERE size > 6", ()),
        ("UPDATE verification_audithead SET size = 6", ()),
    )
    code, out = command("--adopt-head")
    assert (code, "it was signed up to 9 entries" in out) == (1, True)
    assert path().read_bytes() == kept
    assert next(finding.code for finding in verify_log("test", adopting=True)) == "head_file"


def test_adopting_changes_no_head_file_that_is_there(log: list[AuditLeaf]) -> None:
    kept = path().read_bytes()
    code, out = command("--adopt-head")
    assert (code, "written" in out) == (0, False)
    assert path().read_bytes() == kept


def test_adopting_and_looking_at_a_copy_exclude_each_other(log: list[AuditLeaf]) -> None:
    code, out = command("--copy", "--adopt-head")
    assert (code, "not allowed with" in out) == (1, True)
