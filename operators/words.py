"""What the operators' pages call things: values, refusals of the log, and help beside a field."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from django.utils.functional import Promise
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from verification.core import spelling
from verification.core.events import API_KEY, LENDER, PERSON
from verification.oversight import labels
from verification.oversight.refusals import RefusedEntry

_ID_SIGNS: Final = 8
"""Of a passkey's id on a page: enough to tell a person's keys apart."""
Sentences = Mapping[str, str | Promise]

KINDS: Final[Sentences] = {
    PERSON: _("A person"),
    LENDER: _("A lender"),
    API_KEY: _("A live key"),
}
_CALENDAR = _(
    'A list such as [{"from": "2026-01-26", "profile": "KZ-2026-01"}]: each profile counts from its'
    " day on."
)
_ADDRESSES = _(
    'A list such as ["https://lender.kz/done"]: https, each once, without a query. Borrowers return'
    " to these alone."
)
_PHONE = _("Such as +77270000044, without blanks. Every last page of a borrower names it.")
_BIN = _("A BIN has 12 digits: the fifth is 4 or more, the last is a check digit.")
_NAME = _("1 to 200 signs that are seen, with single blanks.")

HELP_OF_PERSON: Final[Sentences] = {
    "lender": _("For a reviewer alone."),
    "is_active": _("Without the tick the person cannot sign in."),
}
FAULTS_OF_PERSON: Final[Mapping[str, Sentences]] = {
    "email": {"unique": _("A person with this address is on record already.")}
}
HELP_OF_LENDER: Final[Sentences] = {
    "phone": _PHONE,
    "bin": _BIN,
    "test_calendar": _CALENDAR,
    "live_calendar": _CALENDAR,
    "return_urls": _ADDRESSES,
}
_FAULTS_OF_CALENDAR: Final[Sentences] = {
    "calendar_malformed": _CALENDAR,
    "calendar_unordered": _("Each profile begins on a later day than the one before."),
    "calendar_too_early": _("No law that is known here was in force on a first day."),
    "calendar_too_lax": _("A profile asks for less than the law of its first day."),
    "calendar_empty": _("The lender has live keys: name their profile."),
    "profile_unknown": _("There is no profile of this name."),
}
FAULTS_OF_LENDER: Final[Mapping[str, Sentences]] = {
    "name": dict.fromkeys(("type_wrong", "length_wrong", "text_malformed"), _NAME),
    "bin": {
        "bin_malformed": _BIN,
        "unique": _("A lender with this BIN is on record already."),
    },
    "phone": {"phone_malformed": _PHONE},
    "test_calendar": _FAULTS_OF_CALENDAR,
    "live_calendar": _FAULTS_OF_CALENDAR,
    "return_urls": dict.fromkeys(("type_wrong", "url_malformed"), _ADDRESSES),
}
FAULTS_OF_KEY: Final[Sentences] = {
    "cidr_malformed": _("A network is written like 203.0.113.0/24 or 2001:db8::/48."),
    "misconfigured": _(
        "No live key can be made. Live mode must be complete, and the lender needs legal profiles"
        " for it. Networks need TULGA_TRUSTED_PROXIES."
    ),
}

DOCUMENTS: Final[Sentences] = {
    "identity_card": _("Identity card"),
    "passport": _("Passport"),
    "residence_permit": _("Residence permit of a foreigner"),
    "stateless": _("Certificate of a person without citizenship"),
}
PHASES: Final[Sentences] = {
    "draft": _("The first operator has not signed yet"),
    "asked": _("A second operator must vouch"),
    "vouched": _("The second operator may show it"),
    "over": _("Over"),
}
FAULTS_OF_MEETING: Final[Sentences] = {
    "iin_malformed": _("An IIN is 12 digits with a valid date and check digit."),
    "bad_answer": _("Choose the kind of the document, and type in its number."),
}
FAULT_OF_IIN: Final = _("This IIN is of another kind than the people who are checked here.")
REFUSALS_OF_MEETING: Final[Sentences] = {
    "proposal_ended": _("This request is not open any more, or was shown already."),
    "proposal_of_two": _("Another operator does this."),
    "approval_invalid": _("One of the two is no operator as the log states it."),
}

_REFUSALS: Final = (
    gettext_noop("it is no leaf"),
    gettext_noop("it has no signature"),
    gettext_noop("it differs from what was signed"),
    gettext_noop("the signature that it names is not over it"),
    gettext_noop("the root did not certify the key that signed it"),
    gettext_noop("the key that signed it was revoked"),
    gettext_noop("an entry that was signed with it is missing"),
    gettext_noop("an entry signed with it requires no signature, or stands in another log"),
    gettext_noop("its actor is of another kind"),
    gettext_noop("two operators or the root must approve it"),
    gettext_noop("the root did not sign this statement"),
    gettext_noop("the operators had been shown something else"),
    gettext_noop("the operators did not see its"),
    gettext_noop("not proposed"),
    gettext_noop("not confirmed"),
    gettext_noop("an operator does not approve a change of themselves"),
    gettext_noop("one operator approved it twice"),
    gettext_noop("no statement names this person"),
    gettext_noop("this person was no operator then"),
    gettext_noop("this person was no reviewer of this lender then"),
    gettext_noop("this person's passkey did not sign it"),
    gettext_noop("its assertion cannot be read"),
    gettext_noop("its assertion does not hold"),
    gettext_noop("the passkey that signed it is not this person's"),
    gettext_noop("its approval cannot be read"),
    gettext_noop("it does not have the code of an invitation"),
    gettext_noop("an invitation counts once"),
    gettext_noop("the person had been shown something else"),
    gettext_noop("a person changes their passkeys alone"),
    gettext_noop("key signed it, and may not"),
)
"""Why the log refuses an entry, as `tick` logs it; some go on with the name of a field or code."""


class Refusal(NamedTuple):
    """A refused entry in the reader's words. Each is empty without one."""

    type: str
    log: str
    why: str
    row_status: str
    last_ordered: str


def refusal(entry: RefusedEntry) -> Refusal:
    """The words for an entry that the log refuses."""
    return Refusal(
        type=str(labels.ENTRIES.get(entry.type, "")),
        log=str(labels.MODES.get(entry.log, entry.log)),
        why=reason(entry.why),
        row_status=str(labels.STATUSES.get(entry.row_status, entry.row_status)),
        last_ordered=str(labels.ENTRIES.get(entry.last_ordered, entry.last_ordered)),
    )


def reason(fault: str) -> str:
    """A reason of the log; its names and codes stay."""
    for phrase in sorted(_REFUSALS, key=len, reverse=True):
        before, is_there, after = fault.partition(phrase)
        if is_there:
            return f"{before}{gettext(phrase)}{reason(after)}"
    return fault


def values(stored: Any) -> list[str]:
    """A stored value, as people read it; each item of a list has a line."""
    if isinstance(stored, bool):
        return [gettext("yes") if stored else gettext("no")]
    if isinstance(stored, datetime):
        return [gettext("%(time)s (Astana time)") % {"time": spelling.minute(stored)}]
    if isinstance(stored, list):
        return [line for item in stored for line in values(item)]
    if isinstance(stored, dict) and stored.keys() == {"from", "profile"}:
        fields = {"profile": stored["profile"], "day": _day(stored["from"])}
        return [gettext("%(profile)s from %(day)s on") % fields]
    if isinstance(stored, dict) and "public_key" in stored:
        return [f"{str(stored.get('id'))[:_ID_SIGNS]}… ({stored.get('origin')})"]
    if isinstance(stored, dict):
        return [", ".join(f"{name} {item}" for name, item in stored.items())]
    return [] if stored in (None, "") else [str(stored)]


def _day(stored: Any) -> str:
    """A day of a calendar; what SQL made unreadable stays."""
    try:
        return spelling.day(date.fromisoformat(stored))
    except (TypeError, ValueError):
        return str(stored)


def shown(column: Any, stored: Any) -> SafeString:
    """The value of a column: the word of a choice, the name of a row."""
    if stored and column.is_relation:
        row = column.related_model._default_manager.filter(pk=stored).first()
        return lines([f"{row} ({stored})" if row else str(stored)])
    if column.choices and isinstance(stored, str):
        return lines([str(dict(column.flatchoices).get(stored, stored))])
    if stored == []:
        return lines([gettext("any") if column.name == "cidrs" else gettext("none")])
    return lines(values(stored))


def lines(texts: list[str]) -> SafeString:
    """Several texts under each other."""
    return format_html_join(mark_safe("<br>"), "{}", ((text,) for text in texts))
