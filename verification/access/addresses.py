"""The address of a caller, also behind proxies.

`config/middleware.py` finds it once for each request and puts it into `REMOTE_ADDR`, where all who
need it read it: networks of keys, limits of tries, pages for this host only.
"""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from django.utils.crypto import salted_hmac

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

UNKNOWN: Final = ""
"""Of a caller whose address cannot be told: it is in no network."""
_SUBSCRIBER_BITS: Final = 64
"""Of an IPv6 address: what one subscriber gets, who may use the next of 2^64. Source: RFC 6177."""


def read(untrusted: str) -> Address | None:
    """An address; None for any other text, such as one with a port, a zone or brackets.

    An IPv4 address in the form of IPv6 (RFC 4291 §2.5.5.2) is the IPv4 address.
    """
    try:
        address = ip_address(untrusted)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return None if address.scope_id else address.ipv4_mapped or address
    return address


def is_in(address: Address, networks: Collection[Network]) -> bool:
    """Whether one of these networks holds it."""
    return any(address in network for network in networks)


def of_caller(*, peer: str, untrusted_forwarded: str | None, proxies: Collection[Network]) -> str:
    """The caller's address, or `UNKNOWN`.

    peer: the other end of the connection.
    untrusted_forwarded: `X-Forwarded-For`; each proxy appends its own peer. It counts only if a
    trusted proxy sent it, and only from its right end to the first address that is no proxy's. What
    a caller wrote stands further left.
    """
    address = read(peer)
    if address is None or not is_in(address, proxies) or untrusted_forwarded is None:
        return UNKNOWN if address is None else str(address)
    for untrusted in reversed(untrusted_forwarded.split(",")):
        address = read(untrusted.strip(" \t"))
        if address is None or not is_in(address, proxies):
            break
    return UNKNOWN if address is None else str(address)


def keyed_network(address: str, *, purpose: str) -> str:
    """A keyed hash of the subscriber's network, for counts: the address itself is not stored."""
    parsed = read(address)
    network = UNKNOWN if parsed is None else subscriber(parsed)
    return salted_hmac(purpose, network, algorithm="sha256").hexdigest()


def subscriber(address: Address) -> str:
    """The addresses of one subscriber: an IPv4 address, or a network of IPv6."""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _SUBSCRIBER_BITS), strict=False))
    return str(address)
