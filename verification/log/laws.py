"""What was taken of the law since this release, read from the entries `law.taken` of the logs.

A law file counts once it is ordered in both logs; where live mode is off, in the test log: the live
one is ordered once it is on. An entry that the root did not sign for this installation, or whose
file may not follow those before it, counts for nothing: the sequencer refuses it, and
`audit_verify` names it.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from django.db import Error
from django.db.models import QuerySet

from verification import transactions
from verification.core import events, law_rules
from verification.core.errors import BadInput
from verification.core.findings import Finding
from verification.core.law_file import Law
from verification.core.profiles import NO_AMENDMENTS, Amendments
from verification.log import keys
from verification.log.damaged import readable
from verification.models import AuditEntry, AuditLeaf

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2
"""How often a process asks whether more was taken. Ours: a year's value is taken weeks before it
counts.
"""
AGAIN_SECONDS: Final = 5
"""After a question that was not answered. Ours, as for the clock."""


@dataclass(frozen=True)
class Judged:
    """An entry of the log about the law: what it says, or why it counts for nothing."""

    entry: AuditEntry
    law: Law | None = None
    fault: BadInput | None = None


@dataclass(frozen=True)
class Begun:
    """From which index of a log on what was taken counts: a profile, by its id and by its hash, and
    a year's MCI.
    """

    profiles: Mapping[str, int] = field(default_factory=dict)
    years: Mapping[int, int] = field(default_factory=dict)
    amendments: tuple[tuple[int, Amendments], ...] = ()
    """All that was taken, behind each entry of the log about the law."""

    def at(self, leaf_index: int) -> Amendments:
        """What had been taken before an entry of the log."""
        return next(
            (law for index, law in reversed(self.amendments) if index < leaf_index), NO_AMENDMENTS
        )


@dataclass
class _State:
    looked_at: float = float("-inf")  # by the monotonic clock; later than now after a fault
    places: tuple[tuple[str, int], ...] = ()  # of the entries that were read last


_state = _State()


def look(is_urgent: bool) -> Amendments | None:
    """What counts in this process now, where more or less stands in the logs than at the last look;
    else None.

    One small statement every `LOOK_SECONDS`, or at once where it is urgent. A database that is away
    leaves things as they are. Raises Django's database errors where it is urgent.
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
            transactions.rest()
    _state.places = places
    logger.info("the law is read from the logs up to number %s", amendments.number)
    return amendments


def forget() -> None:
    """The next look reads everything."""
    _state.looked_at, _state.places = float("-inf"), ()


def read() -> Amendments:
    """What counts: the law files, in their order, that all logs that are kept here have ordered.

    Where two logs have another file of one number, that number counts for nothing, and the next
    goes on behind it. So does one that rested on what such a number says.
    """
    amendments = NO_AMENDMENTS
    for laws in zip(*(files(log) for log in keys.ordered_logs()), strict=False):
        try:
            if len({law.sha256 for law in laws}) > 1:
                raise BadInput(law_rules.CODES[law_rules.SPLIT], code=law_rules.SPLIT)
            amendments = law_rules.extended(amendments, laws[0], is_on_record=True)
        except BadInput as fault:
            logger.error("law file %s counts for nothing: %s", laws[0].number, fault.code)
            amendments = replace(amendments, number=laws[0].number, sha256="")
    return amendments


def files(log: str) -> list[Law]:
    """The law files that a log has ordered, in its order, each by the rules of its own log."""
    return [judged.law for judged in judge(ordered(log)) if judged.law]


def ordered(log: str) -> QuerySet[AuditEntry, AuditEntry]:
    """The entries about the law that a log has ordered, in its order."""
    entries = AuditEntry.objects.filter(log=log, type=events.LAW_TAKEN, leaf__log=log)
    return entries.select_related("leaf").order_by("leaf__leaf_index")


def waiting(log: str) -> Iterator[AuditEntry]:
    """Those that the log has yet to order, and has not refused."""
    entries = AuditEntry.objects.filter(
        log=log, type=events.LAW_TAKEN, leaf__isnull=True, pending__refused=False
    )
    return readable(entries.order_by("at", "id"))


def judge(
    on_record: QuerySet[AuditEntry, AuditEntry], unordered: Iterable[AuditEntry] = ()
) -> Iterator[Judged]:
    """Of each entry, in this order, what it says of the law, or why it counts for nothing after
    those before it.
    """
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
    """Why those of these unordered entries that are about the law may not be ordered, by id."""
    about = [entry for entry in entries if entry.type == events.LAW_TAKEN]
    reasons = dict[str, str]()
    for log in sorted({entry.log for entry in about} & set(keys.LOGS)):
        unordered = [entry for entry in about if entry.log == log]
        names = {entry.pk for entry in unordered}
        for judged in judge(ordered(log).exclude(pk__in=names), unordered):
            if judged.fault is not None and judged.entry.pk in names:
                reasons[judged.entry.pk] = f"{judged.fault.code}: {judged.fault.detail}"
    return reasons


def begun(log: str) -> Begun:
    """From which index of this log on what was taken counts, by its own entries."""
    places, years = dict[str, int](), dict[int, int]()
    amendments, after = NO_AMENDMENTS, list[tuple[int, Amendments]]()
    for judged in judge(ordered(log)):
        if judged.law is not None:
            index = judged.entry.leaf.leaf_index
            amendments = law_rules.extended(amendments, judged.law, is_on_record=True)
            after.append((index, amendments))
            for profile in judged.law.profiles:
                places |= {profile.id: index, profile.sha256: index}
            years |= {value.in_force_from.year: index for value in judged.law.values}
    return Begun(places, years, tuple(after))


def verify_laws(log: str) -> Iterator[Finding]:
    """A finding for every ordered entry about the law that counts for nothing, by the code of
    why.
    """
    others = {law.number: law.sha256 for other in keys.LOGS if other != log for law in files(other)}
    for judged in judge(ordered(log)):
        if (
            judged.law is not None
            and others.get(judged.law.number, judged.law.sha256) != judged.law.sha256
        ):
            index, name, code = judged.entry.leaf.leaf_index, judged.entry.pk, law_rules.SPLIT
            yield Finding(
                code=code, log=log, leaf_index=index, entry=name, detail=law_rules.CODES[code]
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
