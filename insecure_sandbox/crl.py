"""Source `crl`: the revocation lists of the test authorities, like the NCA's: plain HTTP, DER."""

from collections.abc import Callable, Mapping
from typing import Final

from insecure_sandbox.authority_keeper import AuthorityKeeper
from insecure_sandbox.exchange import Request, Response, Route

SOURCE: Final = "crl"

_CONTENT_TYPE: Final = "application/pkix-crl"


def routes(keepers: Mapping[str, AuthorityKeeper]) -> tuple[Route, ...]:
    """A family has the list `/crl/<family>`, its delta `/delta_crl/<family>`, and the root's
    `/root_crl/<family>`.
    """
    return (
        *(_route(family, keeper) for family, keeper in keepers.items()),
        *(
            _document(f"/delta_crl/{family}", keeper.delta_crl)
            for family, keeper in keepers.items()
        ),
        *(_document(f"/root_crl/{family}", keeper.root_crl) for family, keeper in keepers.items()),
    )


def _document(path: str, make: Callable[[], bytes]) -> Route:
    def current(request: Request) -> Response:
        return Response(body=make(), content_type=_CONTENT_TYPE)

    return Route(method="GET", path=path, source=path.split("/")[1], handle=current)


def _route(family: str, keeper: AuthorityKeeper) -> Route:
    def current(request: Request) -> Response:
        return Response(body=keeper.crl(), content_type=_CONTENT_TYPE)

    def stale(request: Request) -> Response:
        return Response(body=keeper.stale_crl(), content_type=_CONTENT_TYPE)

    return Route(method="GET", path=f"/crl/{family}", source=SOURCE, handle=current, stale=stale)
