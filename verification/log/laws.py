"""Law files signed since this release, from the entries `law.taken` of the logs.

A law file counts once both logs have ordered it; without live mode, once the test log has.
The live log gets it when live mode is switched on.
An entry is invalid without the root's signature for this installation, or if its file may not
follow the earlier ones.
The sequencer refuses it, and `audit_verify` reports it.
"""

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final

from django.db import Error
from django.db.models import QuerySet

from verification import transactions
from verification.core import almaty, events, law_file, law_rules, profiles
from verification.core.clearance import PASSED
from verification.core.codes import LAW_FILES
from verification.core.errors import BadInput, Misconfigured
from verification.core.events import CLEARED, REPORTED
from verification.core.findings import Finding
from verification.core.law_file import Law, Signed
from verification.core.law_rules import EARLY, LAXER
from verification.core.profiles import NO_AMENDMENTS, Amendments
from verification.course.entry import Body, listed, moment, text
from verification.log import keys, log
from verification.log.damaged import readable
from verification.models import AuditEntry, AuditLeaf

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2
"""How often a process checks for new law files. Ours: a year's value arrives weeks before it
counts.
"""
AGAIN_SECONDS: Final = 5
"""The interval after a failed check. Ours, as for the clock."""


@dataclass(frozen=True)
class Judged:
    """A log entry about the law: its content, or why it does not count."""

    entry: AuditEntry
    law: Law | None = None
    fault: BadInput | None = None


@dataclass(frozen=True)
class Begun:
    """The log index from which on a profile, by id and hash, and a year's MCI count."""

    profiles: Mapping[str, int] = field(default_factory=dict)
    years: Mapping[int, int] = field(default_factory=dict)
    amendments: tuple[tuple[int, Amendments], ...] = ()
    """All law files after each log entry about the law."""

    def at(self, leaf_index: int) -> Amendments:
        """The law files before a log entry."""
        return next(
            (law for index, law in reversed(self.amendments) if index < leaf_index), NO_AMENDMENTS
        )


@dataclass
class _State:
    looked_at: float = float("-inf")  # by the monotonic clock; later than now after a fault
    places: tuple[tuple[str, int], ...] = ()  # of the entries read last


_state = _State()


def look(is_urgent: bool) -> Amendments | None:
    """What counts in this process now, if the logs changed since the last look; else None.

    One small statement every `LOOK_SECONDS`, or at once if urgent. Without the database the state
    stays.

    Raises: Django's database errors if urgent.
    """
    if not is_urgent and time.monotonic() < _state.looked_at + LOOK_SECONDS:
        return None
    _state.looked_at = time.monotonic()
    try:
        with transactions.looking_up("law"):
            placed = AuditLeaf.objects.filter(entry__type=events.LAW_TAKEN).order_by(
                "log", "leaf_index"
            )
            places = tuple(placed.values_list("log", "leaf_index"))
            if places == _state.places:
                return None
            amendments = read()
    except Error as error:
        if is_urgent:
            raise
        _state.looked_at = time.monotonic() + AGAIN_SECONDS - LOOK_SECONDS
        logger.warning("the law could not be read from the logs (%s)", type(error).__name__)
        return None
    finally:
        if not is_urgent:
            transactions.end_reading()
    _state.places = places
    logger.info("the law is read from the logs up to number %s", amendments.number)
    return amendments


def forget() -> None:
    """The next look reads everything."""
    _state.looked_at, _state.places = float("-inf"), ()


def read() -> Amendments:
    """The valid law files, in order, that all logs kept here have ordered.

    A number with different files in two logs does not count, and the next one follows directly.
    A file that depends on such a number does not count either.
    """
    amendments = NO_AMENDMENTS
    for laws in zip(*(files(name) for name in keys.ordered_logs()), strict=False):
        try:
            if len({law.sha256 for law in laws}) > 1:
                raise BadInput(LAW_FILES[law_rules.SPLIT].law_file, code=law_rules.SPLIT)
            amendments = law_rules.extended(amendments, laws[0], is_on_record=True)
        except BadInput as fault:
            logger.error("law file %s does not count: %s", laws[0].number, fault.code)
            amendments = replace(amendments, number=laws[0].number, sha256="")
    return amendments


def files(log: str) -> list[Law]:
    """The law files that a log has ordered, in order, each by the rules of its own log."""
    return [judged.law for judged in judge(ordered(log)) if judged.law]


def ordered(log: str) -> QuerySet[AuditEntry, AuditEntry]:
    """The entries about the law that a log has ordered, in order."""
    entries = AuditEntry.objects.filter(log=log, type=events.LAW_TAKEN, leaf__log=log)
    return entries.select_related("leaf").order_by("leaf__leaf_index")


def waiting(log: str) -> Iterator[AuditEntry]:
    """Those that wait for the log and are not refused."""
    entries = AuditEntry.objects.filter(
        log=log, type=events.LAW_TAKEN, leaf__isnull=True, pending__refused=False
    )
    return readable(entries.order_by("at", "id"))


def judge(
    on_record: QuerySet[AuditEntry, AuditEntry], unordered: Iterable[AuditEntry] = ()
) -> Iterator[Judged]:
    """For each entry, in this order, its content, or why it may not follow the earlier ones."""
    amendments = NO_AMENDMENTS
    for entries, is_on_record in ((readable(on_record), True), (unordered, False)):
        for entry in entries:
            try:
                law = keys.law_of(entry)
                amendments = law_rules.extended(amendments, law, is_on_record=is_on_record)
            except BadInput as fault:
                yield Judged(entry, fault=fault)
            else:
                yield Judged(entry, law=law)


def faults(entries: Iterable[AuditEntry]) -> dict[str, str]:
    """Why these unordered entries about the law may not be ordered, by id."""
    about = [entry for entry in entries if entry.type == events.LAW_TAKEN]
    reasons = dict[str, str]()
    for name in sorted({entry.log for entry in about} & set(keys.LOGS)):
        unordered = [entry for entry in about if entry.log == name]
        names = {entry.pk for entry in unordered}
        for judged in judge(ordered(name).exclude(pk__in=names), unordered):
            if judged.fault is not None and judged.entry.pk in names:
                reasons[judged.entry.pk] = f"{judged.fault.code}: {judged.fault.detail}"
    return reasons


def begun(log: str) -> Begun:
    """The index of this log from which on each law file counts, by its own entries."""
    places, years = dict[str, int](), dict[int, int]()
    amendments, amended = NO_AMENDMENTS, list[tuple[int, Amendments]]()
    for judged in judge(ordered(log)):
        if judged.law is not None:
            index = judged.entry.leaf.leaf_index
            amendments = law_rules.extended(amendments, judged.law, is_on_record=True)
            amended.append((index, amendments))
            for profile in judged.law.profiles:
                places |= {profile.id: index, profile.sha256: index}
            years |= {value.in_force_from.year: index for value in judged.law.values}
    return Begun(places, years, tuple(amended))


def verify_laws(log: str) -> Iterator[Finding]:
    """A finding for every ordered entry about the law that does not count, with the code of the
    reason.
    """
    hashes = {
        law.number: law.sha256
        for other_log in keys.LOGS
        if other_log != log
        for law in files(other_log)
    }
    for judged in judge(ordered(log)):
        if (
            judged.law is not None
            and hashes.get(judged.law.number, judged.law.sha256) != judged.law.sha256
        ):
            index, name, code = judged.entry.leaf.leaf_index, judged.entry.pk, law_rules.SPLIT
            yield Finding(
                code=code, log=log, leaf_index=index, entry=name, detail=LAW_FILES[code].law_file
            )
        if judged.fault is not None:
            index, name = judged.entry.leaf.leaf_index, judged.entry.pk
            yield Finding(
                code=judged.fault.code,
                log=log,
                leaf_index=index,
                entry=name,
                detail=judged.fault.detail,
            )


_OF_CONTRACT = ("first_credit", "cooling_off")
"""Gates that also count in MCI on the contract's day."""


def verify_begun(
    log: str, entries: Sequence[AuditEntry], *, forged: Collection[str], begun: Begun
) -> Iterator[Finding]:
    """A finding for each entry of these verifications that uses a profile or an MCI before its law
    file.

    entries: all of these verifications, ordered, each with its leaf.
    """
    counted = [
        entry for entry in entries if entry.pk not in forged and isinstance(entry.body, dict)
    ]
    opened = {
        entry.verification_id: entry for entry in counted if entry.type == "verification.created"
    }
    signed = {entry.verification_id: entry for entry in counted if entry.type == REPORTED}
    for entry in counted:
        if entry.type == "verification.created" and not _is_lawful(entry, begun):
            detail = "its profile is laxer than the law of its opening day"
            index, name = entry.leaf.leaf_index, entry.pk
            yield Finding(code=LAXER, log=log, leaf_index=index, entry=name, detail=detail)
        names = (text(entry.body, "profile_sha256"), text(entry.body, "profile"))
        places = [begun.profiles[name] for name in names if name in begun.profiles]
        if any(entry.leaf.leaf_index <= place for place in places):
            yield _finding(
                log,
                entry,
                f"it names the profile {text(entry.body, 'profile')} before that was taken",
            )
        if entry.type == CLEARED:
            first, report = opened.get(entry.verification_id), signed.get(entry.verification_id)
            days = _days(entry, first.body if first else {}, report.body if report else {})
            for year in sorted({day.year for day in days if not _is_known(day, entry, begun)}):
                yield _finding(log, entry, f"it rests on the MCI of {year} before that was taken")


def _is_lawful(opened: AuditEntry, begun: Begun) -> bool:
    """By the law files before it: a later one makes no earlier opening unlawful."""
    try:
        profile = profiles.pinned(text(opened.body, "profile_sha256"))
    except Misconfigured:  # reported separately: law_unknown
        return True
    book = begun.at(opened.leaf.leaf_index)
    return profiles.is_lawful(profile, mode=opened.log, at=opened.at, amendments=book)


def _days(entry: AuditEntry, opened: Body, report: Body) -> Iterator[date]:
    """The days whose MCI an issued clearance uses."""
    listing = [gate for gate in listed(entry.body, "gates") if isinstance(gate, dict)]
    gates = {text(gate, "name"): text(gate, "status") for gate in listing}
    is_of_contract = any(gates.get(name) == PASSED for name in _OF_CONTRACT)
    if is_of_contract or _limits_the_sum(entry.body, opened):
        yield almaty.day_of(entry.at)
    signed_at: datetime | None = moment(report, "signed_at")
    if is_of_contract and signed_at and text(report, "contract") == text(entry.body, "contract"):
        yield almaty.day_of(signed_at)


def _limits_the_sum(body: Body, opened: Body) -> bool:
    try:
        laws = (
            profiles.pinned(text(opened, "profile_sha256")),
            profiles.get(text(body, "profile")),
        )
    except (BadInput, Misconfigured):  # reported separately: law_unknown
        return False
    return any(law.amount_max_mci is not None for law in laws)


def _is_known(day: date, entry: AuditEntry, begun: Begun) -> bool:
    """Whether the code ships the value of this day's year, or the entry follows the file that
    brought it.
    """
    is_shipped = any(
        value.in_force_from.year == day.year and value.in_force_from <= day
        for value in profiles.MCI_VALUES
    )
    return is_shipped or begun.years.get(day.year, entry.leaf.leaf_index) < entry.leaf.leaf_index


def _finding(log: str, entry: AuditEntry, detail: str) -> Finding:
    return Finding(
        code=EARLY, log=log, leaf_index=entry.leaf.leaf_index, entry=entry.pk, detail=detail
    )


def take(untrusted: bytes) -> tuple[Signed, tuple[str, ...]]:
    """Records a signed law file in each log that lacks it; returns the file, and those logs.

    It counts once both logs have ordered it. After a crash between the two logs the same call
    completes it.

    Raises: `BadInput` with a code of `core/law_rules.py`; then nothing is written.
    """
    signed = law_file.read_signed(untrusted)
    keys.require_law(signed)
    with transactions.writing():
        _require_unsplit(signed)
        lacking = tuple(name for name in keys.LOGS if _lacks(name, signed))
        if not lacking:
            why = LAW_FILES["law_replayed"].law_file
            detail = f"{why}: number {signed.law.number} stands in both logs"
            raise BadInput(detail, code="law_replayed")
        for name in lacking:
            log.append(log=name, type=events.LAW_TAKEN, body=signed.body)
    return signed, lacking


def keep_read() -> None:
    """Makes this process read its law book from the logs."""
    profiles.read_amendments_by(look)


def _require_unsplit(signed: Signed) -> None:
    """Raises: `BadInput` (law_split) if a log has, or awaits, another file of this number."""
    for name in keys.LOGS:
        for judged in judge(ordered(name), waiting(name)):
            law = judged.law
            if law and law.number == signed.law.number and law.sha256 != signed.law.sha256:
                raise BadInput(
                    f"the {name} log has another file of number {law.number}", code="law_split"
                )


def _lacks(name: str, signed: Signed) -> bool:
    """Whether this log lacks the file.

    Raises: `BadInput` if it may not follow the log's files.
    """
    there = [judged.law for judged in judge(ordered(name), waiting(name)) if judged.law]
    if signed.law.sha256 in {law.sha256 for law in there}:
        return False
    law_rules.extended(law_rules.all_of(tuple(there)), signed.law)
    return True
