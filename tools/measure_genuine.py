"""Measures what genuine captures look like, and writes docs/evidence/genuine.json.

Usage: python -m tools.measure_genuine [--portraits FOLDER] [--only PART…] FOLDER…, the folders
with the real clips of tools/genuine/clips.py; docs/liveness-measurements.md says where they come
from. Clips that are not there are left out and named. `--portraits`: photographs of people, two of
each one after the other. `--only`: some parts anew, the others as they were found last.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import cv2

from tests.proofs import write_evidence
from tools.genuine import (
    Figures,
    clips,
    continuity,
    cost,
    gestures,
    identity,
    in_common,
    masks,
    refusals,
    replays,
    seams,
)
from verification.engines.faces import backends

_KEPT = Path(__file__).resolve().parent.parent / "docs" / "evidence" / "genuine.json"


def main() -> None:
    """Look at every clip once, then measure each part."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--portraits", type=Path)
    parser.add_argument("--only", nargs="+", default=())
    asked = parser.parse_args()
    there = [
        (folder, clip)
        for clip in clips.CLIPS
        for folder in asked.folders
        if (folder / clip.file).is_file()
    ]
    observed = []
    for folder, clip in there:
        observed.append(clips.observe(folder, clip))
        print(clip.name, len(observed[-1].places), flush=True)
    portraits = clips.portraits_of(asked.portraits) if asked.portraits else []
    parts: dict[str, Callable[[], Figures]] = {
        "identity": lambda: identity.measure(observed, portraits),
        "in_common": lambda: in_common.measure(observed),
        "continuity": lambda: continuity.measure(observed),
        "seams": lambda: seams.measure(observed),
        "gestures": lambda: gestures.measure(observed),
        "masks": lambda: masks.measure(observed, portraits),
        "refusals": lambda: refusals.measure(observed, asked.folders),
        "replays": lambda: replays.measure(observed, asked.folders),
        "cost": lambda: cost.measure(observed),
    }
    figures: Figures = (
        json.loads(_KEPT.read_text(encoding="utf-8"))["figures"] if asked.only else {}
    )
    if not asked.only:
        figures["clips"] = _clips(
            observed,
            missing=[clip.file for clip in clips.CLIPS if clip not in [one for _, one in there]],
        )
    for name, measure in parts.items():
        if not asked.only or name in asked.only:
            figures[name] = measure()
            print(name, flush=True)
    print(write_evidence("genuine", seed=0, found={"failures": [], "figures": figures}))


def _clips(observed: Sequence[clips.Observed], *, missing: Sequence[str]) -> Figures:
    sizes = [size for one in observed for size in one.sizes]
    return {
        "clips": len(observed),
        "people": len({one.clip.person for one in observed}),
        "frames": len(sizes),
        "seconds": {one.clip.name: round(one.places[-1] / one.clip.rate, 1) for one in observed},
        "missing": list(missing),
        "chain_bytes_p50": median(sizes),
    }


if __name__ == "__main__":
    cv2.setNumThreads(1)
    backends.use(backends.Choice(models=Path("var/models")))
    main()
