"""Which address a webhook may have. A lender chooses it, so it is read strictly: https, one plain
spelling of the host, no user, no fragment, no blanks or breaks. Where its name leads is checked by
`verification.outbound` when it is called.

In test mode hosts that the operator lists may be private and without TLS.
"""

import re
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings

from lenders.parsing import holds_personal_number
from verification import outbound
from verification.core.errors import BadInput
from verification.core.opening import URL_MAX
from verification.outbound.addresses import is_public

WEBHOOK_URL = r"^[Hh][Tt][Tt][Pp][Ss]?://[!$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]+$"
"""No blanks, breaks, backslashes, fragment or letters beyond ASCII."""
_VISIBLE_URL = re.compile(WEBHOOK_URL)
_NAME = re.compile(
    r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
# A last label that some reader takes for a part of an IPv4 address (WHATWG URL, "ends in a
# number").
_NUMBER_LIKE = re.compile(r"[0-9]+|0x[0-9a-f]*")
_WELL_KNOWN_PORTS = 1024
_refused: Final = partial(BadInput, code="webhook_url_refused", pointer="/url")


@dataclass(frozen=True, kw_only=True)
class Target:
    """A webhook's address in its one spelling. `is_listed`: the operator lets tests reach it
    although it is private.
    """

    url: str
    is_listed: bool


def read(url: str, *, mode: str) -> Target:
    """The address as it will be called. Raises `BadInput` (webhook_url_refused) for all that may
    never be called.
    """
    if not _VISIBLE_URL.fullmatch(url) or len(url) > URL_MAX:
        raise _refused(
            "an address has no blanks, breaks, backslashes, fragment or letters beyond ASCII"
        )
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or ""), parts.port
    except ValueError:
        raise _refused("the address cannot be read") from None
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise _refused("an address names no user")
    if parts.scheme not in ("http", "https") or port == 0 or holds_personal_number(url):
        raise _refused("an https address without personal numbers is expected")
    port = port or (443 if parts.scheme == "https" else 80)
    is_listed = mode == "test" and f"{host}:{port}" in settings.TULGA_WEBHOOK_TEST_HOSTS
    if not is_listed:
        if parts.scheme != "https":
            raise _refused("only https is called")
        if port != 443 and port < _WELL_KNOWN_PORTS:
            raise _refused("below 1024 only port 443 is called")
        if ":" in host or _NUMBER_LIKE.fullmatch(host.rpartition(".")[2]):
            # An address instead of a name must be in its one canonical spelling: 127.1, 0x7f.1 and
            # 2130706433 are not.
            if not is_public(host):
                raise _refused("this address is not public, or not written as four decimal numbers")
        elif not _NAME.fullmatch(host):
            raise _refused("a full host name is expected")
    # Spelled anew of the parts that were judged: who reads it next can find no other host in it.
    netloc = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    whole = urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, ""))
    try:
        return Target(url=outbound.canonical_url(whole), is_listed=is_listed)
    except ValueError:
        raise _refused("this host name has no spelling in the DNS") from None
