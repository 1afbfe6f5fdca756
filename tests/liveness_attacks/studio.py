"""Where attempts are made and judged: here, or in a process for each core, and in both the same
ones.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from zlib import crc32

import django
import numpy as np

from tests.liveness_attacks import casting, people
from tests.liveness_attacks.casting import Cast
from tests.liveness_attacks.played import Attempt, play
from tests.liveness_attacks.record import Judge, Row
from tests.liveness_attacks.species import MADE
from tests.seen_once import remembered

_CLIPS = "TULGA_PROOF_CLIPS"  # a folder with more real clips, which may not be passed on
_SHARED = "TULGA_PROOF_SHARED"


@dataclass(frozen=True)
class Studio:
    """All that says who is there and what is drawn. `shared`: the folder of other people's samples,
    where it is there.
    `clips`: folders of real ones. `is_small`: a few people and clips are enough.
    """

    shared: Path | None
    clips: tuple[Path, ...]
    seed: int
    is_small: bool = False

    @classmethod
    def here(cls, *, seed: int, is_small: bool = False) -> "Studio":
        """What lies on this machine. Raises `OSError` without the portraits."""
        shared = Path(
            os.environ.get(_SHARED, Path(__file__).resolve().parents[3] / "shared" / "data")
        )
        clips = [Path(each) for each in (os.environ.get(_CLIPS, ""),) if each]
        is_there = shared.is_dir()
        found = cls(
            shared if is_there else None,
            (*clips, *([shared / "liveness"] if is_there else [])),
            seed,
            is_small,
        )
        people.people(found.shared)
        return found

    @property
    def cast(self) -> Cast:
        """Everybody who is there, found once a process."""
        return casting.cast(self.shared, self.clips, seed=self.seed, is_small=self.is_small)

    def made(self, species: str, at: int) -> Attempt:
        """One attempt by its number."""
        return MADE[species](
            self.cast, at, np.random.default_rng([self.seed, crc32(species.encode()), at])
        )

    def judged(self, species: str, at: int) -> Row:
        """The same, and what becomes of it. A frame that comes in several attempts is measured once
        a process.
        """
        with remembered():
            attempt = self.made(species, at)
            ended = play(attempt)
        return {"name": f"{species}/{at}", "species": species, **attempt.told, **asdict(ended)}

    @contextmanager
    def judging(self, *, is_whole: bool) -> Iterator[Judge]:
        """Judges attempts of a species by their numbers, on all cores where the set is whole."""
        if not is_whole:
            yield lambda species, numbers: (self.judged(species, at) for at in numbers)
            return
        # Not forked: the networks of this process may be in the middle of something.
        pool = ProcessPoolExecutor(
            os.cpu_count(), mp_context=get_context("spawn"), initializer=django.setup
        )
        try:
            yield lambda species, numbers: (
                each.result()
                for each in as_completed([pool.submit(self.judged, species, at) for at in numbers])
            )
        finally:
            pool.shutdown(cancel_futures=True)
