"""Every address of the sandbox. A new source is one module with `routes(…)` and one line here."""

from collections import defaultdict
from pathlib import Path

from insecure_sandbox import (
    consents,
    credentials,
    crl,
    faults,
    ocsp_responder,
    payouts,
    people,
    registries,
    reviewers,
    simulations,
    sms_gateway,
    timestamping,
    you,
)
from insecure_sandbox.authority_keeper import FAMILIES, AuthorityKeeper
from insecure_sandbox.consents import Consents
from insecure_sandbox.exchange import Request, Response, Route, as_json
from insecure_sandbox.faults import FaultScript
from insecure_sandbox.people import People
from insecure_sandbox.sms_gateway import Inbox


def table(state: Path, *, script: FaultScript) -> tuple[Route, ...]:
    """All routes over the data in `state`, which is created if missing."""
    state.mkdir(parents=True, exist_ok=True)
    keepers: dict[str, AuthorityKeeper] = {
        family: AuthorityKeeper(state / f"ca-{family}", family=family) for family in FAMILIES
    }
    register, inbox, portraits = People(state / "people"), Inbox(), simulations.Portraits()
    desk = reviewers.Reviewers()
    file = Consents(state / "people" / "consents.jsonl")
    sources = (
        *crl.routes(keepers),
        *ocsp_responder.routes(keepers),
        *timestamping.routes(keepers),
        *credentials.routes(keepers),
        *people.routes(register),
        *registries.routes(register, file),
        *consents.routes(register, file, inbox),
        *sms_gateway.routes(inbox),
        *payouts.routes(register),
        *you.routes(register, file, inbox),
        *reviewers.routes(desk),
        *simulations.routes(
            simulations.Simulations(keepers, inbox, portraits, register, desk), portraits
        ),
    )
    scripting = faults.routes(script, kinds_by_source=_kinds_by_source(sources))
    return (*sources, *scripting, _index((*sources, *scripting)))


def _kinds_by_source(routes: tuple[Route, ...]) -> dict[str, frozenset[str]]:
    """A source can be stale only if each of its routes has a stale answer; faults of the wire work
    for all.

    A wrong answer can be scripted if each route of the source supports it.
    """
    by_source: dict[str, list[Route]] = defaultdict(list)
    for route in routes:
        by_source[route.source].append(route)
    return {
        source: (
            frozenset(faults.KINDS)
            - (set() if all(route.stale for route in members) else {"stale"})
            | frozenset.intersection(*(frozenset(route.wrong) for route in members))
        )
        for source, members in by_source.items()
    }


def _index(routes: tuple[Route, ...]) -> Route:
    lines = sorted(f"{route.method} {route.path}" for route in routes)

    def show(request: Request) -> Response:
        return as_json({"insecure_sandbox": lines})

    return Route(method="GET", path="/", source="index", handle=show)
