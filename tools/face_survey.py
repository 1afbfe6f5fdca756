"""Everybody in a folder compared with everybody: the facts of one report, and what its drawing is
made of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import accuracy, face_folders, face_pictures, face_report, lfw_protocol
from tools.accuracy import Tally
from tools.calibrating import ALL
from tools.face_report import Facts
from verification.core.errors import BadInput, Misconfigured
from verification.engines.faces.backends import Backend

_MOST_NEAR = (
    100  # pairs of two people that are told by their files, to look at them and at their labels
)


@dataclass(frozen=True)
class Survey:
    """facts: all that is told. tallies: all pairs, then each cohort by name. zones: distances by
    their names.
    """

    facts: Facts
    tallies: Sequence[Tally]
    zones: Mapping[str, float]


def survey(folder: Path, backend: Backend) -> Survey:
    """Raises `BadInput` for a folder that is none of people, `Misconfigured` for a backend without
    calibration.
    """
    if backend.calibration is None:
        raise Misconfigured(
            f"face backend {backend.name} has no calibration, so no zones: run calibrate_faces"
        )
    zones = {zone: getattr(backend.calibration.zones, zone).value for zone in ("match", "review")}
    pictures, protocol = face_folders.read(folder), face_folders.read_protocol(folder)
    paths = {each.path for each in pictures} | {
        path for pair in protocol for path in (pair.first, pair.second)
    }
    measured = face_pictures.measure_all(paths, backend)
    seen = [
        (each, face) for each in pictures if (face := measured[each.path].embedding) is not None
    ]
    if len({picture.person for picture, _ in seen}) < 2:
        raise BadInput("there are no two people whose pictures were accepted")
    # All pairs, then each cohort by its name, also one of which no picture was accepted.
    at, tallies, by_cohort = accuracy.edges(*zones.values()), [], {}
    for name in (ALL, *sorted({picture.cohort for picture in pictures} - {""})):
        own = [(picture.person, face) for picture, face in seen if name in (ALL, picture.cohort)]
        people, faces = [person for person, _ in own], [face for _, face in own]
        tallies.append(accuracy.compare_all(faces, people, name=name, at=at))
        by_cohort[name] = [measured[each.path] for each in pictures if name in (ALL, each.cohort)]
    nearest = tallies[0].nearest_impostors
    facts: Facts = {
        "backend": dict(backend.report()),
        "people": len({picture.person for picture, _ in seen}),
        "failures": face_report.failures(measured.values()),
        "duplicates": len(measured) - len({each.sha256 for each in measured.values()}),
        "nearest_impostors": nearest if nearest < accuracy.FARTHEST else None,
        "farthest_genuine": tallies[0].farthest_genuine,
        "near": [
            {
                "pictures": [seen[one][0].path.name, seen[other][0].path.name],
                "distance": round(apart, 3),
            }
            for one, other, apart in accuracy.near_strangers(
                [face for _, face in seen],
                [each.person for each, _ in seen],
                within=zones["review"],
                most=_MOST_NEAR,
            )
        ],
        "cohorts": face_report.cohorts(tallies, zones, pictures=by_cohort),
        "note": face_report.DEPENDENCE,
    }
    if protocol:
        facts["lfw"] = lfw_protocol.judge(protocol, measured)
    return Survey(facts, tallies, zones)
