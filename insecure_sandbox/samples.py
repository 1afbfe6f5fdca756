"""Fetches the photographs for tests and the demonstration: official portraits inside the sources of
face_recognition.

Usage: python -m insecure_sandbox.samples [FOLDER]     (default var/samples; existing files are not
fetched again) The archive must have the pinned SHA-256 before it is read. The photographs are never
committed.
"""

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

SAMPLES = Path(__file__).resolve().parent.parent / "var" / "samples"
NAMES = ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg")

_REQUIREMENT = "face_recognition==1.3.0"
_SHA256 = "5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec"
_INSIDE = "face_recognition-1.3.0/tests/test_images"
_PATIENCE = 120  # seconds


def fetch(folder: Path = SAMPLES) -> Path:
    """The folder with the photographs, downloaded if one is missing.

    Raises: `OSError` if impossible.
    """
    if all((folder / name).is_file() for name in NAMES):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        archive = _download(Path(place))
        with tarfile.open(archive) as sources:
            for name in NAMES:
                _put(sources, name, folder=folder, place=Path(place))
    return folder


def _download(place: Path) -> Path:
    wish_list = place / "wanted.txt"
    wish_list.write_text(f"{_REQUIREMENT} --hash=sha256:{_SHA256}\n")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ]
    command += ["--no-deps", "--no-build-isolation", "--no-binary", "face_recognition"]
    command += ["--require-hashes", "--dest", str(place), "--requirement", str(wish_list)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_PATIENCE)  # noqa: S603
    except subprocess.SubprocessError as error:
        raise OSError(f"{_REQUIREMENT} could not be downloaded") from error
    (archive,) = place.glob("*.tar.gz")
    return archive


def _put(sources: tarfile.TarFile, name: str, *, folder: Path, place: Path) -> None:
    member = sources.extractfile(f"{_INSIDE}/{name}")
    if member is None:
        raise OSError(f"{name} is not in the archive")
    # Written elsewhere and moved, so that a parallel process never sees a partial photograph.
    (place / name).write_bytes(member.read())
    (place / name).replace(folder / name)


if __name__ == "__main__":
    print(fetch(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES))
