"""Reading untrusted XML: what may be in it, and how much."""

import pytest

from tests.verification.engines.pki.world import LIMIT
from verification.core.errors import Refused
from verification.engines.pki.xml_document import canonical, only_base64, parse_document, remove


def _refusal(untrusted: bytes, *, max_bytes: int = LIMIT) -> str:
    with pytest.raises(Refused) as refused:
        parse_document(untrusted, max_bytes=max_bytes)
    return refused.value.code


@pytest.mark.parametrize(
    "declaration",
    [
        "",
        '<?xml version="1.0"?>',
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<?xml version='1.0' encoding='utf-8' standalone='no'?>\r\n",
        '<?xml version="1.0" standalone="yes" ?>',
    ],
)
def test_a_declaration_of_utf_8_passes(declaration: str) -> None:
    assert (
        canonical(parse_document(f"{declaration}<a>ә</a>\n".encode(), max_bytes=LIMIT))
        == "<a>ә</a>".encode()
    )


@pytest.mark.parametrize(
    "document",
    [
        b'<?xml version="1.1"?><a/>',
        b'<?xml version="1.0" encoding="UTF-16"?><a/>',
        b'<?xml version="1.0" encoding="UTF-7"?><a/>',
        b'<?xml version="1.0" encoding="windows-1251"?><a/>',
        '<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16"),
        "<a>ә</a>".encode("windows-1251", "replace").replace(b"?", b"\xfd"),
        b"\xef\xbb\xbf<a/>",
        b'<?xml version="1.0"?>\xef\xbb\xbf<a/>',
        b"",
        b" ",
        b"text",
        b"text<a/>",
        b"<a/>text",
        b"<a/><a/>",
        b"<a/><?x?>",
        b"<?x?><a/>",
        b"<a>",
        b"<a></b>",
        b"<b:a/>",
        b'<a b="1" b="2"/>',
        b"<a b=1/>",
        b"<a>&x;</a>",
        b"<a>&#0;</a>",
        b"<a>&#1;</a>",
        b"<a>\x00</a>",
        b"<a>\x1b</a>",
        b"<a>\xef\xbf\xbe</a>",
        b"<a>\xed\xa0\x80</a>",
        b"<a/>\x00",
        b"<!-- --><a/>",
        b"<a><![CDATA[x]]></a>",
        b"<!DOCTYPE a><a/>",
    ],
)
def test_what_is_not_plain_xml_in_utf_8_refuses(document: bytes) -> None:
    assert _refusal(document) == "eds_malformed"


def _nested(depth: int) -> bytes:
    return b"<a>" * depth + b"</a>" * depth


def test_size_depth_and_count_are_limited() -> None:
    for document, passes, code in (
        (b"<a>" + b"x" * (LIMIT - 7) + b"</a>", True, ""),
        (b"<a>" + b"x" * (LIMIT - 6) + b"</a>", False, "eds_too_large"),
        (_nested(16), True, ""),
        (_nested(17), False, "eds_malformed"),
        (_nested(5000), False, "eds_too_large"),
        (b"<a>" + b"<b/>" * 510 + b"</a>", True, ""),
        (b"<a>" + b"<b/>" * 511 + b"</a>", False, "eds_too_large"),
        (b"<a" + b"".join(b' a%d=""' % each for each in range(512)) + b"/>", True, ""),
        (
            b"<a" + b"".join(b" a%d=''" % each for each in range(513)) + b"/>",
            False,
            "eds_too_large",
        ),
        (b"<a" + b"".join(b' xmlns:a%d="u:"' % each for each in range(32)) + b"/>", True, ""),
        (
            b"<a" + b"".join(b' xmlns:a%d="u:"' % each for each in range(33)) + b"/>",
            False,
            "eds_too_large",
        ),
    ):
        if passes:
            parse_document(document, max_bytes=LIMIT)
        else:
            assert _refusal(document) == code


def test_a_relative_namespace_has_no_canonical_form() -> None:
    with pytest.raises(Refused) as refused:
        canonical(parse_document(b'<a xmlns="relative"/>', max_bytes=LIMIT))
    assert refused.value.code == "eds_malformed"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"<a><s/></a>", b"<a></a>"),
        (b"<a>1<s/>2</a>", b"<a>12</a>"),
        (b"<a><b/>1<s>no</s>2<c/></a>", b"<a><b></b>12<c></c></a>"),
        (b"<a><s/>2<c/></a>", b"<a>2<c></c></a>"),
    ],
)
def test_what_is_removed_leaves_the_text_around_it(before: bytes, after: bytes) -> None:
    root = parse_document(before, max_bytes=LIMIT)
    remove(next(root.iter("s")))
    assert canonical(root) == after


def test_the_root_is_not_removed() -> None:
    with pytest.raises(Refused):
        remove(parse_document(b"<a/>", max_bytes=LIMIT))


@pytest.mark.parametrize(
    ("inside", "content"),
    [
        (b"QUI=", b"AB"),
        (b" QU&#13;\nI=\t", b"AB"),
        (b"QUJ=", None),  # the last bits are not zero: another spelling of the same bytes
        (b"QUI", None),
        (b"QUI==", None),
        (b"QU-=", None),
        (b"Q<b/>UI=", None),
        (b"QU\xc2\xa0I=", None),
        (b"", None),
    ],
)
def test_base64_has_one_spelling_but_for_white_space(inside: bytes, content: bytes | None) -> None:
    node = parse_document(b"<a>" + inside + b"</a>", max_bytes=LIMIT)
    if content is not None:
        assert only_base64(node, where="a") == content
        return
    with pytest.raises(Refused) as refused:
        only_base64(node, where="a")
    assert refused.value.code == "eds_malformed"
