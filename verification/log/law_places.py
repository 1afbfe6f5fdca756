"""Does an entry rest on a law file that stands before it in its log? Nothing counts before its
entry.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime

from verification.core import almaty, profiles
from verification.core.clearance import PASSED
from verification.core.errors import BadInput, Misconfigured
from verification.core.events import CLEARED, REPORTED
from verification.core.findings import Finding
from verification.core.law_rules import EARLY, LAXER
from verification.course.entry import Body, listed, moment, text
from verification.log.laws import Begun
from verification.models import AuditEntry

_OF_CONTRACT = ("first_credit", "cooling_off")
"""Gates that count in MCI on the contract's day, too."""


def verify_begun(
    log: str, entries: Sequence[AuditEntry], *, forged: Collection[str], begun: Begun
) -> Iterator[Finding]:
    """A finding for each entry of these verifications that names a profile, or rests on an MCI,
    before it was taken.

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
            detail = "it was opened by a profile that asks less than the law of that day"
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
    """By what had been taken before it: a law that comes later makes no opening of before
    unlawful.
    """
    try:
        profile = profiles.pinned(text(opened.body, "profile_sha256"))
    except Misconfigured:  # named by itself: law_unknown
        return True
    taken = begun.at(opened.leaf.leaf_index)
    return profiles.is_lawful(profile, mode=opened.log, at=opened.at, amendments=taken)


def _days(entry: AuditEntry, opened: Body, report: Body) -> Iterator[date]:
    """The days on whose MCI a clearance that was issued rests."""
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
    except (BadInput, Misconfigured):  # named by itself: law_unknown
        return False
    return any(law.amount_max_mci is not None for law in laws)


def _is_known(day: date, entry: AuditEntry, begun: Begun) -> bool:
    """Whether the code ships the value of this day's year, or the entry stands behind the file that
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
