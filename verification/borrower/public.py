"""Public pages: no verification, no session, no cookie. They may be cached, indexed and printed.

`/about`: who runs this address, the lenders served, and the key that signs the log.
`/rules`: the requirements of each legal profile. `/protect`: how loan frauds work.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import wraps
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from verification import clock, transactions
from verification.borrower import wording
from verification.case import stages
from verification.core import profiles, spelling
from verification.core.errors import Misconfigured
from verification.core.opening import LOCALES
from verification.core.profiles import (
    NOT_IN_FORCE,
    PROFILES,
    RENEWAL,
    Combination,
    Profile,
    Status,
)
from verification.fields import columns_of
from verification.log import actors, keys

KEPT_SECONDS: Final = 300  # ours: a removed lender is off the page in five minutes
_WRITTEN: Final = date(
    2026, 11, 28
)  # change this date with each change of numbers and services on /protect
_GROUP: Final = 4  # digits of a fingerprint in one group

_View = Callable[[HttpRequest], HttpResponse]


def for_anybody(view: _View) -> _View:
    """The page in the language of `?lang=`, else in the reader's; browsers and proxies may cache
    it.
    """

    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        language = request.GET.get("lang", "")
        with translation.override(language if language in LOCALES else translation.get_language()):
            answer = view(request)
            answer.headers["Content-Language"] = translation.get_language() or ""
        answer.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
        patch_vary_headers(answer, ("Accept-Language", "Cookie"))
        return answer

    return wrapped


@require_safe
@for_anybody
def protect(request: HttpRequest) -> HttpResponse:
    """How loan frauds work, who asks for what, and how to react: one printable sheet."""
    return render(request, "borrower/protect.html", {**_place(), "written": _WRITTEN})


@require_safe
@for_anybody
def about(request: HttpRequest) -> HttpResponse:
    """Who runs this address, for which lenders, and which key signs its log."""
    key = log_key()
    digits = key.fingerprint if key else ""
    context = {
        "operator": settings.TULGA_OPERATOR,
        "mode": mode_served(),
        "lenders": [(lender, wording.telephone(lender.phone)) for lender in lenders_served()],
        "key": key,
        "groups": [digits[start : start + _GROUP] for start in range(0, len(digits), _GROUP)],
    }
    return render(request, "borrower/about.html", {**_place(), **context})


def _place() -> dict[str, str]:
    """This address, as it must be in the browser's address bar."""
    return {"origin": settings.TULGA_PUBLIC_URL, "host": urlsplit(settings.TULGA_PUBLIC_URL).netloc}


@dataclass(frozen=True)
class ServedLender:
    """A lender that sends its borrowers here."""

    name: str
    bin: str
    phone: str


@dataclass(frozen=True)
class LogKey:
    """The public key of a log. `text`: verifiers' form; `fingerprint`: SHA-256 of its 32 bytes,
    in hex.
    """

    text: str
    fingerprint: str


def mode_served() -> str:
    """The mode of the borrowers here: in a live installation they are real."""
    return "live" if settings.TULGA_MODES_LIVE else "test"


def lenders_served() -> tuple[ServedLender, ...]:
    """The lenders with a working key of that mode, by name; only as the log states them."""
    mode = mode_served()
    with transactions.looking_up("served"):
        issued = apps.get_model("lenders", "ApiKey").objects.select_related("lender")
        working = list(issued.filter(mode=mode, revoked_at=None, expires_at__gt=clock.now()))
        rows = {row.pk: columns_of(row) for key in working for row in (key, key.lender)}
        stated = actors.as_stated(mode, rows)
    served = {key.lender_id for key in working if {key.pk, key.lender_id} <= stated}
    facts = sorted(
        (row["name"], pk, row["bin"], row["phone"]) for pk in served if (row := rows[pk])
    )
    return tuple(ServedLender(name, bin, phone) for name, _, bin, phone in facts)


def log_key() -> LogKey | None:
    """The key of that mode's log; None without a certified one here."""
    try:
        key = keys.verification_key(mode_served())
    except Misconfigured:
        return None
    return LogKey(str(key), sha256(key.public).hexdigest())


@require_safe
@for_anybody
def rules(request: HttpRequest) -> HttpResponse:
    """All profiles, newest first, and the values of the MCI."""
    titles = stages.titles()
    cards = [
        {
            "of": profile,
            "status": _status(profile),
            "status_source": _status_source(profile),
            "ways": [
                " + ".join(str(titles.get(route, route)) for route in routes)
                for routes in profile.combinations
            ],
            "asked": [(name, sentence) for name, sentence in _gates(profile) if sentence],
            "not_asked": [name for name, sentence in _gates(profile) if not sentence],
            "asked_of": list(services_asked(profile)),
            "source": _(profile.source) if profile.id in PROFILES else profile.source,
        }
        for profile in reversed([*profiles.book().values()])
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
        "asked_of": list(services_asked(RENEWAL)),
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
    """Its status in words. A status from a law file is shown in the file's words."""
    day = spelling.day(profile.since)
    if profile.status is Status.IN_FORCE:
        return _("in force from %(day)s") % {"day": day}
    if profile.status is Status.ADOPTED:
        return _("adopted; the day it comes into force is not known (as of %(day)s)") % {"day": day}
    return _("announced, not adopted (as of %(day)s)") % {"day": day}


def _status_source(profile: Profile) -> str:
    """The source of a status from a law file, or what a shipped profile still lacks."""
    if changes := profiles.current_amendments().changes_of(profile.id):
        return changes[-1].source
    return _(NOT_IN_FORCE.get(profile.id, "")) if profile.status is not Status.IN_FORCE else ""


def _gates(profile: Profile) -> list[tuple[str, str]]:
    """The requirements before payout: a name and a sentence each; the sentence is empty if not
    required.
    """
    sum_max = ""
    if profile.amount_max_mci:
        sum_max = _("at most %(mci)s MCI") % {"mci": profile.amount_max_mci}
    ages = {"below": profile.confirmed_below_years, "from": profile.confirmed_from_years}
    age = (
        _("younger than %(below)s, or %(from)s and older: the consent is confirmed once more")
        % ages
    )
    visit = _("over %(mci)s MCI: a visit to the lender") % {"mci": profile.visit_over_mci}
    waits = {"mci": profile.cooling_off_over_mci, "hours": profile.cooling_off_hours}
    waiting = (
        _("over %(mci)s MCI in one day: %(hours)s h after the contract, and then a new consent")
        % waits
    )
    refusal = _("must not be on record: asked at most %(seconds)s s before") % {
        "seconds": profile.stop_credit_max_age_seconds
    }
    minutes = (profile.account_owner_max_age_seconds or 0) // 60
    owner = _("must be the borrower: asked at most %(minutes)s min before") % {"minutes": minutes}
    return [
        (
            _("Age of the check"),
            _("at most %(hours)s h") % {"hours": profile.valid_for_seconds // 3600},
        ),
        (_("Sum"), sum_max or _("at most what the check was made for")),
        (
            _("Age of the borrower"),
            age if profile.confirmed_below_years or profile.confirmed_from_years else "",
        ),
        (_("First online credit"), visit if profile.visit_over_mci else ""),
        (_("Cooling-off"), waiting if profile.cooling_off_hours else ""),
        (
            _("Refusal of all credits (Stop-credit)"),
            refusal if profile.stop_credit_max_age_seconds else "",
        ),
        (_("Owner of the account"), owner if profile.account_owner_max_age_seconds else ""),
    ]


def services_asked(profile: Profile) -> Iterator[tuple[str, list[str]]]:
    """For each sufficient combination: its title, empty for the only one; and who is asked what,
    a sentence each.
    """
    titles = stages.titles()
    for combination in profile.combinations:
        title = " + ".join(str(titles.get(route, route)) for route in combination)
        yield title if len(profile.combinations) > 1 else "", list(_sentences(combination, profile))


def _sentences(combination: Combination, profile: Profile) -> Iterator[str]:
    services = stages.services_of(combination, is_registered=bool(profile.register_asked))
    if services:
        yield _("The borrower, by SMS from 1414: whether the state registers may be asked")
    if "person" in services:
        yield _(
            "The register of people: whether they live; names, birth date and document as stated"
        )
    if "photo" in services:
        yield _("The register of document photos: the photo that the face is compared with")
    if "phone" in services:
        yield _("The register of mobile numbers: whether the number is theirs")
    if "eds" in combination:
        yield _("The NCA RK: whether the certificate of the signature is revoked")
    if profile.stop_credit_max_age_seconds:
        yield _("A credit bureau, before the money leaves: whether they refuse all credits")
    if profile.cooling_off_over_mci:
        yield _("A credit bureau, before the money leaves: what others lent them online that day")
    if profile.account_owner_max_age_seconds:
        yield _("The bank of the account, before the money leaves: whether the account is theirs")
