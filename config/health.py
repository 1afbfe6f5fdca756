"""Whether this process lives. Whether it is ready is told on the loopback listener only, not to the world."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """`ok`, without touching the database: a database that is away must not have every web process restarted."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")
