"""The last signed checkpoint, in a file outside the database.

A restored backup has a smaller head than this file; signing on from it would fork the log.
The file is written after the commit: after a crash it may lag behind the database, but it never
leads.
It exists from the first ordering on, when it says that the log is empty.
If it is missing later, it was deleted, or the host is new.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from verification.core.errors import BadInput, LogInconsistent, Unavailable
from verification.log.checkpoint import Checkpoint, VerificationKey, open_checkpoint


def read(log: str, *, key: VerificationKey) -> Checkpoint | None:
    """The checkpoint in the file, or None if absent.

    Raises: `LogInconsistent` for a file that is not ours, `Unavailable` for an unreadable one.
    """
    path = _path(log)
    try:
        with _naming(path):
            note = path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise LogInconsistent(f"the head file of the {log} log is damaged") from None
    try:
        return open_checkpoint(note, key=key)
    except BadInput as error:
        raise LogInconsistent(
            f"the head file of the {log} log is damaged: {error.detail}"
        ) from None


def write(log: str, note: str, *, key: VerificationKey) -> None:
    """Stores a committed checkpoint, unless a later one is there.

    Raises: `Unavailable` if the folder cannot be written.
    """
    path = _path(log)
    with _naming(path):
        _write(path, log, note, key=key)


def _write(path: Path, log: str, note: str, *, key: VerificationKey) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # On a separate file: the head is replaced by a rename, and flock(2) locks the open file, not
    # its name.
    with (path.parent / f"{log}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stored = read(log, key=key)
        if stored is not None and stored.size >= open_checkpoint(note, key=key).size:
            return
        # Atomic and durable: the name must survive a power cut as well as the bytes.
        fresh = path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(note.encode())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Gives a fault of the file system its path; a missing file stays one."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}", code="head_folder") from error


def _path(log: str) -> Path:
    return Path(settings.TULGA_LOG_HEAD_DIR) / f"{log}.head"
