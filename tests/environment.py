"""The environment of one process of pytest: its own run-time folder, keys, database and place at
the broker.
"""

import atexit
import json
import os
import shutil
import tempfile
from pathlib import Path

from insecure_sandbox import keys
from verification.management.commands.make_keys import make_missing

CODES_VARIABLE = "TULGA_TEST_CODES"
"""Set in a run that notes the codes of answers, see `tests.census`."""
PLACES_VARIABLE = "TULGA_TEST_PLACES"
"""The servers' places of each worker of pytest-xdist, as JSON by the worker's name."""
WORKER_VARIABLE = "PYTEST_XDIST_WORKER"
"""Names a worker of pytest-xdist, in it and in its children."""
# Child processes of a test find the session's folder and join; a worker begins its own.
_SESSION, _SESSION_OF = "TULGA_TEST_SESSION", "TULGA_TEST_SESSION_OF"
# Which of a leg's servers a session uses. A developer's own DATABASE_URL never decides it: tests
# empty their database.
_CHOSEN = {
    "DATABASE_URL": "TULGA_TEST_DATABASE_URL",
    "MIGRATION_DATABASE_URL": "TULGA_TEST_MIGRATION_DATABASE_URL",
    "CELERY_BROKER_URL": "TULGA_TEST_BROKER_URL",
}
_KEPT = ("TULGA_TEST_", "TULGA_PROOF_")

# The face model as set-up built it: it takes no session's name, for it is the same in all.
_MODELS = Path(__file__).resolve().parent.parent / "var" / "models"
RSA_KEYS = Path(__file__).resolve().parent.parent / "var" / "samples" / "rsa_keys"
"""A folder for each process that makes keys, counted within a session: no two of a session have the
same.
"""


def prepare() -> Path:
    """The session's folder, made at the first call in this process; afterwards the environment
    points into it.
    """
    worker = os.environ.get(WORKER_VARIABLE, "")
    if _SESSION in os.environ and os.environ.get(_SESSION_OF) == worker:
        return Path(os.environ[_SESSION])
    if worker and PLACES_VARIABLE in os.environ:
        os.environ.update(json.loads(os.environ[PLACES_VARIABLE])[worker])
    folder = Path(tempfile.mkdtemp(prefix="tulga-test-", dir=quick_place()))
    atexit.register(_remove, folder, maker=os.getpid())
    # What a developer has set for running the product must not decide a test.
    for name in [name for name in os.environ if name in _CHOSEN or name.startswith("TULGA_")]:
        if not name.startswith(_KEPT):
            del os.environ[name]
    os.environ |= {_SESSION: str(folder), _SESSION_OF: worker}
    os.environ.update(TULGA_VAR_DIR=str(folder), TULGA_KEYS_DIR=str(folder / "keys"))
    os.environ["TULGA_PROCESS"] = (
        "every"  # a test plays web, worker, tick and sender; those it starts are what they are
    )
    os.environ["TULGA_FACE_MODELS_DIR"] = str(_MODELS)
    os.environ["TULGA_STATIC_DIR"] = str(
        folder / "static"
    )  # gathered by the first web server of a session
    os.environ[keys.FOLDER_VARIABLE] = str(RSA_KEYS / "session")
    make_missing(folder / "keys", made_by="operator")
    for name, chosen in _CHOSEN.items():
        if chosen in os.environ:
            os.environ[name] = os.environ[chosen]
    return folder


def quick_place() -> str | None:
    """Memory, where a gigabyte of it is free: nothing here outlives the session, and no test
    measures a disk.
    """
    memory = Path("/dev/shm")  # noqa: S108
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**30:
        return str(memory)
    return None


def _remove(folder: Path, *, maker: int) -> None:
    """Remove the session's folder at the end of the process that made it, not of one forked from
    it.
    """
    if os.getpid() == maker:
        shutil.rmtree(folder, ignore_errors=True)
