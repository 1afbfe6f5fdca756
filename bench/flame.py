"""A flame graph of web, worker and tick during verifications, and a table of their functions.

`make bench PART=flame` needs PostgreSQL, Redis and the right to inspect other processes: root, or
`kernel.yama.ptrace_scope=0`.
It plays as bench/load.py does, eight borrowers at once. py-spy samples each process a hundred times
a second without stopping it.
Written to `--into`: cost-<process>.svg and cost.txt, each function's share of the samples, greatest
first. Sleeping threads are left out.
"""

import argparse
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from load import play, signer
from played import ROOT
from played.installation import running

SAMPLED = ("web", "worker", "tick")
_OURS = ("(config/", "(lenders/", "(verification/")
_SHOWN = {True: 30, False: 20}  # functions of ours, and of libraries, per process
_PY_SPY = Path(sys.executable).with_name("py-spy")


def main() -> None:
    """Plays, samples, writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=48)
    parser.add_argument("--into", type=Path, default=ROOT / "var" / "flame")
    arguments = parser.parse_args()
    arguments.into.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(prefix="tulga-bench-") as folder,
        running(Path(folder), "redis") as installation,
    ):
        by_key = partial(signer, installation.stage)
        play(installation, "warm-up", by_key, cases=8, at_once=4)
        with ExitStack() as looking:
            for name in SAMPLED:
                process = installation.processes[name]
                looking.enter_context(
                    _sampled(process, "flamegraph", arguments.into / f"cost-{name}.svg")
                )
                looking.enter_context(_sampled(process, "raw", Path(folder) / name))
            play(installation, "flame", by_key, cases=arguments.cases, at_once=8)
        lines = [line for name in SAMPLED for line in _table(name, Path(folder) / name)]
    for name in SAMPLED:
        drawn = arguments.into / f"cost-{name}.svg"
        # Remove paths of this machine: py-spy names the commands, including its own.
        text = (
            drawn.read_text(encoding="utf-8")
            .replace(f"{arguments.into}/", "")
            .replace(f"{ROOT}/", "")
        )
        drawn.write_text(text, encoding="utf-8")
    print("\n".join(lines))
    (arguments.into / "cost.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


@contextmanager
def _sampled(process: int, form: str, into: Path) -> Iterator[None]:
    """py-spy samples a process and its children until the end of the block, and writes the
    result.
    """
    how = ["record", "--nonblocking", "--subprocesses", "--rate", "100", "--format", form]
    looking = subprocess.Popen(
        [_PY_SPY, *how, "--pid", str(process), "--output", into], stdout=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        looking.send_signal(signal.SIGINT)
        if looking.wait(timeout=60):
            raise SystemExit(
                f"py-spy could not look into process {process}: it needs root, or ptrace_scope=0"
            )


def _table(name: str, samples: Path) -> list[str]:
    """Lines `share function (file)` of a process, from py-spy's raw form: a stack and its count
    per line.
    """
    counts, total = Counter[str](), 0
    for line in samples.read_text(encoding="utf-8").splitlines():
        stack, _, count = line.rpartition(" ")
        total += int(count)
        counts.update(dict.fromkeys(_functions(stack), int(count)))
    lines = [f"{name}: {total} samples"]
    for are_ours, most in _SHOWN.items():
        commonest = [
            entry
            for entry in counts.most_common()
            if are_ours == any(place in entry[0] for place in _OURS)
        ]
        lines += ["  ours" if are_ours else "  libraries"]
        lines += [
            f"    {100 * count / total:5.1f} %  {function}" for function, count in commonest[:most]
        ]
    return lines


def _functions(stack: str) -> set[str]:
    """The functions on a stack, each once even if recursive, without line numbers and processes."""
    frames = [
        frame
        for frame in stack.split(";")
        if "(" in frame and ":" in frame and not frame.startswith("process ")
    ]
    return {frame.rpartition(":")[0] + ")" for frame in frames}


if __name__ == "__main__":
    main()
