"""How much of a request has come: gunicorn's threads get whole requests only.

Pure: bytes in, a length out. What is malformed is handed over as it is, and gunicorn's parser
refuses it.
"""

import re
from dataclasses import dataclass
from typing import Final

HEAD_SECONDS: Final = 10
"""From a connection's or request's begin to the end of its head. Ours: a phone needs one."""
REQUEST_SECONDS: Final = 60
"""To the end of its body. Ours: 1 MB from a phone at 20 KB/s; a waiting body holds no thread."""
ANSWER_SECONDS: Final = 60
"""From a whole request to the end of its answer. Ours: as above, for the largest script."""
LINGER_SECONDS: Final = 2
"""For a sender to close after the answer, RFC 9112 §9.6. As gunicorn's."""
ADDRESS_CONNECTIONS: Final = 100
"""Of one address, or one subscriber's IPv6 network, in a process. Ours: a tenth of all, and enough
for the borrowers behind one mobile operator's address.
"""
UNREAD_MAX_BYTES: Final = 64 * 2**20
"""Of incomplete requests in a process. Ours: 64 of the largest."""
HEAD_MAX_BYTES: Final = 65_536
"""Of a request's first line and headers. Ours: 60 headers of a browser have a tenth of it."""
BODY_MAX_BYTES: Final = 1_000_000
"""Of a body that is awaited. A longer one is refused by its length: see `settings`."""

_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length[ \t]*:[ \t]*([^\r\n]*)")
_CODING: Final = re.compile(rb"(?i)\r\ntransfer-encoding[ \t]*:")
_EXPECT: Final = re.compile(rb"(?i)\r\nexpect[ \t]*:[ \t]*100-continue[ \t]*(?=\r\n)")


@dataclass(frozen=True)
class Framing:
    """Where a request ends.

    head, size: bytes of the head, and of the whole request.
    is_readable: whether its body is within these bytes; else the connection must close after it.
    is_expecting: whether the sender waits for `100 Continue`.
    is_too_long: whether its head has no end within `HEAD_MAX_BYTES`.
    """

    head: int
    size: int
    is_readable: bool = True
    is_expecting: bool = False
    is_too_long: bool = False


def find_end(untrusted: bytes | bytearray) -> Framing | None:
    """The end of the first request; None while its head is incomplete."""
    at = untrusted.find(_END)
    if at < 0:
        size = len(untrusted)
        is_too_long = size > HEAD_MAX_BYTES
        return Framing(size, size, is_readable=False, is_too_long=True) if is_too_long else None
    head = at + len(_END)
    content = bytes(untrusted[:head])
    lengths = _LENGTH.findall(content)
    if not lengths and not _CODING.search(content):
        return Framing(head, head)
    length = lengths[0].strip() if len(lengths) == 1 else b""
    if _CODING.search(content) or not length.isdigit() or len(length) > 9:
        return Framing(head, head, is_readable=False)
    if int(length) > BODY_MAX_BYTES:
        return Framing(head, head, is_readable=False)
    return Framing(head, head + int(length), is_expecting=_EXPECT.search(content) is not None)


def without_expectation(untrusted: bytes) -> bytes:
    """The request without `Expect: 100-continue`, which was answered."""
    head, end, body = untrusted.partition(_END)
    return _EXPECT.sub(b"", head + b"\r\n")[:-2] + end + body
