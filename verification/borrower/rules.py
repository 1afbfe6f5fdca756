"""What each legal profile asks, for anybody to read: no verification, no session, nothing
personal.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from verification.borrower import public, wording
from verification.borrower.asked import asked_in
from verification.case import stages
from verification.core import profiles, spelling
from verification.core.profiles import NOT_IN_FORCE, PROFILES, RENEWAL, Profile, Status


@require_safe
@public.for_anybody
def rules(request: HttpRequest) -> HttpResponse:
    """All profiles, the newest first, and the values of the MCI."""
    titles = stages.titles()
    cards = [
        {
            "of": each,
            "status": _status(each),
            "status_source": _status_source(each),
            "ways": [
                " + ".join(str(titles.get(route, route)) for route in routes)
                for routes in each.combinations
            ],
            "asked": [(name, sentence) for name, sentence in _gates(each) if sentence],
            "not_asked": [name for name, sentence in _gates(each) if not sentence],
            "asked_of": list(asked_in(each)),
            "source": _(each.source) if each.id in PROFILES else each.source,
        }
        for each in reversed([*profiles.book().values()])
    ]
    values = [
        {
            "since": value.in_force_from,
            "one": wording.money(str(value.tenge), spelling.TENGE),
            "seventy_five": wording.money(str(75 * value.tenge), spelling.TENGE),
            "source": _(value.source) if value in profiles.MCI_VALUES else value.source,
        }
        for value in sorted(
            profiles.mci_values(), key=lambda value: value.in_force_from, reverse=True
        )
    ]
    renewal = {
        "of": RENEWAL,
        "status": _status(RENEWAL),
        "way": titles["renewal"],
        "asked_of": list(asked_in(RENEWAL)),
        "source": _(RENEWAL.source),
    }
    context = {
        "cards": cards,
        "renewal": renewal,
        "values": values,
        "law": profiles.current_amendments(),
    }
    return render(request, "rules.html", context)


def _status(profile: Profile) -> str:
    """How far it has come, in words. What a law file says of it is shown in the words of that
    file.
    """
    day = spelling.day(profile.since)
    if profile.status is Status.IN_FORCE:
        return _("in force from %(day)s") % {"day": day}
    if profile.status is Status.ADOPTED:
        return _("adopted; the day it comes into force is not known (as of %(day)s)") % {"day": day}
    return _("announced, not adopted (as of %(day)s)") % {"day": day}


def _status_source(profile: Profile) -> str:
    """The source of a status that a law file has changed, or what is missing while one that the
    code ships waits.
    """
    if changes := profiles.current_amendments().changes_of(profile.id):
        return changes[-1].source
    return _(NOT_IN_FORCE.get(profile.id, "")) if profile.status is not Status.IN_FORCE else ""


def _gates(of: Profile) -> list[tuple[str, str]]:
    """What is asked before the money leaves: a name and a sentence each, an empty one where it is
    not asked.
    """
    sum_max = _("at most %(mci)s MCI") % {"mci": of.amount_max_mci} if of.amount_max_mci else ""
    ages = {"below": of.confirmed_below_years, "from": of.confirmed_from_years}
    age = (
        _("younger than %(below)s, or %(from)s and older: the consent is confirmed once more")
        % ages
    )
    visit = _("over %(mci)s MCI: a visit to the lender") % {"mci": of.visit_over_mci}
    waits = {"mci": of.cooling_off_over_mci, "hours": of.cooling_off_hours}
    waiting = (
        _("over %(mci)s MCI in one day: %(hours)s h after the contract, and then a new consent")
        % waits
    )
    refusal = _("must not be on record: asked at most %(seconds)s s before") % {
        "seconds": of.stop_credit_max_age_seconds
    }
    minutes = (of.account_owner_max_age_seconds or 0) // 60
    owner = _("must be the borrower: asked at most %(minutes)s min before") % {"minutes": minutes}
    return [
        (_("Age of the check"), _("at most %(hours)s h") % {"hours": of.valid_for_seconds // 3600}),
        (_("Sum"), sum_max or _("at most what the check was made for")),
        (
            _("Age of the borrower"),
            age if of.confirmed_below_years or of.confirmed_from_years else "",
        ),
        (_("First online credit"), visit if of.visit_over_mci else ""),
        (_("Cooling-off"), waiting if of.cooling_off_hours else ""),
        (
            _("Refusal of all credits (Stop-credit)"),
            refusal if of.stop_credit_max_age_seconds else "",
        ),
        (_("Owner of the account"), owner if of.account_owner_max_age_seconds else ""),
    ]
