"""The page of the one-time code: the masked phone, and the times as seconds from now."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from verification.workflow.queries import BorrowerPage


def shown(page: BorrowerPage) -> Mapping[str, Any]:
    """What the template needs. Seconds, not moments: the browser's clock may be wrong."""
    return {
        "phone": page.data["phone_masked"],
        "guesses_left": page.data["guesses_left"],
        "resends_left": page.data["resends_left"],
        "resend_in": _seconds_to(page.data["resend_from"]),
        "expires_in": _seconds_to(page.data["expires"]),
    }


def _seconds_to(moment: str) -> int:
    return max(0, math.ceil((datetime.fromisoformat(moment) - timezone.now()).total_seconds()))
