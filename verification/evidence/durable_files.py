"""Files that are there for good once they are said to be, over a power cut too: whole, on disk,
under their names.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage

# For web, workers and their common group, whatever the umask and Django's settings for uploads say:
# each has a user of its own, and one reads, and destroys, what the other wrote. A directory hands
# its group on.
_FILE_MODE: Final = 0o640
_DIRECTORY_MODE: Final = 0o2770
_durable_names: set[Path] = set()  # directories whose own names this process has put on disk


class DurableFileSystemStorage(FileSystemStorage):
    """Django's storage on a file system, for names that are hashes: a name has one content for
    ever.
    """

    def _save(self, name: str, content: "File[Any]") -> str:
        path = Path(self.path(name))
        # Of two processes that write the same bytes each has a file of its own; a rename is whole
        # or not at all.
        fresh = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}.new")
        if not path.parent.is_dir():
            _durable_names.discard(path.parent)
            for directory in (Path(self.location), path.parent):
                with suppress(FileExistsError):
                    directory.mkdir(parents=True)
                    # The mode that mkdir is given is cut by the umask, this one is not.
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
        # The name must survive a power cut as well: the directory, and its own name, which whoever
        # made it may not have put on disk yet.
        _flush(path.parent)
        if path.parent not in _durable_names:
            _flush(path.parent.parent)
            _durable_names.add(path.parent)
        return name

    def delete(self, name: str) -> None:
        """Takes a file away, also for whoever looks after a power cut; does nothing where there is
        none.
        """
        super().delete(name)
        with suppress(FileNotFoundError):
            _flush(Path(self.path(name)).parent)


def _flush(directory: Path) -> None:
    """Puts the names in a directory on disk. Raises `FileNotFoundError` if there is none."""
    # fsync(2) of a file need not put its name on disk: that is in the directory.
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
