"""The cost of a live capture, and the delay until the page shows whether a command was seen.

`make bench PART=live` (PostgreSQL and Redis must be installed).
A whole installation on loopback plays borrowers at the camera as in bench/load.py, but in real
time: the first part of a command is sent while the second is taken.
A portrait that is warped on command follows the commands.
Two rounds: one borrower after another, and so many at once that four commands a second come, with
staggered starts (two children of one worker take them).
Output of each round:

    CPU milliseconds per capture by process, with web and match; without the sandbox and this
    client.
    `cpu_attempt`: of these web and worker, minus their idle load in that time, which is measured
    before (`cpu_idle_…`, per second). Seconds from the last byte of a command to its result, as the
    page receives it. Bytes of pictures per capture; the memory of the worker's largest child; and
    once, the bytes of the page and its files.

`ratio`: a figure of the second round over the first. `--keep NAME` writes docs/evidence/NAME.json.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from load import COUNTED, largest_child, processor_seconds
from played.installation import Installation, running

from insecure_sandbox import samples
from insecure_sandbox.camera import Camera
from tests.proofs import conditions, write_evidence
from tests.service.played_page import FORGET, Played, PlayedPage, forgotten

_ROOT = Path(__file__).resolve().parent.parent
_STATIC = (
    *("tulga.css", "borrower.css", "borrower/camera.css"),
    *("borrower/commands.js", "borrower/pictures.js", "borrower/signals.js"),
)
_FRAMES = 24  # of each gesture, more than a page takes
_OF_AN_ATTEMPT = ("worker", "web")
_RESTING_SECONDS = 20.0
_COMMAND_SECONDS = 5.2  # of a command: its window, and the wait for its result


def main() -> None:
    """Measures both rounds, prints, stores."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=6, help="captures one after another")
    parser.add_argument(
        "--a-second", type=float, default=4.0, help="commands a second in the second round"
    )
    parser.add_argument("--keep", metavar="NAME", help="write docs/evidence/NAME.json")
    arguments = parser.parse_args()
    at_once = round(arguments.a_second * _COMMAND_SECONDS)
    camera = Camera(samples.fetch() / "obama3.jpg", frames=_FRAMES)
    camera.wait()
    try:
        with (
            TemporaryDirectory(prefix="tulga-bench-") as folder,
            running(Path(folder), "redis") as installation,
        ):
            round_of(installation, camera, "warm-up", {}, cases=2, at_once=2)
            idle = resting(installation)
            alone = round_of(installation, camera, "alone", idle, cases=arguments.cases, at_once=1)
            apart = 1 / arguments.a_second
            together = round_of(
                installation, camera, "together", idle, cases=at_once, at_once=at_once, apart=apart
            )
    finally:
        camera.stop()
    page = sum((_ROOT / "static" / name).stat().st_size for name in _STATIC)
    for name, value in alone.items():
        ratio = f"   ratio {together[name] / value:.2f}x" if value else ""
        print(f"{name:28} {value:12.3f} {together[name]:12.3f}{ratio}")
    print(f"{'page_files_bytes':28} {page:12}")
    print(
        *(f"{'cpu_idle_' + name + ' a second':28} {idle[name]:12.3f}" for name in _OF_AN_ATTEMPT),
        sep="\n",
    )
    if arguments.keep:
        header = {"conditions": conditions(database="postgresql"), "failures": []}
        figures = {
            "alone": alone,
            "together": together,
            "page_files_bytes": page,
            "together_at_once": at_once,
        }
        figures |= {f"cpu_idle_{name}": round(idle[name], 1) for name in _OF_AN_ATTEMPT}
        write_evidence(arguments.keep, seed=0, found=header | {"figures": figures})


def round_of(
    installation: Installation,
    camera: Camera,
    name: str,
    idle: Mapping[str, float],
    *,
    cases: int,
    at_once: int,
    apart: float = 0.0,
) -> dict[str, float]:
    """So many captures, and the cost of each. idle: from `resting`. apart: seconds between
    starts.
    """

    def play(number: int) -> Played:
        time.sleep(number * apart)
        return ready[number].play()

    ready = [arrived(installation, camera, f"{name}-{number}") for number in range(cases)]
    start, began = spent_by(installation), time.monotonic()
    with (
        psycopg.connect(installation.root_url, autocommit=True) as root,
        forgotten(partial(root.execute, FORGET.encode())),
        ThreadPoolExecutor(at_once) as pool,
    ):
        played = list(pool.map(play, range(cases)))
    time.sleep(3)  # the last judgements, and their work in tick and the sender
    end, seconds = spent_by(installation), time.monotonic() - began
    spent = {f"cpu_{process}": 1000 * (end[process] - start[process]) / cases for process in start}
    product = sum(
        spent[f"cpu_{process}"] - idle.get(process, 0.0) * seconds / cases
        for process in _OF_AN_ATTEMPT
    )
    return told(played) | {
        "cpu_attempt": round(product, 1),
        **{process: round(value, 1) for process, value in spent.items()},
        "cpu": round(
            sum(spent[f"cpu_{process}"] for process in COUNTED if f"cpu_{process}" in spent), 1
        ),
        "worker_child_megabytes": round(largest_child(installation.processes["worker"]), 1),
    }


def resting(installation: Installation) -> dict[str, float]:
    """The idle load of each process, milliseconds per second."""
    start = spent_by(installation)
    time.sleep(_RESTING_SECONDS)
    end = spent_by(installation)
    return {process: 1000 * (end[process] - start[process]) / _RESTING_SECONDS for process in start}


def spent_by(installation: Installation) -> dict[str, float]:
    """The processor time of each process and its children, seconds."""
    return {process: processor_seconds(pid) for process, pid in installation.processes.items()}


def arrived(installation: Installation, camera: Camera, name: str) -> PlayedPage:
    """A borrower at the camera's page."""
    stage = installation.stage
    _, browser = stage.arrive(
        name, stage.person(samples.fetch() / "obama.jpg"), routes=("biometric",)
    )
    browser.agree()
    page = PlayedPage(browser, camera, stage.url)
    page.shoot()
    return page


def told(played: Sequence[Played]) -> dict[str, float]:
    """The pages' delays until a command's result, and the bytes that they sent."""
    waited = sorted(seconds for case in played for seconds in case.answered)
    return {
        "captures": len(played),
        "commands": len(waited),
        "lost": sum(case.lost for case in played),
        "answered_p50_seconds": round(waited[len(waited) // 2], 3),
        "answered_p95_seconds": round(waited[int(len(waited) * 0.95)], 3),
        "sent_bytes": max(case.sent for case in played),
    }


if __name__ == "__main__":
    main()
