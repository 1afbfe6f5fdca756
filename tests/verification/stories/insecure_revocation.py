"""A revocation source in memory, for tests of the workflow: same signature as a real one, and
faults on demand.
"""

from verification.core.errors import SourceUnavailable


class InsecureRevocation:
    """Gives the lists a test has put in `lists`, or fails as often as `faults` says."""

    lists: dict[str, tuple[bytes, ...]] = {}  # noqa: RUF012
    authority_lists: tuple[bytes, ...] = ()
    faults = 0
    asked = 0

    def crls(self, family: str) -> tuple[bytes, ...]:
        """See `verification.sources.revocation.RevocationSource`."""
        cls = type(self)
        cls.asked += 1
        if cls.faults > 0:
            cls.faults -= 1
            raise SourceUnavailable("revocation", "scripted")
        return cls.lists[family]

    def delta_crls(self, family: str) -> tuple[bytes, ...]:
        """None: the lists are complete."""
        return ()

    def authority_crls(self, family: str) -> tuple[bytes, ...]:
        """None: the roots have no list."""
        return ()

    def ocsp(self, family: str, *, question: bytes) -> bytes | None:
        """None: there is no responder."""
        return None
