"""Refuses to start unsafe: what Django's checks and every live process must find in order before anything live runs."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error

from verification.core.errors import Misconfigured
from verification.sources import adapters, installed, resolve, written
from verification.workflow.reading import readiness

LIVE_SOURCES = (
    "revocation",
    "trust_anchors",
    "person_registry",
    "photo_registry",
    "phone_registry",
    "consent",
    "sms",
)
# Asked only where they are configured, but then no more at the sandbox than the others.
OPTIONAL_LIVE_SOURCES = ("timestamp_authority",)


def check_live_set(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """One error for each thing that keeps the live set from running; silent while live mode is off."""
    if not settings.TULGA_MODES_LIVE:
        return []
    hint = "Mend this, or turn live mode off until it is mended."
    faults: list[str] = []
    if not settings.TULGA_PUBLIC_URL.startswith("https://"):
        faults.append("TULGA_PUBLIC_URL is not https: live pages and cookies would travel in the clear.")
    if settings.DEBUG:
        faults.append("TULGA_DEBUG is on.")
    for name in sorted(settings.TULGA_KEYS_MADE_BY_DEMO):
        faults.append(f"{name} was made by the demo: make your own with manage.py make_keys.")
    if not settings.TULGA_KEY_ENCRYPTION_KEYS or not settings.TULGA_INDEX_KEYS:
        faults.append("No key-encryption key or index key: run manage.py make_keys.")
    if "live" not in settings.TULGA_LOG_KEYS:
        faults.append("No signing key for the live log: run manage.py make_keys.")
    if not settings.TULGA_DOCUMENT_KEYS.get("live"):
        faults.append("No signing key for live documents: run manage.py make_keys.")
    if not settings.TULGA_DECISION_KEYS.get("live"):
        faults.append("No signing key for live decisions: run manage.py make_keys.")
    if not settings.TULGA_DECIDERS.get("live"):
        faults.append("No public key of live decisions: copy the .pub files of the workers here.")
    faults += _source_faults()
    for name, said in readiness.routes().items():
        if not said.is_ready:
            faults.append(f"Route {name} {said.detail}.")
        faults += [f"Route {name}: {reason}." for reason in said.unfit_for_live]
    return [Error(fault, hint=hint, id=f"tulga.E{number:03}") for number, fault in enumerate(faults, start=1)]


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
        except Misconfigured as error:
            yield f"Live source {name}: {error.detail}."
    if written("live").get("trust_anchors"):
        try:
            installed.trust_anchors("live")
        except Misconfigured as error:
            yield f"Live trust anchors: {error.detail}."
