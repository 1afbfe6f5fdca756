"""A revocation source in memory, for tests of the workflow: same signature as a real one, and
faults on demand.
"""

from verification.core.errors import SourceUnavailable
from verification.sources.asking import Fetched
from verification.sources.revocation import AUTHORITY_CRL, CRL, RevocationQuestion


class InsecureRevocation:
    """Gives the lists a test has put in `lists`, or fails as often as `faults` says."""

    lists: dict[str, tuple[bytes, ...]] = {}  # noqa: RUF012
    authority_lists: dict[str, tuple[bytes, ...]] = {}  # noqa: RUF012
    faults = 0
    asked = 0

    source = "revocation"

    def fetch(self, question: RevocationQuestion) -> tuple[Fetched[bytes], ...]:
        """See `verification.sources.revocation.fetch`: there is no responder, and lists are
        complete.
        """
        cls = type(self)
        if question.kind == AUTHORITY_CRL:
            above = cls.authority_lists.get(question.family, ())
            return tuple(Fetched(raw=der, parsed=der) for der in above)
        if question.kind != CRL:
            return ()
        cls.asked += 1
        if cls.faults > 0:
            cls.faults -= 1
            raise SourceUnavailable("revocation", "scripted")
        return tuple(Fetched(raw=der, parsed=der) for der in cls.lists[question.family])
