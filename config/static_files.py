"""Static files under names with the hash of their content, compressed, so that browsers cache them
for a year.

A web server gathers them into one folder at its start if that holds others, or not all: an upgrade
needs no extra step.
Files for older pages stay there.
Beside that folder, outside the served one, lie the manifest, the mark of the gathered files, and
the lock.
"""

import fcntl
import json
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

from config import starting
from verification.core.errors import Misconfigured

# The other API viewer, and the assets of DRF's own pages: no page of ours uses them.
_LEFT_OUT: Final = ("redoc", "rest_framework")
_GATHERED: Final = "gathered"
"""Identifies the gathered files by one hash; written last."""


class HashedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # without types
    """Hashed file names, in stylesheets and between scripts too."""

    support_js_module_import_aggregation = True

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, manifest_storage=FileSystemStorage(location=_books()), **options)


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # without types
    """Serves them."""

    FOREVER = 31_536_000  # seconds: a year, the maximum of RFC 9111


def require() -> None:
    """Gathers the pages' files.

    Raises: `SystemExit` if impossible.
    """
    try:
        gather()
    except Misconfigured as error:
        raise SystemExit(starting.message_of(error)) from None


def gather() -> None:
    """Fills the folder with the files of this installation.

    Raises: `Misconfigured` if it cannot be written.
    """
    folder, books = Path(settings.STATIC_ROOT), _books()
    digest = sha256()
    for finder in get_finders():
        for name, storage in finder.list(list(_LEFT_OUT)):
            with storage.open(name) as file:
                digest.update(f"{name}\0{sha256(file.read()).hexdigest()}\n".encode())
    ours = digest.hexdigest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if _is_gathered(ours):
            return
        # The processes of one server start at once: one gathers, the others wait.
        with (books / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_gathered(ours):
                # Remove the marks first: after an interruption no mark vouches for the content. A
                # manifest may be incomplete.
                for name in (_GATHERED, HashedFiles.manifest_name):
                    (books / name).unlink(missing_ok=True)
                ignored = list(_LEFT_OUT)
                call_command(
                    "collectstatic", interactive=False, verbosity=0, ignore_patterns=ignored
                )
                (books / _GATHERED).write_text(ours)
    except OSError as error:
        raise Misconfigured(
            f"the static files in {folder} are not those of this installation, and cannot be"
            f" written: {error.strerror}.\nName a folder of the web server's own in"
            " TULGA_STATIC_DIR."
        ) from None


def _books() -> Path:
    return Path(settings.STATIC_ROOT).parent


def _is_gathered(ours: str) -> bool:
    """Whether these files were gathered, and each file of the manifest still exists."""
    books, folder = _books(), Path(settings.STATIC_ROOT)
    try:
        if (books / _GATHERED).read_text() != ours:
            return False
        manifest = json.loads((books / HashedFiles.manifest_name).read_text())
        names = manifest["paths"].values()
    except (FileNotFoundError, ValueError, KeyError):
        return False
    return all((folder / name).is_file() for name in names)
