"""Which addresses belong to the public internet."""

from collections.abc import Callable
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any, Final

LookUp = Callable[..., list[Any]]

# Not the public internet. Source: IANA's IPv4 and IPv6 special-purpose registries, read 2026-11-24,
# and the address at which one cloud answers its own machines (168.63.129.16). Python's own
# `is_global` differs by version.
_REFUSED_V4: Final = tuple(
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
# Of IPv6 only global unicast is open. That excludes mapped, compatible and NAT64 addresses, unique
# local, link-local and multicast ones. 6to4, Teredo and the documentation's ranges lie inside and
# are excluded by name.
_OPEN_V6: Final = ip_network("2000::/3")
_REFUSED_V6: Final = tuple(
    ip_network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)


def is_public(literal: str) -> bool:
    """Whether an IP address belongs to the public internet: no private, cloud or tunnel network."""
    try:
        address = ip_address(literal)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    # A zone, as in fe80::1%eth0 (RFC 4007 §11), names a local network card.
    if address.scope_id is not None or address not in _OPEN_V6:
        return False
    return not any(address in network for network in _REFUSED_V6)
