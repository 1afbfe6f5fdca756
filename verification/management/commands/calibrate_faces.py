"""`manage.py calibrate_faces`: what the distances of a net mean on your own pairs of photographs, and the zones."""

import hashlib
import json
from argparse import ArgumentTypeError
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from verification.core.errors import BadInput, TulgaError
from verification.engines.faces import accuracy, calibrating, calibration
from verification.engines.faces.accuracy import Tally
from verification.engines.faces.backends import Backend
from verification.engines.faces.calibrating import ALL
from verification.engines.faces.embedding import distance
from verification.management import det_svg, face_pairs, face_pictures, face_report
from verification.management.face_pairs import Pair
from verification.management.face_pictures import Measured
from verification.management.face_report import Facts

# Half of what live mode lets be, so that a calibration stays fit when pairs are added: NIST SP 800-63A-4 asks 1:10 000.
TARGET_FMR = 1e-4
# How many of the honest may lie beyond the review zone. Ours: the shipped zones miss 4 % of one cohort, 7 of all.
REVIEW_FNMR = 0.05
_CONDITIONS_MAX = 1200  # characters; what we add to them has room in a calibration


class Command(BaseCommand):
    """Exits with 0 where a calibration was written; 1 where the pairs cannot be read or do not show enough."""

    help = (
        "Measure FMR and FNMR of the face backend by distance and cohort on PAIRS.csv (columns reference, probe, same, "
        "cohort; paths below its folder), propose zones, and write the calibration for TULGA_FACE_CALIBRATION. "
        "Use pictures of people who consented to it. Nothing is written where the data do not support a zone."
    )
    # It measures files, on a machine that may have no database and no deployment.
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The command line."""
        parser.add_argument("pairs", type=Path, metavar="PAIRS.csv")
        parser.add_argument("--conditions", required=True, type=_conditions, help="who, where and how, in a sentence")
        parser.add_argument("--target-fmr", type=_rate, default=TARGET_FMR, help="of the match zone; %(default)s")
        parser.add_argument("--review-fnmr", type=_rate, default=REVIEW_FNMR, help="beyond review; %(default)s")
        parser.add_argument("--output", type=Path, metavar="FILE", help="the calibration; else it is printed")
        parser.add_argument("--report", type=Path, metavar="FILE", help="rates with intervals and refusals, as JSON")
        parser.add_argument("--det", type=Path, metavar="DIR", help="DET curves by cohort, as det.svg")
        face_pictures.add_backend(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Writes the calibration, and to stderr what else an operator must know."""
        try:
            self._calibrate(options)
        except TulgaError as error:
            raise CommandError(f"no calibration: {error.detail or error.code}") from None
        except OSError as error:
            raise CommandError(f"no calibration: {error.filename} cannot be written: {error.strerror}") from None

    def _calibrate(self, options: dict[str, Any]) -> None:
        # What was measured before is no concern of what is measured now: it may be of another net.
        backend = face_pictures.backend_of(options, calibration=None)
        pairs, measured = _measured(options["pairs"], backend)
        tallies = _tallies(pairs, measured)
        zones = accuracy.propose(tallies, target_fmr=options["target_fmr"], review_fnmr=options["review_fnmr"])
        digest, today = _digest(pairs, measured), timezone.now().date()
        refused = face_pictures.refusals(measured.values())
        written = calibrating.spell(
            tallies,
            name=f"own-{today.isoformat()}.{digest[:16]}",
            embedding=backend.embedding,
            model_sha256=backend.sha256,
            made_on=today,
            conditions=_told(options, digest=digest, pictures=len(measured), refused=refused),
            zones=zones,
        )
        report = {
            "data_sha256": digest,
            "backend": face_report.backend_facts(backend),
            "failures": face_report.failures(len(measured), refused),
            "zones": dict(zip(("match", "review"), zones, strict=True)),
            "cohorts": _cohorts(pairs, measured, tallies, zones),
            "dependent": face_report.dependent(tallies, needed=accuracy.pairs_needed(options["target_fmr"])),
            "unfit_for_live": calibration.read(written).unfit_for_live(),
            "note": face_report.DEPENDENCE,
        }
        self._write(written, report, tallies, options)

    def _write(self, written: bytes, report: Mapping[str, Any], tallies: Sequence[Tally], options: Any) -> None:
        if options["report"]:
            text = json.dumps(report, ensure_ascii=False, indent=1)
            options["report"].write_text(text + "\n", encoding="utf-8")
        if options["det"]:
            options["det"].mkdir(parents=True, exist_ok=True)
            drawing = det_svg.draw(tallies, zones=list(report["zones"].values()), title="DET of the calibrated net")
            (options["det"] / "det.svg").write_text(drawing, encoding="utf-8")
        if options["output"]:
            options["output"].write_bytes(written)
        else:
            self.stdout.write(written.decode(), ending="")
        for sentence in report["unfit_for_live"]:
            self.stderr.write(f"not fit for live: {sentence}")
        for sentence in report["dependent"]:
            self.stderr.write(f"more people are better: {sentence}")


def _measured(path: Path, backend: Backend) -> tuple[tuple[Pair, ...], dict[str, Measured]]:
    """The pairs, and each picture once. Raises `BadInput` also where one picture has two names: that is no evidence."""
    try:
        with path.open("rb") as file:
            pairs = face_pairs.parse(file.read(face_pairs.MAX_BYTES + 1))
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    places = face_pairs.locate(path.parent, frozenset(name for pair in pairs for name in (pair.reference, pair.probe)))
    measured = face_pictures.measure_all(places.values(), backend)
    names: dict[str, str] = {}
    for name, place in places.items():
        if (other := names.setdefault(measured[place].sha256, name)) != name:
            raise BadInput(f"{other} and {name} are one picture under two names")
    return pairs, {name: measured[place] for name, place in places.items()}


def _tallies(pairs: Sequence[Pair], measured: Mapping[str, Measured]) -> list[Tally]:
    """All pairs, then each cohort by its name. Raises `BadInput` for one without pairs of both kinds.

    Such a cohort would be one that the zones do not hold in, and nobody would see it.
    """
    people, at = face_pairs.people_of(tuple(pairs)), accuracy.edges()
    groups: dict[str, list[tuple[Pair, float]]] = {ALL: [], **{pair.cohort: [] for pair in pairs if pair.cohort}}
    for pair in pairs:
        reference, probe = measured[pair.reference].embedding, measured[pair.probe].embedding
        if reference is not None and probe is not None:
            found = (pair, distance(reference, [probe]).value)
            groups[ALL].append(found)
            if pair.cohort:
                groups[pair.cohort].append(found)
    tallies = [
        Tally(
            name,
            len({people[each] for pair, _ in groups[name] for each in (pair.reference, pair.probe)}),
            at,
            accuracy.counted((apart for pair, apart in groups[name] if pair.same), at),
            accuracy.counted((apart for pair, apart in groups[name] if not pair.same), at),
        )
        for name in [ALL, *sorted(groups.keys() - {ALL})]
    ]
    if lacking := [
        f"{tally.name} has {tally.impostor_pairs} impostor and {tally.genuine_pairs} genuine"
        for tally in tallies
        if not (tally.genuine_pairs and tally.impostor_pairs)
    ]:
        raise BadInput(f"each cohort needs pairs of both kinds whose pictures were accepted: {', '.join(lacking)}")
    return tallies


def _cohorts(
    pairs: Sequence[Pair], measured: Mapping[str, Measured], tallies: Sequence[Tally], zones: Sequence[float]
) -> list[Facts]:
    steps = sorted({*calibrating.hundredths(tallies), *zones})
    rows = face_report.cohorts(tallies, {f"{step:.2f}": step for step in steps})
    for row in rows:
        own = [pair for pair in pairs if row["name"] in (ALL, pair.cohort)]
        pictures = [measured[name] for name in {name for pair in own for name in (pair.reference, pair.probe)}]
        row["failures"] = face_report.failures(len(pictures), face_pictures.refusals(pictures))
    return rows


def _digest(pairs: Sequence[Pair], measured: Mapping[str, Measured]) -> str:
    """SHA-256 over the sorted hashes of the files and the sorted rows, in which hashes stand for names."""
    files = sorted(each.sha256 for each in measured.values())
    rows = sorted(
        f"{measured[pair.reference].sha256} {measured[pair.probe].sha256} {int(pair.same)} {pair.cohort}"
        for pair in pairs
    )
    return hashlib.sha256("\n".join([*files, *rows]).encode()).hexdigest()


def _told(options: Mapping[str, Any], *, digest: str, pictures: int, refused: Mapping[str, int]) -> str:
    codes = ", ".join(f"{code} {count}" for code, count in refused.items()) or "none"
    sentences = [
        options["conditions"],
        f"Data SHA-256 {digest}. {pictures} pictures, refused: {codes}.",
        f"Match: FMR at most {options['target_fmr']:g} in each cohort with 95 % certainty; review: FNMR at most "
        f"{options['review_fnmr']:g}.",
        face_report.DEPENDENCE,
    ]
    return " ".join(sentences)


def _conditions(untrusted: str) -> str:
    if not 0 < len(untrusted) <= _CONDITIONS_MAX or not untrusted.isprintable():
        raise ArgumentTypeError(f"a sentence of at most {_CONDITIONS_MAX} characters")
    return untrusted


def _rate(untrusted: str) -> float:
    try:
        found = float(untrusted)
    except ValueError:
        found = 0.0
    if not 1e-9 <= found < 1:
        raise ArgumentTypeError("a rate is a number such as 1e-4")
    return found
