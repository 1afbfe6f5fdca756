"""The sandbox that plays a borrower in test mode. It answers the start at once and does not
report the end.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Any, Final, Protocol

from verification import outbound
from verification.core.errors import Conflict, Misconfigured, Unavailable
from verification.sources.asking import PROTOCOL, Service
from verification.sources.installed import resolve

SOURCE: Final = "simulation"
SECONDS: Final = 5.0
"""Default and maximum for one whole answer. Ours: web waits for it."""
_AT_ONCE: Final = (
    2  # waiting requests per process; ours: a hanging sandbox takes two of its threads
)
_MAX_BYTES: Final = 4096
_ACCEPTED: Final = 202
_PLAYED: Final = 409

_waiting = BoundedSemaphore(_AT_ONCE)


@dataclass(frozen=True, kw_only=True)
class Play:
    """The role, the scenario, the routes in order, and the link: a secret for this machine only.

    lender: a stable word that separates lenders without naming them, for fair shares.
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
        """Starts the play; the link may become valid some seconds later.

        Raises: `Unavailable` (sandbox_unavailable) without the sandbox's acceptance.
        Raises: `Conflict` (simulation_under_way) if this verification is already being played.
        """
        ...


class HttpSimulation:
    """The sandbox by the protocol of docs/operator/sources.md, source `simulations`."""

    source = SOURCE
    protocol = PROTOCOL

    def __init__(self, url: str, *, seconds: float = SECONDS) -> None:
        """`seconds`: at most `SECONDS`.

        Raises: `Misconfigured` for an address beyond this machine.
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
            raise Unavailable("too many requests wait for the sandbox", code="sandbox_unavailable")
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
    """The simulation source of this mode.

    Raises: `Misconfigured`; live mode has none.
    """
    player: SimulationSource = resolve(mode, SOURCE)
    return player
