"""Everybody in a folder compared with everybody: the facts of one report, and what its drawing is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from verification.core.errors import BadInput, Misconfigured
from verification.engines.faces import accuracy
from verification.engines.faces.accuracy import Tally
from verification.engines.faces.backends import Backend
from verification.engines.faces.calibrating import ALL
from verification.engines.faces.embedding import Embedding
from verification.management import face_folders, face_pictures, face_report, lfw_protocol
from verification.management.face_folders import Picture
from verification.management.face_report import Facts

Seen = tuple[Picture, Embedding]


@dataclass(frozen=True)
class Survey:
    """facts: all that is told. tallies: all pairs, then each cohort by name. zones: distances by their names."""

    facts: Facts
    tallies: Sequence[Tally]
    zones: Mapping[str, float]


def survey(folder: Path, backend: Backend) -> Survey:
    """Raises `BadInput` for a folder that is none of people, `Misconfigured` for a backend without calibration."""
    if backend.calibration is None:
        raise Misconfigured(f"face backend {backend.name} has no calibration, so no zones: run calibrate_faces")
    zones = {zone: getattr(backend.calibration.zones, zone).value for zone in ("match", "review")}
    pictures, protocol = face_folders.read(folder), face_folders.read_protocol(folder)
    paths = {each.path for each in pictures} | {path for pair in protocol for path in (pair.first, pair.second)}
    measured = face_pictures.measure_all(paths, backend)
    seen = [(each, face) for each in pictures if (face := measured[each.path].embedding) is not None]
    tallies = _tallies(pictures, seen, zones)
    cohorts = face_report.cohorts(tallies, zones)
    for row in cohorts:
        of_it = [measured[each.path] for each in pictures if row["name"] in (ALL, each.cohort)]
        row["failures"] = face_report.failures(len(of_it), face_pictures.refusals(of_it))
    nearest = tallies[0].nearest_impostors
    facts: Facts = {
        "backend": face_report.backend_facts(backend),
        "people": len({picture.person for picture, _ in seen}),
        "failures": face_report.failures(len(measured), face_pictures.refusals(measured.values())),
        "duplicates": len(measured) - len({each.sha256 for each in measured.values()}),
        "nearest_impostors": nearest if nearest < accuracy.FARTHEST else None,
        "cohorts": cohorts,
        "note": face_report.DEPENDENCE,
    }
    if protocol:
        facts["lfw"] = lfw_protocol.judge(protocol, measured)
    return Survey(facts, tallies, zones)


def _tallies(pictures: Sequence[Picture], seen: Sequence[Seen], zones: Mapping[str, float]) -> list[Tally]:
    """All pairs, then each cohort by its name, also one of which no picture was accepted."""
    if len({picture.person for picture, _ in seen}) < 2:
        raise BadInput("there are no two people whose pictures were accepted")
    at = accuracy.edges(*zones.values())
    names = sorted({picture.cohort for picture in pictures} - {""})
    groups = [(ALL, seen), *((name, [each for each in seen if each[0].cohort == name]) for name in names)]
    return [
        accuracy.compare_all([face for _, face in group], [picture.person for picture, _ in group], name=name, at=at)
        for name, group in groups
    ]
