"""The installed routes. A folder alone enables nothing: its name must stand in `settings.TULGA_ROUTES`."""

from importlib import import_module

from django.conf import settings

from verification.core.errors import Misconfigured
from verification.core.route import Route


def names() -> tuple[str, ...]:
    """The installed routes, in the order the settings name them."""
    return tuple(settings.TULGA_ROUTES)


def get(name: str) -> Route:
    """The route of this name; raises `Misconfigured` for one that is not installed."""
    if name not in settings.TULGA_ROUTES:
        raise Misconfigured(f"route {name} is not in TULGA_ROUTES")
    route: Route = import_module(f"verification.routes.{name}").ROUTE
    return route
