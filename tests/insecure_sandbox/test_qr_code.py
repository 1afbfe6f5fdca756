"""What the simulated phone's camera reads: the text of a code as the page draws it, and nothing of
anything else.
"""

import re
import secrets

import pytest
import segno

from insecure_sandbox import qr_code
from insecure_sandbox.borrower import Page


def page_with(text: str) -> str:
    drawing = segno.make(text, error="m").svg_inline(omitsize=True, svgclass=None, lineclass=None)
    return (
        '<p class="lead">x</p><svg><path d="M1 2h3"/></svg><div class="qr'
        f' before-end">{drawing}</div>'
    )


@pytest.mark.parametrize("number", range(20))
def test_a_code_on_a_page_is_read(number: int) -> None:
    text = f"http://127.0.0.1:8000/v/phone/#{secrets.token_urlsafe(32)}{'a' * number}"
    assert qr_code.read(Page(page_with(text)).drawing) == text


def test_another_square_is_another_text_or_none() -> None:
    text = "http://127.0.0.1:8000/v/phone/#token"
    drawing = Page(page_with(text)).drawing
    rows = drawing.split("m-")
    assert qr_code.read("m-".join(rows[: len(rows) // 2])) == ""
    assert qr_code.read(re.sub(r"h\d+", "h0", drawing)) == ""


@pytest.mark.parametrize("nothing", ["", "M4 4.5", "M1 2h3"])
def test_what_is_no_code_says_nothing(nothing: str) -> None:
    assert qr_code.read(nothing) == ""


def test_a_phones_number_is_read_from_its_paragraph_alone() -> None:
    page = Page('<p>9999</p><p class="matched">\n 0417 </p><p>1234</p>')
    assert page.number == "0417"
    assert Page("<p>9999</p>").number == ""
