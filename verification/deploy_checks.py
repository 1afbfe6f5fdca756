"""Refuses an unsafe start: Django's checks, and the conditions of every live process."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from verification import clock
from verification.case import stages
from verification.core import almaty, profiles, releases
from verification.core.errors import Misconfigured, TokenUnreadable
from verification.sources import installed
from verification.sources.installed import adapters, resolve, written

LIVE_SOURCES = (
    "revocation",
    "trust_anchors",
    "person_registry",
    "photo_registry",
    "phone_registry",
    "consent",
    "sms",
    # The law in force requires both before payout: O-50, O-58.
    "stop_credit",
    "account_owner",
)
# Used only if configured, but then never from the sandbox, as for the others.
OPTIONAL_LIVE_SOURCES = ("timestamp_authority", "credit_bureau")
# By which a borrower can identify who asks for their data.
_OF_THE_OPERATOR = ("name", "bin", "address", "telephone")


def check_live_set(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """One error for each defect of the live set; silent while live mode is off."""
    if not settings.TULGA_MODES_LIVE:
        return []
    hint = "Correct this, or turn live mode off until then."
    faults: list[str] = []
    if not settings.TULGA_PUBLIC_URL.startswith("https://"):
        faults.append(
            "TULGA_PUBLIC_URL is not https: live pages and cookies would travel in clear."
        )
    if settings.DEBUG:
        faults.append("TULGA_DEBUG is on.")
    for name in _OF_THE_OPERATOR:
        if not getattr(settings.TULGA_OPERATOR, name):
            faults.append(
                f"TULGA_OPERATOR_{name.upper()} is empty: /about could not say who runs this"
                " address."
            )
    faults += _key_faults()
    if settings.TULGA_PROCESS not in ("web", "worker", "tick", "sender"):
        faults.append(
            "TULGA_PROCESS runs everything in one process: live mode needs separate processes."
        )
    faults += _source_faults()
    for name, readiness in stages.route_readiness().items():
        if not readiness.is_ready:
            faults.append(f"Route {name} {readiness.detail}.")
        faults += [f"Route {name}: {reason}." for reason in readiness.unfit_for_live]
        done = (
            {stages.release(name, law=law.sha256).id for law in profiles.ALL}
            if readiness.is_ready
            else set()
        )
        if done - releases.RELEASES.keys():
            faults.append(
                f"Route {name} matches no release in core/releases.py: its verdicts could not be"
                " verified."
            )
    return [
        Error(fault, hint=hint, id=f"tulga.E{number:03}")
        for number, fault in enumerate(faults, start=1)
    ]


def check_mci(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Warns of a missing MCI value for the next year, in December, and for this year; silent as the
    live set is.

    Only clearances are refused without it: no process stops.
    """
    if not settings.TULGA_MODES_LIVE:
        return []
    today = almaty.day_of(clock.now())
    hint = (
        "Sign it and take it, with its source: manage.py sign_law, then take_law "
        "(docs/operator/run.md#change-the-law)."
    )
    if not profiles.is_mci_known(today):
        fault = (
            f"No value of the MCI is known for {today.year}: clearances are refused with"
            " mci_unknown."
        )
        return [Error(fault, hint=hint, id="tulga.E901")]
    if today.month >= profiles.MCI_WARNED_FROM_MONTH and not profiles.is_mci_known(
        date(today.year + 1, 1, 1)
    ):
        fault = (
            f"No value of the MCI is known for {today.year + 1}: clearances will be refused from 1"
            " January."
        )
        return [Warning(fault, hint=hint, id="tulga.W901")]
    return []


def _key_faults() -> Iterator[str]:
    for name in sorted(settings.TULGA_KEYS_MADE_BY_DEMO):
        yield f"{name} was made by the demo: make your own with manage.py make_keys."
    certified = {key.kind for key in settings.TULGA_CERTIFIED if key.mode == "live"}
    for kind in ("log", "document", "decision", "door", "sender"):
        if kind not in certified:
            yield (
                f"No certified public key of kind {kind} for live: run manage.py make_keys and"
                " certify_keys."
            )
    if settings.TULGA_PROCESS == "web" and not settings.TULGA_WEBHOOK_PUBLIC_KEYS:
        yield (
            "No webhook-N.pub in public/: web cannot seal the secrets of webhooks. Copy it from a"
            " host that has it, or run manage.py make_keys."
        )
    if settings.TULGA_PROCESS in ("web", "worker") and not settings.TULGA_EVIDENCE_PUBLIC_KEYS:
        yield (
            "No evidence-N.pub in public/: no evidence can be sealed. Copy it from a host that has"
            " it, or run manage.py make_keys."
        )
    if strange_keys := settings.TULGA_OTHERS_KEYS:
        yield (
            f"The process {settings.TULGA_PROCESS} can read {strange_keys[0]}, one of"
            f" {len(strange_keys)} keys that are none of its own: give each process its own user."
        )


def _source_faults() -> Iterator[str]:
    for name in (*LIVE_SOURCES, *OPTIONAL_LIVE_SOURCES):
        if not written("live").get(name):
            if name in LIVE_SOURCES:
                yield f"TULGA_SOURCES['live'] has no {name}."
        elif settings.TULGA_SANDBOX_URL in str(written("live")[name]):
            yield f"TULGA_SOURCES['live'][{name!r}] points to the sandbox."
    for name, path in adapters("live").items():
        if "insecure" in path.lower():
            yield f"TULGA_SOURCES['live'][{name!r}] is an insecure part."
            continue
        try:
            resolve("live", name)
        except TokenUnreadable as error:
            # Only workers ask sources: no other process needs the token, and none should have it.
            if settings.TULGA_PROCESS == "worker":
                yield f"Live source {name}: {error.detail}."
        except Misconfigured as error:
            yield f"Live source {name}: {error.detail}."
    if written("live").get("trust_anchors"):
        try:
            installed.trust_anchors("live")
        except Misconfigured as error:
            yield f"Live trust anchors: {error.detail}."
