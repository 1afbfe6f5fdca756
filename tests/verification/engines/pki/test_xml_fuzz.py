"""Whatever comes in the place of signed XML, only `Refused` comes out, and what passes says what
was signed.
"""

from functools import cache

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insecure_sandbox.xml_signing import DECLARATION, NAMESPACE, sign_xml
from tests.verification.engines.pki.statements import DOCUMENT, verify
from tests.verification.engines.pki.world import AT, LIMIT, World, make_world
from verification.core.errors import Refused
from verification.engines.pki.path import build_path
from verification.engines.pki.xmldsig import SignedXml, parse_signatures

MARKUP = (
    b"<!DOCTYPE a>", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?x?>", b"&x;", b"&lt;", b"&#13;", b"&#0;", b"&#x110000;",  # noqa: E501
    b"<", b">", b"/", b'"', b"'", b"=", b"\r\n", b"\x00", b"\xff", b"<a>", b"</a>", b"<a/>", b' Id="a"', b' xml:id="a"',  # noqa: E501
    b' xmlns=""', b' xmlns="urn:a"', b' xmlns:ds="urn:a"', b' xmlns:xml="urn:a"', b' xmlns:a="rel"', b' xml:lang="kk"',  # noqa: E501
    NAMESPACE, b"<ds:Signature>", b"</ds:Signature>", b"<ds:Reference/>", b"<ds:Object/>", b"ds:", b"</statement>",  # noqa: E501
)  # fmt: skip


@cache
def _world() -> World:
    # The cheaper family: what is fuzzed is the XML.
    return make_world("rsa")


@cache
def _encoded() -> bytes:
    return sign_xml(_world().person, DOCUMENT)


@cache
def _right() -> SignedXml:
    return _verified(_encoded())


def _verified(untrusted: bytes) -> SignedXml:
    signed = verify(untrusted)
    assert isinstance(signed, SignedXml)
    return signed


def _judge(untrusted: bytes) -> bool:
    """Whether it passed everything. Anything but `Refused` fails the test by itself."""
    try:
        signed = _verified(untrusted)
        build_path(signed.signer, anchors=[_world().root], intermediates=[_world().issuer], at=AT)
    except Refused:
        return False
    assert (signed.signer.der, signed.covered, signed.signature) == (
        _right().signer.der,
        _right().covered,
        _right().signature,
    )
    assert signed.signed_info == _right().signed_info
    return True


def test_the_document_that_is_mutated_passes() -> None:
    assert _judge(_encoded())


_edits = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 40), st.sampled_from(MARKUP)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_edits)
def test_markup_put_anywhere_is_judged_or_refused(edits: list[tuple[int, int, bytes]]) -> None:
    changed = bytearray(_encoded())
    for at, dropped, markup in edits:
        start = at % (len(changed) + 1)
        changed[start : start + dropped] = markup
    _judge(bytes(changed))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(MARKUP), st.binary(max_size=8), st.text(max_size=8).map(str.encode)
        )
    )
)
def test_any_sequence_of_markup_is_judged_or_refused(parts: list[bytes]) -> None:
    for untrusted in (b"".join(parts), b"<a>" + b"".join(parts) + b"</a>"):
        try:
            for signed in parse_signatures(untrusted, max_bytes=LIMIT):
                signed.check_signature()
        except Refused:
            continue


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_any_text_is_judged_or_refused(text: str) -> None:
    assert not _judge(text.encode())
    assert not _judge(DECLARATION + text.encode())
