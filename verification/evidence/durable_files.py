"""Durable files: once stored they survive a power cut, whole, on disk, under their names."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage

# For web, workers and their common group, whatever the umask and Django's upload settings are: each
# has its own user, and one reads and destroys the other's files. A directory passes its group on.
_FILE_MODE: Final = 0o640
_DIRECTORY_MODE: Final = 0o2770
_durable_names: set[Path] = set()  # directories whose own names this process has flushed to disk


class DurableFileSystemStorage(FileSystemStorage):
    """Django's file system storage for names that are hashes: a name has one content for ever."""

    def _save(self, name: str, content: "File[Any]") -> str:
        path = Path(self.path(name))
        # Each process writes its own temporary file; the rename is atomic.
        fresh = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}.new")
        if not path.parent.is_dir():
            _durable_names.discard(path.parent)
            for directory in (Path(self.location), path.parent):
                with suppress(FileExistsError):
                    directory.mkdir(parents=True)
                    # The umask cuts mkdir's mode, but not chmod's.
                    directory.chmod(_DIRECTORY_MODE)
        try:
            with fresh.open("xb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fchmod(file.fileno(), _FILE_MODE)
                os.fsync(file.fileno())
            fresh.replace(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        # The name must survive a power cut too: flush the directory, and its own name, which its
        # creator may not have flushed yet.
        _flush(path.parent)
        if path.parent not in _durable_names:
            _flush(path.parent.parent)
            _durable_names.add(path.parent)
        return name

    def delete(self, name: str) -> None:
        """Deletes a file durably, so that it stays deleted after a power cut; does nothing if
        absent.
        """
        super().delete(name)
        with suppress(FileNotFoundError):
            _flush(Path(self.path(name)).parent)


def _flush(directory: Path) -> None:
    """Flushes the names in a directory to disk.

    Raises: `FileNotFoundError` if absent.
    """
    # fsync(2) of a file need not flush its name, which is in the directory.
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
