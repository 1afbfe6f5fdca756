"""Where a webhook may go. A lender chooses the address, so it may point at our own network: nothing private is reached.

1. The address is read strictly: https, one plain spelling of the host, no user, no fragment, no blanks or breaks.
2. The name is looked up once; every address it has must be a public one.
3. The caller connects to an address found here, never to the name: a second look-up could answer otherwise.
In test mode hosts that the operator lists may be private and without TLS.
"""

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from lenders import policy
from lenders.personal_numbers import holds_personal_number
from verification.core.errors import BadInput, Unavailable

LookUp = Callable[..., list[Any]]

_VISIBLE_URL = re.compile(r"[!$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
_NAME = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# A last label that some reader takes for a part of an IPv4 address (WHATWG URL, "ends in a number").
_NUMBER_LIKE = re.compile(r"[0-9]+|0x[0-9a-f]*")
_WELL_KNOWN_PORTS = 1024

# What is not the public internet. Source: IANA's IPv4 and IPv6 special-purpose registries, read 2026-11-24, and the
# address at which one cloud answers its own machines (168.63.129.16). Python's own `is_global` differs by version.
_REFUSED_V4 = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Of IPv6 only global unicast is open. That closes mapped, compatible and NAT64 addresses, unique local, link-local and
# multicast ones; 6to4, Teredo and the documentation's ranges lie inside and are closed by name.
_OPEN_V6 = ip_network("2000::/3")
_REFUSED_V6 = tuple(
    ip_network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A webhook's address, taken apart. `is_listed`: the operator lets tests reach it although it is private."""

    scheme: str
    host: str
    port: int
    authority: str
    path: str
    is_listed: bool


def read(url: str, *, mode: str) -> Target:
    """The address taken apart. Raises `BadInput` (webhook_url_refused) for all that may never be called."""
    if not _VISIBLE_URL.fullmatch(url) or len(url) > policy.URL_MAX:
        raise _refused("an address has no blanks, breaks, backslashes, fragment or letters beyond ASCII")
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
        _require_public_form(parts.scheme, host, port)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme=parts.scheme, host=host, port=port, authority=parts.netloc, path=path, is_listed=is_listed)


def resolve(target: Target, *, look_up: LookUp = socket.getaddrinfo) -> list[str]:
    """The addresses to connect to, checked. Raises `BadInput` if one is not public, `Unavailable` if there is none."""
    try:
        found = look_up(target.host, target.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        raise Unavailable("the name has no address", code="name_unresolved") from None
    literals = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not literals:
        raise Unavailable("the name has no address", code="name_unresolved")
    # One private address among public ones refuses all: such an answer is made to slip through.
    if not target.is_listed and not all(is_public(literal) for literal in literals):
        raise _refused("the name leads to an address that is not public")
    return literals


def is_public(literal: str) -> bool:
    """Whether an IP address belongs to the public internet, not to a network of ours, a cloud's or a tunnel's."""
    try:
        address = ip_address(literal)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    return _is_public_v6(address)


def _is_public_v6(address: IPv6Address) -> bool:
    if address.scope_id is not None or address not in _OPEN_V6:
        return False
    return not any(address in network for network in _REFUSED_V6)


def _require_public_form(scheme: str, host: str, port: int) -> None:
    if scheme != "https":
        raise _refused("only https is called")
    if port != 443 and port < _WELL_KNOWN_PORTS:
        raise _refused("below 1024 only port 443 is called")
    if ":" in host or _NUMBER_LIKE.fullmatch(host.rpartition(".")[2]):
        # An address instead of a name must be in its one canonical spelling: 127.1, 0x7f.1 and 2130706433 are not.
        if not is_public(host):
            raise _refused("this address is not public, or not written as four decimal numbers")
    elif not _NAME.fullmatch(host):
        raise _refused("a full host name is expected")


def _refused(detail: str) -> BadInput:
    return BadInput(detail, code="webhook_url_refused", pointer="/url")
