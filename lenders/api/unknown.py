"""Everything under /v1/ that is nothing, and each other /v2: a problem in JSON, never a page."""

from typing import NoReturn

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from verification.core.errors import NotFound


@extend_schema(exclude=True)
class Unknown(APIView):
    """No such address."""

    def get(self, request: Request, rest: str = "") -> NoReturn:
        """404, with every method."""
        raise NotFound("there is no such address; see /docs")

    post = put = patch = delete = get
