"""A form as a browser posts it, `multipart/form-data` (RFC 7578), from a page of this very
server.
"""

import re
from typing import Final

from insecure_sandbox.exchange import Rejected, Request

_MAX_PARTS: Final = 30
_BOUNDARY = re.compile(
    r'multipart/form-data;\s*boundary="?([A-Za-z0-9\'()+_,./:=?-]{1,70})"?\s*', re.IGNORECASE
)
_NAME = re.compile(
    rb'^content-disposition:\s*form-data;(?:.*;)?\s*name="([a-z_]{1,40})"',
    re.IGNORECASE | re.MULTILINE,
)


def form_fields(request: Request) -> dict[str, bytes]:
    """Every field's bytes by its name. Raises `Rejected` for what is no form, and for one of a
    foreign page.

    A form needs no leave to be posted across origins, unlike JSON; so the browser must say that the
    page was ours.
    """
    if not request.is_same_origin:
        raise Rejected(403, "use the form on this server's own page")
    boundary = _BOUNDARY.fullmatch(request.content_type)
    if boundary is None:
        raise Rejected(415, "send multipart/form-data")
    # With a line end before it, so that the first delimiter looks like all others.
    parts = (b"\r\n" + request.untrusted_body).split(b"\r\n--" + boundary[1].encode())
    if len(parts) - 2 > _MAX_PARTS or not parts[-1].startswith(b"--"):
        raise Rejected(400, "the form is incomplete or has too many fields")
    return dict(_field(part) for part in parts[1:-1])


def _field(part: bytes) -> tuple[str, bytes]:
    head, separator, content = part.partition(b"\r\n\r\n")
    name = _NAME.search(head.replace(b"\r\n", b"\n"))
    if not separator or name is None:
        raise Rejected(400, "a field of the form has no name")
    return name[1].decode(), content
