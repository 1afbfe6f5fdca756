"""Who plays a borrower in test mode: the sandbox, asked to begin. It answers at once and says
nothing of the end.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Any, Final, Protocol

from verification import outbound
from verification.core.errors import Conflict, Misconfigured, Unavailable
from verification.sources.asking import Service
from verification.sources.installed import resolve

SOURCE: Final = "simulation"
SECONDS: Final = 5.0
"""Default and most for one answer, whole. Ours: it is web that waits."""
_AT_ONCE: Final = (
    2  # requests of one process that may wait; ours: a hanging sandbox takes two of its threads
)
_MAX_BYTES: Final = 4096
_ACCEPTED: Final = 202
_PLAYED: Final = 409

_waiting = BoundedSemaphore(_AT_ONCE)


@dataclass(frozen=True, kw_only=True)
class Play:
    """Who is to be played, how, on which routes in order, and by which link: a secret for this
    machine alone.

    lender: a word for whose it is, which does not say who that is; the same each time, for each
        gets its share.
    """

    verification_id: str
    lender: str
    scenario: str
    routes: tuple[str, ...]
    link: str = field(repr=False)
    subject: Mapping[str, Any] = field(repr=False)
    account: str = field(repr=False)


class SimulationSource(Protocol):
    """Plays borrowers."""

    def begin(self, play: Play) -> None:
        """Has it played from now on; the link may come into force some seconds later.

        Raises `Unavailable` (sandbox_unavailable) if the sandbox does not say that it will, and
        `Conflict` (simulation_under_way) if this verification is being played.
        """
        ...


class HttpSimulation:
    """The sandbox asked by the protocol of docs/sandbox.md, source `simulations`."""

    source = SOURCE

    def __init__(self, url: str, *, seconds: float = SECONDS) -> None:
        """`seconds`: at most `SECONDS`. Raises `Misconfigured` for an address that is not on this
        machine.
        """
        self._service = Service.configured(
            SOURCE, url=url, seconds=seconds, most=SECONDS, max_bytes=_MAX_BYTES
        )
        if not url.startswith("http://"):
            raise Misconfigured(
                "the sandbox plays on this machine: its address begins with http://"
            )

    def begin(self, play: Play) -> None:
        """See `SimulationSource.begin`."""
        fields = {
            "verification": play.verification_id,
            "lender": play.lender,
            "scenario": play.scenario,
            "routes": list(play.routes),
        }
        request = outbound.Request(
            method="POST",
            url=self._service.url,
            headers={"Content-Type": "application/json"},
            body=json.dumps(
                {
                    **fields,
                    "link": play.link,
                    "account": play.account,
                    "subject": dict(play.subject),
                }
            ).encode(),
            limits=self._service.limits,
            is_public_only=False,
            wants_whole=False,
        )
        if not _waiting.acquire(blocking=False):
            raise Unavailable("too many wait for the sandbox", code="sandbox_unavailable")
        try:
            status = outbound.send(request).status
        except Unavailable as fault:
            raise Unavailable(f"the sandbox: {fault.code}", code="sandbox_unavailable") from None
        finally:
            _waiting.release()
        if status == _PLAYED:
            raise Conflict("a simulated borrower is at it", code="simulation_under_way")
        if status != _ACCEPTED:
            raise Unavailable(f"the sandbox answered {status}", code="sandbox_unavailable")


ADAPTER = HttpSimulation


def in_use(mode: str) -> SimulationSource:
    """Who plays in this mode. Raises `Misconfigured`; live mode has nothing to play."""
    player: SimulationSource = resolve(mode, SOURCE)
    return player
