"""Lists that were verified in this process, so that each is hashed, checked and sorted once and not at every look-up.

A memory of results, not a source: the same bytes give the same answer with it and without. A list enters only after
its signature was verified, and nothing leaves until its successor has entered.
"""

from collections import OrderedDict
from hashlib import sha256
from threading import Lock
from typing import Final

from verification.engines.pki.certificate import Certificate
from verification.engines.pki.crl import VerifiedList, parse_crl, verify_crl

# Two families, each with a complete list, its changes, the roots' list, and the successor of one of them.
_CAPACITY: Final = 8


class VerifiedLists:
    """At most `capacity` lists by the hash of their bytes and their issuer. Threads may share it."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        """Begins with none."""
        self._capacity = capacity
        self._lists: OrderedDict[tuple[str, str], VerifiedList] = OrderedDict()
        self._lock = Lock()

    def get(self, untrusted: bytes, *, issuer: Certificate, max_bytes: int) -> VerifiedList | None:
        """The list in these bytes, verified by the key of `issuer`; None if it is by another issuer.

        `issuer` must have passed `build_path`. Raises `Refused` (eds_revocation_unknown) if it cannot be believed.
        """
        key = (sha256(untrusted).hexdigest(), issuer.sha256)
        with self._lock:
            if key in self._lists:
                self._lists.move_to_end(key)
                return self._lists[key]
        crl = parse_crl(untrusted, max_bytes=max_bytes)
        if crl.issuer != issuer.subject:
            return None
        verified = verify_crl(crl, issuer=issuer)
        with self._lock:
            self._lists[key] = verified
            while len(self._lists) > self._capacity:
                self._lists.popitem(last=False)
        return verified

    def __len__(self) -> int:
        return len(self._lists)


VERIFIED: Final = VerifiedLists()
"""The lists of this process."""
