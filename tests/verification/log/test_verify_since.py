"""A log that is not the one of which a checkpoint was kept is named; whatever file is handed in,
nothing crashes.
"""

from base64 import b64encode
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from tests.verification.log.rows import add_entry, order_all, tamper
from verification.core.errors import BadInput
from verification.log import checkpoint, keys, policy
from verification.log.checkpoint import Checkpoint, SigningKey
from verification.log.verify import log_of, verify_since
from verification.models import AuditCheckpoint, AuditLeaf

pytestmark = pytest.mark.django_db(transaction=True)


def note(size: int) -> bytes:
    return str(AuditCheckpoint.objects.get(log="test", size=size).note).encode()


def codes(kept: bytes) -> list[str]:
    assert log_of(kept) == "test"
    return [finding.code for finding in verify_since("test", kept)]


@pytest.mark.parametrize("size", [3, 6, 9])
def test_a_log_that_goes_on_from_what_was_kept_is_in_order(log: list[AuditLeaf], size: int) -> None:
    add_entry()
    order_all()
    assert codes(note(size)) == []


def test_the_checkpoint_of_an_empty_log_is_kept_by_every_log(log: list[AuditLeaf]) -> None:
    key = keys.signing_key("test")
    empty = Checkpoint(
        origin=key.name, size=0, root=checkpoint.parse_hash(b64encode(EMPTY).decode())
    )
    assert codes(checkpoint.sign(empty, key=key).encode()) == []


EMPTY = bytes.fromhex(
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)  # SHA-256 of nothing


def test_a_log_that_was_turned_back_is_named(log: list[AuditLeaf]) -> None:
    kept = note(9)
    tamper(("DELETE FROM verification_auditleaf WHERE leaf_index >= 6", ()))
    assert codes(kept) == ["since_turned_back"]
    assert codes(note(6)) == []


def test_a_log_that_was_rewritten_is_named_though_all_in_it_fits(log: list[AuditLeaf]) -> None:
    """Whoever holds the log's key signs another history of the same length."""
    key = keys.signing_key("test")
    kept = checkpoint.sign(Checkpoint(origin=key.name, size=6, root=bytes(32)), key=key)
    assert codes(kept.encode()) == ["since_forked"]


@pytest.mark.parametrize(
    "change",
    ["DELETE FROM verification_auditleaf", "UPDATE verification_auditleaf SET leaf_hash = 'x'"],
)
def test_a_leaf_before_it_that_is_gone_or_changed_is_named(
    log: list[AuditLeaf], change: str
) -> None:
    tamper((f"{change} WHERE leaf_index = 4", ()))
    assert codes(note(6)) == ["since_forked"]
    assert codes(note(3)) == []


def test_a_checkpoint_that_the_log_never_signed_is_named(log: list[AuditLeaf]) -> None:
    name = keys.signing_key("test").name
    of_another = SigningKey(name=name, seed=b"\x07" * 32)
    kept = checkpoint.sign(Checkpoint(origin=name, size=3, root=bytes(32)), key=of_another)
    assert codes(kept.encode()) == ["since_unsigned"]
    assert codes(note(6).replace(b"\n6\n", b"\n3\n")) == ["since_unsigned"]


def command(path: Path, *arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("audit_verify", "--since", str(path), *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


def test_the_command_compares_with_the_file_that_was_kept(
    log: list[AuditLeaf], tmp_path: Path
) -> None:
    (path := tmp_path / "kept").write_bytes(note(6))
    assert command(path)[0] == 0
    assert command(path, "--log", "test")[0] == 0
    code, said = command(path, "--log", "live")
    assert (code, "which is left out" in said) == (3, True)
    path.write_bytes(note(6).replace(b"\n6\n", b"\n3\n"))
    code, said = command(path)
    assert (code, "the kept checkpoint is not of this log" in said) == (1, True)


BAD: dict[bytes, str] = {
    b"": "no signatures",
    b"\xff\xfe": "no UTF-8",
    b"x" * (policy.NOTE_BYTES + 1): "too large",
    b"tulga/test\n9\n": "no signatures",
    b"x\n1\n\n\xe2\x80\x94 x AAAAAAAA\n": "three lines",
    b"elsewhere\n0\n"
    + b64encode(EMPTY)
    + b"\n\n\xe2\x80\x94 elsewhere AAAAAAAA\n": "a log that is not here",
}


@pytest.mark.parametrize("content", BAD)
def test_a_file_that_is_no_checkpoint_of_ours_is_told_and_exits_with_3(
    transactional_db: None, tmp_path: Path, content: bytes
) -> None:
    (path := tmp_path / "kept").write_bytes(content)
    code, said = command(path)
    assert (code, "the file is not a checkpoint of a log here" in said) == (3, True)
    assert BAD[content] in said


def test_a_file_that_is_not_there_is_told_and_exits_with_3(
    transactional_db: None, tmp_path: Path
) -> None:
    for path in (tmp_path / "none", tmp_path):
        code, said = command(path)
        assert (code, "the kept checkpoint cannot be read" in said) == (3, True)


def test_a_log_whose_key_is_not_here_is_not_compared_with(
    log: list[AuditLeaf], settings: Settings
) -> None:
    kept = note(3)
    settings.TULGA_CERTIFIED = tuple(
        one for one in settings.TULGA_CERTIFIED if (one.kind, one.mode) != ("log", "test")
    )
    with pytest.raises(BadInput, match="not here"):
        log_of(kept)


@given(st.binary(max_size=400))
def test_no_bytes_crash_the_reader(content: bytes) -> None:
    with pytest.raises(BadInput):
        log_of(content)
