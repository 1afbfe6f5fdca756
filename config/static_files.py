"""Static files: under names that hold the hash of what they are, compressed, so that a browser
keeps each for a year.

They are gathered into one folder when a web server starts and finds there others than its own, or
not all: no step to forget at an upgrade. What an older page still asks for stays there. Beside that
folder, where nothing is served, lie
the books: the manifest, the mark of what was gathered, the lock.
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

# The other viewer of an API, and what draws DRF's own pages: no page of ours has either.
_LEFT_OUT: Final = ("redoc", "rest_framework")
_GATHERED: Final = "gathered"
"""Names the files that were gathered, by one hash; written last."""


class HashedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # without types
    """Names of files with their hashes, in stylesheets and between scripts too."""

    support_js_module_import_aggregation = True

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, manifest_storage=FileSystemStorage(location=_books()), **options)


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # without types
    """Serves them."""

    FOREVER = 31_536_000  # seconds: a year, the longest that RFC 9111 knew


def require() -> None:
    """Gathers what pages are drawn with; ends the process by `SystemExit` where it cannot."""
    try:
        gather()
    except Misconfigured as error:
        raise SystemExit(starting.message_of(error)) from None


def gather() -> None:
    """Makes the folder hold the files of this installation. Raises `Misconfigured` where that
    cannot be written.
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
        # The processes of one server start at once: one does it, the others wait for it.
        with (books / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_gathered(ours):
                # Whatever ends this half-way, no mark speaks for what is there then. A manifest may
                # be half of one.
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
    """Whether these files were gathered, and each that the manifest names is still there."""
    books, folder = _books(), Path(settings.STATIC_ROOT)
    try:
        if (books / _GATHERED).read_text() != ours:
            return False
        manifest = json.loads((books / HashedFiles.manifest_name).read_text())
        names = manifest["paths"].values()
    except (FileNotFoundError, ValueError, KeyError):
        return False
    return all((folder / name).is_file() for name in names)
