"""What the app sends back is read for one thing only, and never falls over anything else."""

import copy
import json

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from tests.verification.borrower.pages import made
from verification.borrower import signing
from verification.core.errors import BadInput

GIVEN = signing.documents_to_sign(made("statement"))
CODES = {"egov_answer_malformed", "egov_document_altered"}
SIGNATURE = "MIIB"


def answer(**changes):
    """The app's answer as it must be; `changes` are at places such as `file__data`."""
    back = copy.deepcopy(GIVEN)
    (document,) = back["documentsToSign"]
    document["document"]["file"]["data"] = SIGNATURE
    places = {"root": back, "document": document, "file": document["document"]["file"]}
    for name, value in changes.items():
        place, _, field = name.partition("__")
        places[place][field] = value
    return back


def read(back):
    untrusted = back if isinstance(back, bytes) else json.dumps(back, ensure_ascii=False).encode()
    return signing.signature_in(untrusted, offer=GIVEN)


def code_of(back):
    with pytest.raises(BadInput) as refused:
        read(back)
    return refused.value.code


def outcome(back):
    """The signature that was read, or the code of the refusal."""
    try:
        return read(back)
    except BadInput as refused:
        return refused.code


def test_the_app_gets_the_very_bytes_and_the_rows_of_the_page():
    page = made("statement")
    (document,) = GIVEN["documentsToSign"]
    assert GIVEN["signMethod"] == "CMS_SIGN_ONLY"
    assert document["document"]["file"]["data"] == page.data["statement_base64"]
    assert document["nameRu"].endswith("«First Credit LLP»")
    assert {"name": "БИН кредитора", "value": "120340000125"} in document["meta"]
    assert len({document["nameRu"], document["nameKz"], document["nameEn"]}) == 3


@pytest.mark.parametrize(
    "back",
    [
        answer(),
        answer(file__data="MIIB\nAAAA\n"),
        answer(document__meta=None, document__nameKz=None),
        answer(document__documentXml=None, root__version=1, document__signMethod="CMS_SIGN_ONLY"),
        answer(root__signedAt=1_732_450_000_000, file__scale=1.5),
        {"documentsToSign": [{"document": {"file": {"data": SIGNATURE}}}]},
    ],
)
def test_the_same_document_with_a_signature_in_place_is_read(back):
    assert read(back).startswith(SIGNATURE)


ALTERED = [
    answer(root__signMethod="CMS_WITH_DATA"),
    answer(root__signMethod=["CMS_SIGN_ONLY"]),
    answer(document__id=2),
    answer(document__id="1"),
    answer(document__id=True),
    answer(document__id=1.0),
    answer(document__id=10**12),
    answer(document__nameRu="Другое"),
    answer(document__nameKz=""),
    answer(document__meta=[]),
    answer(document__meta=[{"name": "a", "value": "b"}]),
    answer(document__meta={}),
    answer(file__mime="application/pdf"),
]
MALFORMED = [
    b"",
    b"null",
    b"[]",
    b'"x"',
    b"{",
    b"\xff",
    b"{}",
    b'{"documentsToSign": 1}',
    b"[" * 100_000,
    b'{"a":' * 20_000,
    b'{"documentsToSign":[],"documentsToSign":[]}',
    json.dumps(answer()).encode("utf-16"),
    json.dumps(answer()).replace('"id": 1', '"id": NaN').encode(),
    json.dumps(answer()).encode() + b"x",
    json.dumps(answer(root__x="x" * signing.PUT_MAX_BYTES)).encode(),
    {"documentsToSign": []},
    {"documentsToSign": [1]},
    {"documentsToSign": [{}]},
    {"documentsToSign": [answer()["documentsToSign"][0]] * 2},
    answer(document__document=None),
    answer(document__document=[]),
    answer(document__document={"file": SIGNATURE}),
    answer(file__data=None),
    answer(file__data=""),
    answer(file__data=" \n"),
    answer(file__data=[SIGNATURE]),
    answer(file__data={"a": 1}),
    answer(file__data=True),
    *(answer(file__data=number) for number in (7, 10**9, -(10**9), 10**30, 1.5, 1e300)),
]


@pytest.mark.parametrize("back", ALTERED)
def test_an_altered_document_is_refused_by_its_code(back):
    assert code_of(back) == "egov_document_altered"


@pytest.mark.parametrize("back", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_not_the_document_is_refused_by_its_code(back):
    assert code_of(back) == "egov_answer_malformed"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
_PLACES = (
    "root__signMethod",
    "root__documentsToSign",
    "document__id",
    "document__meta",
    "document__document",
)


@drawn(
    st.sampled_from((*_PLACES, "file__mime", "file__data", "root__more", "document__more")), _JSON
)
def test_any_json_at_any_place_is_read_or_refused_by_a_code(place, value):
    back = answer(**{place: value})
    said = outcome(back)
    assert said in CODES or said == back["documentsToSign"][0]["document"]["file"]["data"]


@drawn(st.binary(max_size=300), st.integers(0, 2000), st.integers(0, 40))
def test_any_bytes_in_the_middle_are_read_or_refused_by_a_code(inserted, at, cut):
    whole = json.dumps(answer(), ensure_ascii=False).encode()
    at %= len(whole)
    assert outcome(whole[:at] + inserted + whole[at + cut :])
