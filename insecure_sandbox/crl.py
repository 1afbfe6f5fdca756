"""Source `crl`: the revocation lists of the test authorities, as the NCA serves its own: plain HTTP, DER."""

from collections.abc import Mapping
from typing import Final

from insecure_sandbox.authority_keeper import AuthorityKeeper
from insecure_sandbox.exchange import Request, Response, Route

SOURCE: Final = "crl"

_CONTENT_TYPE: Final = "application/pkix-crl"


def routes(keepers: Mapping[str, AuthorityKeeper]) -> tuple[Route, ...]:
    """One list a family, `/crl/<family>`."""
    return tuple(_route(family, keeper) for family, keeper in keepers.items())


def _route(family: str, keeper: AuthorityKeeper) -> Route:
    def current(request: Request) -> Response:
        return Response(body=keeper.crl(), content_type=_CONTENT_TYPE)

    def stale(request: Request) -> Response:
        return Response(body=keeper.stale_crl(), content_type=_CONTENT_TYPE)

    return Route(method="GET", path=f"/crl/{family}", source=SOURCE, handle=current, stale=stale)
