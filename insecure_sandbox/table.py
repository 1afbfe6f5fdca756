"""Every address the sandbox serves. A new source is one module with `routes(…)` and one line here."""

from collections import defaultdict
from pathlib import Path

from insecure_sandbox import credentials, crl, faults
from insecure_sandbox.authority_keeper import FAMILIES, AuthorityKeeper
from insecure_sandbox.exchange import Request, Response, Route, as_json
from insecure_sandbox.faults import FaultScript


def table(state: Path, *, script: FaultScript) -> tuple[Route, ...]:
    """All routes over what is kept in `state`, which is created where it is missing."""
    state.mkdir(parents=True, exist_ok=True)
    keepers: dict[str, AuthorityKeeper] = {
        family: AuthorityKeeper(state / f"ca-{family}", family=family) for family in FAMILIES
    }
    sources = (
        *crl.routes(keepers),
        *credentials.routes(keepers),
    )
    scripting = faults.routes(script, kinds_by_source=_kinds_by_source(sources))
    return (*sources, *scripting, _index((*sources, *scripting)))


def _kinds_by_source(routes: tuple[Route, ...]) -> dict[str, frozenset[str]]:
    """A source can be stale only if each of its routes has a stale answer; anything else the wire does for all."""
    by_source: dict[str, list[Route]] = defaultdict(list)
    for route in routes:
        by_source[route.source].append(route)
    return {
        source: frozenset(faults.KINDS) - (set() if all(route.stale for route in members) else {"stale"})
        for source, members in by_source.items()
    }


def _index(routes: tuple[Route, ...]) -> Route:
    lines = sorted(f"{route.method} {route.path}" for route in routes)

    def show(request: Request) -> Response:
        return as_json({"insecure_sandbox": lines})

    return Route(method="GET", path="/", source="index", handle=show)
