"""The environment of one test session: its own run-time folder, keys, database and place at the broker."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from verification.management.commands.make_keys import make_missing

# One session per process of pytest-xdist; child processes of a test find the mark and join the session.
_MARK = "TULGA_TEST_SESSION"
# Which of a leg's servers a session uses. A developer's own DATABASE_URL never decides it: tests empty their database.
_CHOSEN = {
    "DATABASE_URL": "TULGA_TEST_DATABASE_URL",
    "MIGRATION_DATABASE_URL": "TULGA_TEST_MIGRATION_DATABASE_URL",
    "CELERY_BROKER_URL": "TULGA_TEST_BROKER_URL",
}
_KEPT = ("TULGA_TEST_", "TULGA_PROOF_")

# The face model as set-up built it: it takes no session's name, for it is the same in all.
_MODELS = Path(__file__).resolve().parent.parent / "var" / "models"

WORKERS = ("main", "gw0", "gw1", "gw2", "gw3")
"""The processes a session may consist of; each has a database and a place at the broker of its own."""


def prepare() -> Path:
    """The session's folder, made at the first call in this process; afterwards the environment points into it."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    marked_worker, _, marked_folder = os.environ.get(_MARK, "").partition("|")
    if marked_worker == worker:
        return Path(marked_folder)
    folder = Path(tempfile.mkdtemp(prefix="tulga-test-", dir=_quick_place()))
    atexit.register(_remove, folder, maker=os.getpid())
    # What a developer has set for running the product must not decide a test.
    for name in [name for name in os.environ if name in _CHOSEN or name.startswith("TULGA_")]:
        if not name.startswith(_KEPT):
            del os.environ[name]
    os.environ[_MARK] = f"{worker}|{folder}"
    os.environ.update(TULGA_VAR_DIR=str(folder), TULGA_KEYS_DIR=str(folder / "keys"))
    os.environ["TULGA_FACE_MODELS_DIR"] = str(_MODELS)
    make_missing(folder / "keys", made_by="operator")
    for name, chosen in _CHOSEN.items():
        if chosen in os.environ:
            os.environ[name] = _own(os.environ[chosen], worker)
    return folder


def _quick_place() -> str | None:
    """Memory, where a gigabyte of it is free: nothing here outlives the session, and no test measures a disk."""
    memory = Path("/dev/shm")  # noqa: S108
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**30:
        return str(memory)
    return None


def _own(address: str, worker: str) -> str:
    """The same server, and there a database, a number (Redis) or a virtual host (RabbitMQ) of this process alone."""
    parts = urlsplit(address)
    if parts.scheme.startswith("redis"):
        return urlunsplit(parts._replace(path=f"/{WORKERS.index(worker)}"))
    return urlunsplit(parts._replace(path=f"/tulga_test_{worker}"))


def _remove(folder: Path, *, maker: int) -> None:
    """Remove the session's folder at the end of the process that made it, not of one forked from it."""
    if os.getpid() == maker:
        shutil.rmtree(folder, ignore_errors=True)
