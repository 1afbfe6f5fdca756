"""Law files of these tests, as the operator's root of the session signs them."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from verification.core import certificates, profiles
from verification.core.law_file import FORM
from verification.core.profiles import NOT_DECIDING
from verification.management.commands.make_keys import ROOT_KEY, read_root

MCI_2027 = {"year": 2027, "tenge": 4500, "source": "Law on the republican budget for 2027–2029"}
STRICTER = "KZ-2027-03"


def document(number: int = 1, **changes: Any) -> dict[str, Any]:
    """What a file says; it brings the MCI of 2027 unless the changes say otherwise."""
    return {
        "form": FORM,
        "installation": settings.TULGA_LOG_ORIGIN,
        "number": number,
        "issued_at": "2026-12-15T05:00:00Z",
        "mci": [MCI_2027],
        "profiles": [],
        "statuses": [],
        **changes,
    }


def profile(like: str = "KZ-2026-01", **changes: Any) -> dict[str, Any]:
    """A profile of a file: one that is in force since March 2027, and asks what another one
    asks.
    """
    law = profiles.get(like)
    rule = {
        name: value
        for name, value in vars(law).items()
        if name not in NOT_DECIDING and value is not None
    }
    rule["combinations"] = [list(routes) for routes in law.combinations]
    named = {
        "id": STRICTER,
        "status": "in_force",
        "since": "2027-03-01",
        "source": "A resolution of 2027",
    }
    return {**named, **rule, **changes}


def status(
    of: str = "KZ-2026-01", word: str = "in_force", since: str = "2027-02-01"
) -> dict[str, Any]:
    """A change of status in a file."""
    return {"profile": of, "status": word, "since": since, "source": "Official publication"}


def signed(said: Mapping[str, Any], *, seed: bytes | None = None) -> dict[str, Any]:
    """The signed file as an object; by the root of the session, or by another key."""
    return {"law": dict(said), "signature": certificates.law_signature(seed or root(), said)}


def spelled(said: Mapping[str, Any], *, seed: bytes | None = None) -> bytes:
    """The signed file."""
    return json.dumps(signed(said, seed=seed)).encode()


def written(folder: Path, said: Mapping[str, Any]) -> str:
    """The signed file, in a folder; its path."""
    path = folder / f"law-{said['number']}.json.signed"
    path.write_bytes(spelled(said))
    return str(path)


def root() -> bytes:
    """The root's seed, which no process of the product has."""
    return read_root(settings.TULGA_KEYS_DIR / ROOT_KEY)


def noon(day: date) -> datetime:
    """Noon of a day in UTC: the afternoon of the same day in Kazakhstan."""
    return datetime.fromisoformat(f"{day}T12:00:00+00:00")
