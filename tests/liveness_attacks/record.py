"""What became of every attempt: kept as it comes, so that a run that was stopped goes on, and
counted in the end.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.liveness_attacks.instruments import INSTRUMENTS, REAL
from verification.engines.faces.intervals import interval

_ROOT = Path(__file__).resolve().parent.parent.parent
_DECIDED_BY = (
    "verification/engines/liveness/*.py",
    "verification/engines/faces/*.py",
    "verification/stages/live_capture/*.py",
    # What makes the attempts, and what those are made with.
    "tests/liveness_attacks/[!rt]*.py",  # neither this file nor the test
    "tests/painted.py",
    "tests/verification/engines/liveness/insecure_paper.py",
    "tests/verification/stages/live_capture/captures.py",
    "tests/verification/core/answer_samples.py",
    "tests/verification/stories/story.py",
    "tools/genuine/*.py",
    "insecure_sandbox/warp*.py",
    "insecure_sandbox/camera.py",
    "insecure_sandbox/samples.py",
)
_SMALL = 0.02  # the scale of `make test`
_NO_GATES = {"face.match", "person.consent", "face.passive", "face.hand_over"}
Row = dict[str, Any]
Figures = dict[str, Any]
Judge = Callable[[str, Sequence[int]], Iterable[Row]]


class Record:
    """Rows of one run, by the names of their attempts. Those of a whole one are kept in a file, by
    the seed and the code that decides, and not made again.
    """

    def __init__(self, judge: Judge, *, seed: int, scale: float) -> None:
        """`judge` makes attempts of a species by their numbers and gives their rows in any
        order.
        """
        self._judge, self._scale = judge, scale
        files = sorted(path for pattern in _DECIDED_BY for path in _ROOT.glob(pattern))
        code = sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
        self._file = (
            _ROOT / "var" / "proofs" / f"liveness-{seed}-{code}.jsonl" if scale == 1 else None
        )
        self._rows: dict[str, Row] = {}
        if self._file is not None and self._file.is_file():
            for line in self._file.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                self._rows[row["name"]] = row

    def run(self, species: str, count: int) -> list[Row]:
        """The run's share of so many attempts, each made and judged unless it is on record; one
        attempt where the share is small, which finds a broken generator.
        """
        share = round(count * self._scale) if self._scale > _SMALL else 1
        return self.of(species, range(max(1, share)))

    def of(self, species: str, numbers: Iterable[int]) -> list[Row]:
        """The attempts of these numbers."""
        wanted = {at: f"{species}/{at}" for at in numbers}
        fresh = [at for at, name in wanted.items() if name not in self._rows]
        for done, row in enumerate(self._judge(species, fresh), len(wanted) - len(fresh) + 1):
            self._keep(row)
            if self._file is not None and done % 10 == 0:
                print(f"{species}: {done} of {len(wanted)}", flush=True)
        return [self._rows[name] for name in wanted.values()]

    def _keep(self, row: Row) -> None:
        self._rows[row["name"]] = row
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")


def counted(rows: Iterable[Row]) -> Figures:
    """Attempts of one species: by which name, what became of them, and by which codes how many did
    not pass.

    iapar: verified, comparison with the register included. apcer: taken for a living person by all
    gates, as any person. Both with the rates between which the truth lies. by_person, by_clip:
    attempts of one are no independent trials, so that the bounds are also told with each attacker
    as one trial, lost where any of his attempts was verified.
    `alone`: refused by one check, whatever else sends to people. Raises `KeyError` for an unknown
        species.
    """
    rows = list(rows)
    name, instrument = INSTRUMENTS[rows[0]["species"]]
    told = _ended(rows)
    rates = {
        "iapar": _percent(told["verified"], len(rows)),
        "apcer": _percent(told["gates_passed"], len(rows)),
    }
    by = {"by_person": _by(rows, "person", "verified"), "by_clip": _by(rows, "actor", "verified")}
    return {"species": name, "instrument": instrument, **told, **rates, **by, **_refused_by(rows)}


def bona_fide(rows: Iterable[Row]) -> Figures:
    """Presentations of real people: bpcer, refused; by_person: each as one trial, lost where any
    was refused.
    """
    rows = list(rows)
    told = _ended(rows)
    by = {"by_person": _by(rows, "person", "refused"), "by_clip": _by(rows, "actor", "refused")}
    rate = {"bpcer": _percent(told["refused"], len(rows))}
    return {"instrument": REAL, **told, **rate, **by, **_refused_by(rows)}


def _ended(rows: Sequence[Row]) -> Figures:
    ends = Counter(row["outcome"] for row in rows)
    return {
        "attempts": len(rows),
        **{word: ends[word] for word in ("verified", "refused", "people")},
        "gates_passed": sum(not row["codes"].keys() - _NO_GATES for row in rows),
        "victims": len({row["victim"] for row in rows}),
    }


def _refused_by(rows: Sequence[Row]) -> Figures:
    codes, alone = Counter[str](), Counter[str]()
    for row in rows:
        codes.update(set(row["codes"].values()))
        if len(row["refused"]) == 1:
            alone.update(row["refused"])
    return {
        "codes": dict(sorted(codes.items())),
        "alone": {check.removeprefix("face."): count for check, count in sorted(alone.items())},
    }


def grouped(rows: Iterable[Row], word: str) -> Figures:
    """Attempts and how many of them were verified, by one of the things that are told of each."""
    rows = list(rows)
    return {
        each: {"attempts": len(own), "verified": sum(row["outcome"] == "verified" for row in own)}
        for each in sorted({row[word] for row in rows})
        if (own := [row for row in rows if row[word] == each])
    }


def tries(first: list[Row], later: list[Row]) -> Figures:
    """How many people passed at the first try, and within three: two more of the others."""
    passed = sum(row["outcome"] == "verified" for row in first)
    late = {row["victim"] for row in later if row["outcome"] == "verified"}
    return {
        "portraits": len(first),
        "first_try": _percent(passed, len(first)),
        "within_three": _percent(passed + len(late), len(first)),
    }


def _by(rows: Sequence[Row], word: str, lost_by: str) -> Figures:
    lost = {row[word] for row in rows if row["outcome"] == lost_by}
    count = len({row[word] for row in rows})
    return {
        "trials": count,
        lost_by: len(lost),
        "upper_percent": _percent(len(lost), count)["upper"],
    }


def _percent(events: int, trials: int) -> dict[str, float]:
    low, high = interval(events, max(1, trials))
    return {
        name: round(100 * each, 2)
        for name, each in (("rate", events / max(1, trials)), ("lower", low), ("upper", high))
    }
