"""Files under the hash of their bytes: whole and on disk before `save` returns, and saved twice is saved once."""

import os
from pathlib import Path
from typing import Any, Final

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage

# For the process that wrote them and nobody else, whatever the umask and Django's settings for uploads say.
_FILE_MODE: Final = 0o600
_DIRECTORY_MODE: Final = 0o700


class DurableFileSystemStorage(FileSystemStorage):
    """Django's storage on a file system, for names that are hashes: a name has one content for ever."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """The name itself: what is there already under a hash is the same bytes, or damaged and to be replaced."""
        return name

    def _save(self, name: str, content: "File[Any]") -> str:
        path = Path(self.path(name))
        for directory in (Path(self.location), path.parent):
            directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}.new")
        try:
            with fresh.open("xb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fchmod(file.fileno(), _FILE_MODE)
                os.fsync(file.fileno())
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
        # The name must survive a power cut as well: the directory, and its parent if the directory is new.
        for directory in (path.parent, path.parent.parent):
            _sync_directory(directory)
        return name


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
