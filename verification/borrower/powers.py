"""What a browser may do for a page of ours: nothing, but for the one power that a page needs."""

_POWERS = (
    "camera",
    "otp-credentials",
    "microphone",
    "geolocation",
    "payment",
    "usb",
    "display-capture",
    "browsing-topics",
)


def header(allowed: str = "") -> str:
    """The header `Permissions-Policy` of a page that may use this power, or none."""
    return ", ".join(f"{power}=({'self' if power == allowed else ''})" for power in _POWERS)


NONE = header()
