"""A fresh link as its sender sees it, once: text to copy and a QR code to photograph."""

from collections.abc import Mapping
from typing import Any

import segno
from django.conf import settings
from django.urls import reverse
from django.utils.safestring import mark_safe

from verification.workflow.links import Minted


def shown(minted: Minted) -> Mapping[str, Any]:
    """What the template needs. The token stands in the fragment, which browsers do not send to servers."""
    address = f"{settings.TULGA_PUBLIC_URL}{reverse('borrower:link')}#{minted.token}"
    # `omitsize` leaves the size to the style sheet; the drawing has attributes only, no style the policy forbids.
    drawing = segno.make(address, error="m").svg_inline(omitsize=True, svgclass=None, lineclass=None)
    return {
        "address": address,
        "qr": mark_safe(drawing),  # noqa: S308  # segno's own drawing: the address is in it as squares, not as text
        "expires_at": minted.expires_at,
    }
