"""What `/you` looks like: no script, every text of somebody escaped, nothing foreign allowed by its
policy.
"""

import secrets
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from insecure_sandbox.consents import Consent
from insecure_sandbox.exchange import Response
from insecure_sandbox.inbox import Message
from verification.core.ids import check_digit

_HERE: Final = Path(__file__).parent
_PAGE: Final = Template((_HERE / "you.html").read_text(encoding="utf-8"))
_SHOWN: Final = 20  # messages, the newest first
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri"
        " 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def page(
    messages: Sequence[Message], pending: Sequence[Consent], *, notice: str = "", status: int = 200
) -> Response:
    """The whole page; `notice` says what the last post did, or with another status than 200, why it
    did nothing.
    """
    iin = _free_iin()
    newest = list(reversed(messages))[:_SHOWN]
    text = _PAGE.substitute(
        notice=_notice(notice, is_error=status != 200) if notice else "",
        consents="".join(_consent(consent) for consent in pending),
        messages="".join(_message(message) for message in newest) or "<p>None yet.</p>",
        iin=iin,
        phone=f"+7701{iin[-7:]}",
        document=f"0{iin[-8:]}",
    )
    return Response(
        body=text.encode(), content_type="text/html; charset=utf-8", status=status, headers=_HEADERS
    )


def style() -> Response:
    """The page's style sheet."""
    return Response(body=(_HERE / "you.css").read_bytes(), content_type="text/css; charset=utf-8")


def _notice(notice: str, *, is_error: bool) -> str:
    look = 'class="warning" role="alert"' if is_error else 'class="notice" role="status"'
    return f"<p {look}>{escape(notice)}</p>"


def _message(message: Message) -> str:
    head = f"{message.at:%H:%M:%S} UTC, {message.sender} to {message.phone}"
    return (
        '<div class="message"><p'
        f' class="from">{escape(head)}</p><p>{escape(message.text)}</p></div>\n'
    )


def _consent(consent: Consent) -> str:
    question = f"{consent.request.lender_name}: {consent.request.purpose}"
    buttons = "".join(
        f'<button class="button" name="status" value="{status}">{word}</button>'
        for status, word in (("valid", "Yes"), ("invalid", "No"))
    )
    return (
        '<form class="message" method="post" action="/you/consent"'
        ' enctype="multipart/form-data"><p>1414 asks whether you agree.'
        f' {escape(question)}</p><input type="hidden" name="consent_id"'
        f' value="{escape(consent.consent_id)}">{buttons}</form>\n'
    )


def _free_iin() -> str:
    """A fresh IIN of somebody born on 3 February 1899, the proposal of the form."""
    while True:
        eleven = f"9902031{secrets.randbelow(10_000):04}"
        if check_digit(eleven) != "x":
            return eleven + check_digit(eleven)
