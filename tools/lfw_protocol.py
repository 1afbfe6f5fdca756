"""Labeled Faces in the Wild, the official protocol: ten folds, each judged at the distance that is
best on the others.

Source: Huang et al. 2007, view 2. It is a number to compare nets by: 6 000 easy pairs say nothing
    about rare errors.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from tools.face_folders import ProtocolPair
from tools.face_pictures import Measured
from verification.engines.faces.embedding import distance

Judged = tuple[float, bool]
"""How far a pair is apart, infinitely where a picture was refused; and whether it is of one
person.
"""


def judge(
    pairs: Sequence[ProtocolPair], measured: Mapping[Path, Measured]
) -> dict[str, float | int]:
    """Accuracy with its standard error over the folds."""
    folds: list[list[Judged]] = [[] for _ in range(pairs[-1].fold + 1)]
    for pair in pairs:
        first, second = measured[pair.first].embedding, measured[pair.second].embedding
        apart = math.inf if first is None or second is None else distance(first, second).value
        folds[pair.fold].append((apart, pair.same))
    shares = []
    for at, fold in enumerate(folds):
        # The distance at which most of the other folds are judged rightly: in the middle of the
        # nearest such gap.
        ranked = sorted(one for other in folds[:at] + folds[at + 1 :] for one in other)
        edge, rightly = 0.0, sum(not same for _, same in ranked)
        best = rightly
        for (apart, same), (beyond, _) in pairwise([*ranked, (math.inf, False)]):
            rightly += 1 if same else -1
            if rightly > best and math.isfinite(apart):
                best, edge = rightly, (apart + beyond) / 2 if math.isfinite(beyond) else apart
        shares.append(sum((apart <= edge) == same for apart, same in fold) / len(fold))
    return {
        "pairs": len(pairs),
        "folds": len(folds),
        "refused_pairs": sum(math.isinf(apart) for fold in folds for apart, _ in fold),
        "accuracy": round(statistics.mean(shares), 6),
        "standard_error": round(statistics.stdev(shares) / math.sqrt(len(shares)), 6),
    }
