"""What is kept about a person, in their words: each case as rows of a label and a text."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verification.borrower import wording
from verification.case import stages
from verification.core import spelling
from verification.core.codes import CONSENT_WITHDRAWN, UNFINISHED, ending_of
from verification.core.events import DOWNLOADED, REPLAYED, SUBJECT_READ, VIEWED
from verification.core.ids import is_id
from verification.core.status import Status
from verification.log.entries import Look
from verification.oversight import labels
from verification.subject import bundle
from verification.subject.bundle import Bundle, HeldCase

_KEPT: Final[Mapping[str, Promise]] = {
    bundle.ANSWERS: gettext_lazy("Your answers on the pages of the check"),
    bundle.SIGNATURE: gettext_lazy("What you signed, the signature and your certificate"),
    bundle.REGISTERS: gettext_lazy("Answers of state registers"),
    bundle.FACE: gettext_lazy("Pictures of your face from the camera"),
    bundle.DOCUMENT: gettext_lazy(
        "Signed documents of the check, with pictures if it had a camera"
    ),
    bundle.PEOPLE: gettext_lazy("Reasons that employees of the lender wrote"),
    bundle.MEASURED: gettext_lazy("Measurements and results of the check"),
}
_ROLES: Final[Mapping[str, Promise]] = {
    "review.viewed": gettext_lazy("An employee of the lender"),
    VIEWED: gettext_lazy("An official of the regulator"),
    REPLAYED: gettext_lazy("The operator, whose program judged it again"),
    DOWNLOADED: gettext_lazy("You, in the browser of the check"),
    SUBJECT_READ: gettext_lazy("You, as on this page"),
}
_OPEN: Final = {
    Status.REQUIRES_INPUT: gettext_lazy("The check waits for you."),
    Status.PROCESSING: gettext_lazy("The check goes on."),
    Status.IN_REVIEW: gettext_lazy("Two employees of the lender look at it."),
    Status.EXPIRED: gettext_lazy("The time for this check has run out"),
    Status.CANCELED: gettext_lazy("The lender has ended this check"),
    Status.VERIFIED: gettext_lazy("It was confirmed that you yourself asked for this loan."),
}


def context(told: Bundle) -> dict[str, Any]:
    """The content of the page, and of the file."""
    return {
        "cases": [_case(case) for case in told.cases],
        "unreadable": told.unreadable,
        "read_at": wording.moment(told.read_at),
    }


def _case(case: HeldCase) -> dict[str, Any]:
    return {
        "number": case.number,
        "lender": case.lender.name,
        "telephone": case.lender.phone,
        "telephone_shown": wording.telephone(case.lender.phone),
        "facts": list(_facts(case)),
        "kept": [
            (_("What the lender sent about you and the loan"), 1, _until(case.kept_until)),
            *((_KEPT[kept.kind], kept.number, _until(kept.until)) for kept in case.kept),
        ],
        "looks": [
            {
                "who": _who(look),
                "what": _looked_at(look),
                "times": look.times,
                "first": wording.moment(look.first),
                "last": wording.moment(look.last) if look.times > 1 else "",
            }
            for look in case.looks
        ],
        "is_damaged": case.is_damaged,
        "id": case.id,
        "may_erase": case.may_erase,
        "may_withdraw": case.may_withdraw,
    }


def _facts(case: HeldCase) -> Iterator[tuple[str, str]]:
    titles = stages.titles()
    yield _("Lender"), f"{case.lender.name}, {_('BIN')} {case.lender.bin}"
    yield _("Case number"), case.number
    yield _("Opened"), wording.moment(case.created_at)
    yield _("Loan asked for"), wording.money(case.loan.amount, case.loan.currency)
    if case.is_renewal:
        yield _("Kind"), _("Your second consent, after the contract")
    if case.routes:
        ways = ", ".join(str(titles.get(route, route)) for route in case.routes)
        yield _("Ways of checking"), ways
    yield _("What came of it"), outcome(case)
    if case.finished_at:
        yield _("Ended"), wording.moment(case.finished_at)
    yield _("Money"), _money(case)
    if case.obligation_opened_at:
        opened = spelling.day(case.obligation_opened_at)
        closed = _("not reported as ended")
        if case.obligation_closed_at:
            closed = spelling.day(case.obligation_closed_at)
        yield (
            _("Your debt, as the lender says"),
            _("from %(opened)s, ended: %(closed)s") % {"opened": opened, "closed": closed},
        )
    if case.disputed_at:
        yield _("Disputed since"), wording.moment(case.disputed_at)
    for reason in case.block.reasons if case.block else ():
        words = labels.BLOCKS.get((reason.type, reason.asked_by), reason.type)
        yield _("Blocked"), f"{words}: {wording.moment(reason.since)}"
        if reason.answer_due_at:
            yield _("An answer is due by"), spelling.day(reason.answer_due_at)


def outcome(case: HeldCase) -> str:
    """The public status in a sentence. Endings that must look alike read the same."""
    if case.status in _OPEN and case.code != CONSENT_WITHDRAWN:
        return str(_OPEN[Status(case.status)])
    end = UNFINISHED if case.status == Status.FAILED else ending_of(case.code, case.last_failure)
    return _(end.happened)


def _money(case: HeldCase) -> str:
    if case.paid:
        parts = [
            _("the lender was allowed to pay out %(amount)s, and used it on %(day)s")
            % {"amount": wording.money(amount, case.loan.currency), "day": spelling.day(at)}
            for at, amount in case.paid
        ]
        return "; ".join(parts)
    if case.is_cleared:
        return _("the lender was allowed to pay out, and has not used it here")
    return _("the lender was not allowed to pay out on this check")


def _until(at: datetime | None) -> str:
    if at is None:
        return _("no day yet: while the debt is open, and five years after it")
    return spelling.day(at)


def _who(look: Look) -> str | Promise:
    # An operator is named by an id, a browser by a hash.
    if look.type == SUBJECT_READ and is_id(look.who, prefix="usr"):
        return _("You, with two operators of this service")
    return _ROLES.get(look.type, _("The lender's computer system"))


def _looked_at(look: Look) -> str:
    words = labels.VIEWED if look.type == VIEWED else labels.LOOKS
    is_plain = look.type in (REPLAYED, SUBJECT_READ)
    return "" if is_plain else str(words.get(look.what, look.what))
