"""Whether a folder takes files."""

from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

_PROBE_BYTES: Final = 4096  # a block, so that a full disk refuses it


def folder_fault(folder: Path) -> str:
    """Why no file can be stored in the folder; empty if one can. A missing folder must be
    possible to make.
    """
    try:
        place = next(path for path in (folder, *folder.parents) if path.exists())
        with TemporaryFile(dir=place) as probe:  # without a name, so a crash leaves nothing
            probe.write(bytes(_PROBE_BYTES))
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""
