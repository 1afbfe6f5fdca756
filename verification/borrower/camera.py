"""The page of the live capture: what its script is told, and leave to use the camera. No other page of ours has it."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from verification.borrower import wording
from verification.workflow.queries import BorrowerPage

# As on every page, but for the camera.
_OFF = ("microphone", "geolocation", "payment", "usb", "display-capture", "browsing-topics")
_PERMISSIONS = ", ".join(["camera=(self)", *(f"{power}=()" for power in _OFF)])


def show(request: HttpRequest, view: Callable[[HttpRequest], HttpResponseBase]) -> HttpResponseBase:
    """Shows the page with leave to use the camera."""
    response = view(request)
    response.headers["Permissions-Policy"] = _PERMISSIONS
    return response


def shown(page: BorrowerPage) -> Mapping[str, Any]:
    """What the script begins with, and the ways on for a person without a camera."""
    return {"told": json.dumps(told(page)), "without_camera": wording.routes_without_camera(page)}


def told(page: BorrowerPage) -> dict[str, Any]:
    """What the script learns of a page: which one is open, and of its own page what is due.

    `elapsed_ms` is how long ago the command was revealed, by our clock: the browser's may be wrong.
    """
    is_capture = page.page == "commands"
    return {
        "page": page.page,
        "turn": page.turn,
        "data": dict(page.data) if is_capture else {},
        "elapsed_ms": _elapsed_ms(page.data.get("revealed", "")) if is_capture else 0,
    }


def _elapsed_ms(revealed: str) -> int:
    if not revealed:
        return 0
    return max(0, round((timezone.now() - datetime.fromisoformat(revealed)).total_seconds() * 1000))
