"""The time of matching one face, compared with face_recognition as documented, in one run.

`make bench PART=faces`.
`python bench/faces.py FOLDER` compares the decisions of dlib's net with the library's on another
folder of people than the London set, which must be beside the repository.
Both take two JPEGs of 1280 × 960 from their bytes to a distance.
Times are medians in processor time, after a warm-up, in turns, so that a busy machine treats both
alike.
`ratio N.Nx`: the peer's time over ours.
The memory is that of a process with a worker's imports, after matches; bench/load.py measures a
worker after captures.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from itertools import combinations
from pathlib import Path

import face_recognition
import numpy as np
import numpy.typing as npt
from PIL import Image
from played import ROOT

from insecure_sandbox import samples
from verification.core.errors import Refused
from verification.engines.faces import backends, nets
from verification.engines.faces.backends import Backend, Choice
from verification.engines.faces.calibration import read
from verification.engines.faces.embedding import Embedding, distance
from verification.engines.faces.image_gate import ImageLimits, open_image

_LIMITS = ImageLimits(max_bytes=10 * 1024 * 1024, max_pixels=25_000_000)
_MODELS = Path(os.environ.get("TULGA_FACE_MODELS_DIR", ROOT / "var" / "models"))
_LONDON = ROOT.parent / "shared" / "data" / "faces" / "london"
_SIZE = (1280, 960)
_REPEATS, _SECONDS = 7, 8.0
_SFACE_AIM, _DLIB_AIM, _MEMORY_AIM, _ALIKE_AIM, _REFUSAL_AIM = (
    15,
    20,
    250,
    0.999,
    5,
)  # times; MB; share; ms

# A worker's imports and matches; the kernel counts its peak memory.
_WORKER = """
import sys
from pathlib import Path
from config import celery
celery.app.loader.import_default_modules()
from verification.engines.faces import backends
from verification.engines.faces.embedding import distance
from verification.engines.faces.image_gate import ImageLimits
backends.use(backends.Choice(models=Path(sys.argv[1])))
limits = ImageLimits(max_bytes=10 * 1024 * 1024, max_pixels=25_000_000)
for _ in range(3):
    pictures = [Path(name).read_bytes() for name in sys.argv[2:4]]
    distance(*(backends.in_use().embed_file(picture, limits=limits) for picture in pictures))
celery.give_memory_back()
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(status["VmRSS"].split()[0], status["VmHWM"].split()[0])
"""


def ours(reference: Path, picture: Path, *, backend: Backend) -> float:
    """One verification by the product: gate, detection, quality, alignment, net, twice."""
    embedding, probe = (
        backend.embed_file(path.read_bytes(), limits=_LIMITS) for path in (reference, picture)
    )
    return distance(embedding, probe).value


def mirrored(backend: Backend) -> Backend:
    """The same net as the mean of the face and its mirror image, which runs it twice and has no
    calibration here.
    """
    showing = replace(nets.SFACE_SHOWING, form="mirror-mean-l2")
    return replace(backend, recogniser=nets.load_sface(_MODELS, showing=showing), calibration=None)


def their_face(path: Path) -> npt.NDArray[np.float64]:
    """face_recognition as documented, with the small landmark model."""
    image = face_recognition.load_image_file(str(path))
    return np.asarray(face_recognition.face_encodings(image, model="small")[0])


def their_mirrored_face(path: Path) -> npt.NDArray[np.float64]:
    """The mean of its numbers for a picture and its mirror image, of length one: the shipped
    form of `dlib-onnx`.
    """
    image = face_recognition.load_image_file(str(path))
    both = [
        face_recognition.face_encodings(view, model="small")[0]
        for view in (image, image[:, ::-1].copy())
    ]
    mean = np.mean(both, axis=0)
    return np.asarray(mean / np.linalg.norm(mean))


def theirs(reference: Path, picture: Path) -> float:
    """One verification by face_recognition: `face_distance` is this norm."""
    return float(np.linalg.norm(their_face(reference) - their_face(picture)))


def camera_pictures(folder: Path) -> list[Path]:
    """The portraits as from a camera: 1280 × 960, the face a third of the height."""
    places = {
        "obama.jpg": (0, 0, 910, 683),
        "obama2.jpg": (0, 120, 626, 590),
        "biden.jpg": (0, 150, 970, 878),
    }
    pictures = []
    for name, square in places.items():
        with Image.open(samples.fetch() / name) as portrait:
            picture = portrait.convert("RGB").crop(square).resize(_SIZE, Image.Resampling.LANCZOS)
        pictures.append(folder / name)
        content = BytesIO()
        picture.save(content, "JPEG", quality=90)
        pictures[-1].write_bytes(content.getvalue())
    return pictures


def in_turns(calls: list[Callable[[], object]]) -> list[float]:
    """Median milliseconds of processor time of each, in turns."""
    times: list[list[float]] = [[] for _ in calls]
    for turn in range(_REPEATS + 1):
        for call, spent in zip(calls, times, strict=True):
            began = time.process_time()
            call()
            if turn:
                spent.append(1000 * (time.process_time() - began))
    return [statistics.median(spent) for spent in times]


def count_for(pair: tuple[Path, Path]) -> int:
    """Verifications of one process in the time."""
    backend = backends.load(Choice(models=_MODELS))
    ours(*pair, backend=backend)
    count, end = 0, time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
        ours(*pair, backend=backend)
        count += 1
    return count


def conditions() -> str:
    """The machine, in one line."""
    model, cpuinfo = platform.processor() or platform.machine(), Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1]
            for line in cpuinfo.read_text().splitlines()
            if line.startswith("model name")
        ]
        model = names[0].strip() if names else model
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return f"CPU {model}, {os.cpu_count()} cores, load {load}; Python {platform.python_version()}"


def measure_memory(pair: tuple[Path, Path]) -> None:
    """Resident memory of a fresh process that equals a worker's child, without the queue."""
    command = [sys.executable, "-c", _WORKER, str(_MODELS), *map(str, pair)]
    with tempfile.TemporaryDirectory() as var:
        environment = dict(os.environ, TULGA_VAR_DIR=var)
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment
        )
    now, peak = (int(kib) * 1024 / 1e6 for kib in done.stdout.split())
    print(f"  a worker holds {now:.0f} MB, at its peak {peak:.0f} MB (aim ≤ {_MEMORY_AIM})")


def compare_decisions(pictures: list[Path], *, dlib: Backend) -> None:
    """How many pairs our path and the library put into the same zone, and how many into opposite
    ones.

    Each form of the net's numbers has its own zones. One form is of one picture, as in the library;
    the other is the shipped form of `dlib-onnx`, the mean of a picture and its mirror image.
    In both, the library finds and cuts the faces of its side.
    """
    folder, net = Path(backends.__file__).parent / "calibrations", nets.load_dlib(_MODELS)
    raw, unit = (
        read((folder / backends.SHIPPED[name]).read_bytes()).zones
        for name in ("face_recognition", "dlib-onnx")
    )
    forms = {
        "one picture": (raw, their_face, net.single),
        "picture and mirror": (unit, their_mirrored_face, dlib.embed),
    }
    opened = {path: dlib.open(path.read_bytes(), limits=_LIMITS)[0] for path in pictures}
    for form, (zones, of_library, of_ours) in forms.items():
        library = {path: Embedding(zones.match.embedding, of_library(path)) for path in pictures}
        mine = {path: of_ours(face) for path, face in opened.items()}
        agreeing = opposed = pairs = 0
        for first, second in combinations(pictures, 2):
            verdicts = {
                zones.of(distance(faces[first], faces[second])) for faces in (library, mine)
            }
            pairs, agreeing, opposed = (
                pairs + 1,
                agreeing + (len(verdicts) == 1),
                opposed + (verdicts == {"match", "no_match"}),
            )
        share = f"{agreeing} of {pairs} pairs ({agreeing / pairs:.2%}, aim ≥ {_ALIKE_AIM:.1%})"
        print(f"  {form}: {share} lie in the zone of the library's path; opposed: {opposed}")


def refusal(size: tuple[int, int]) -> None:
    """The time of refusing a small file whose header states these sides."""
    content = BytesIO()
    Image.new("L", size).save(content, "PNG")

    def refuse() -> None:
        with suppress(Refused):
            open_image(content.getvalue(), limits=_LIMITS)
            raise AssertionError("a picture of these sides was opened")

    (spent,) = in_turns([refuse])
    label = f"a PNG of {size[0]} × {size[1]} in {len(content.getvalue()) // 1000} KB"
    print(f"  {label} is refused in {spent:.2f} ms of processor time (aim ≤ {_REFUSAL_AIM})")


def main() -> None:
    """Measures all of it."""
    print(conditions())
    refusal((1, 25_000_000))
    sface, dlib = (
        backends.load(Choice(backend=name, models=_MODELS)) for name in ("sface-onnx", "dlib-onnx")
    )
    mirror = mirrored(sface)
    with tempfile.TemporaryDirectory() as place:
        pictures = camera_pictures(Path(place))
        pair = (pictures[0], pictures[1])
        measure_memory(pair)
        with ProcessPoolExecutor(2) as pool:
            total = sum(pool.map(count_for, [pair] * 2))
        print(f"  {total / _SECONDS:.1f} verifications a second by 2 processes (wall clock)")
        single, twice, mine, them = in_turns(
            [
                lambda: ours(*pair, backend=sface),
                lambda: ours(*pair, backend=mirror),
                lambda: ours(*pair, backend=dlib),
                lambda: theirs(*pair),
            ]
        )
        print(
            f"  face_recognition {them:.1f} ms of processor time for one verification of two JPEGs,"
            " 1280 × 960"
        )
        print(f"ratio {them / single:.1f}x  sface-onnx, {single:.1f} ms (aim ≥ {_SFACE_AIM}x)")
        print(
            f"ratio {them / twice:.1f}x  sface-onnx with the mirror, which is not shipped,"
            f" {twice:.1f} ms"
        )
        print(f"ratio {them / mine:.1f}x  dlib-onnx, {mine:.1f} ms (aim ≥ {_DLIB_AIM}x)")
        compare_decisions(pictures, dlib=dlib)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else _LONDON
    if folder.is_dir():
        compare_decisions(sorted(folder.rglob("*.jpg")), dlib=dlib)


if __name__ == "__main__":
    main()
