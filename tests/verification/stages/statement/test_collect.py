"""The entry of a signature, and the sources that are asked for it."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insecure_sandbox.credential_fields import credential_from_fields
from insecure_sandbox.install_trust import write_anchors
from insecure_sandbox.signing import sign_cms
from insecure_sandbox.timestamping import signature_value, with_tokens
from insecure_sandbox.xml_signing import DECLARATION, sign_xml
from tests.vectors.eds.case import AT, CASE, FOLDER, JUDGED, STATEMENT
from tests.verification.engines.pki.test_xml import MARKUP
from tests.verification.stages.statement import signed_case
from verification.core.errors import BadInput, SourceUnavailable
from verification.core.results import Outcome, Passed, decide
from verification.core.route import Evidence, Next
from verification.core.statement_text import read
from verification.core.stored import canonical_json
from verification.engines.pki.keys import ALGORITHMS
from verification.engines.pki.timestamp import build_request, open_response
from verification.engines.pki.xmldsig import statement_document
from verification.sources import revocation, timestamp_authority
from verification.sources.installed import written
from verification.sources.revocation import AUTHORITY_CRL, OCSP, HttpRevocationSource
from verification.stages.statement import STAGE
from verification.stages.statement.checks import CHECKS, report_statement
from verification.stages.statement.collect import collect_statement
from verification.stages.statement.dialogue import (
    ANSWER,
    SIGNATURE,
    TEXT,
    accept_statement,
    numbered,
    prompt_statement,
    text_of,
)
from verification.stages.statement.measure import measure_statement
from verification.stages.statement.policy import POLICY

# Which sources the route asks after the answer, by real adapters over real sockets.


FAMILIES = ("gost512", "rsa")
SOURCES = "verification.sources"
# What is asked after a fault is the same for both families.
OF_ONE_FAMILY = pytest.mark.parametrize("family", ["gost512"])
WANTING = replace(POLICY, asks_timestamp=True)


@pytest.fixture
def _pointed_at_the_sandbox(sandbox, settings, tmp_path):
    write_anchors(sandbox.url, tmp_path / "anchors")

    def lists(path):
        return {family: [f"{sandbox.url}/{path}/{family}"] for family in FAMILIES}

    options = {
        "crl_urls": lists("crl"),
        "delta_crl_urls": lists("delta_crl"),
        "authority_crl_urls": lists("root_crl"),
        "ocsp_urls": lists("ocsp"),
        "seconds": 3.0,
        # Whose silence is waited for is hurried; to the others a busy machine gives an answer late.
        "ocsp_seconds": 20.0,
    }
    tsa = {"urls": {family: f"{sandbox.url}/tsa/{family}" for family in FAMILIES}, "seconds": 20.0}
    settings.TULGA_SOURCES = {
        "test": {
            "revocation": {
                "adapter": f"{SOURCES}.revocation.HttpRevocationSource",
                "options": options,
            },
            "timestamp_authority": {
                "adapter": f"{SOURCES}.timestamp_authority.HttpTimestampAuthority",
                "options": tsa,
            },
            "trust_anchors": {"directory": tmp_path / "anchors"},
        },
        "live": {},
    }
    yield
    sandbox.mend()


@pytest.fixture
def answered(sandbox, family):
    """A case and the evidence of its signature, by a key of the sandbox in the state given."""

    def make(state="valid", form="cms"):
        case = signed_case.case()
        person = {
            "iin": case.person.iin.value,
            "surname": "ТЕСТОВ",
            "given_name": "ТЕСТ",
            "patronymic": "",
        }
        fields = sandbox.post("/ca/credentials", family=family, state=state, **person)
        now = datetime.now(UTC).replace(microsecond=0)
        text, signer = signed_case.text(case, issued=now), credential_from_fields(fields)
        signatures = {
            "cms": lambda: base64.b64encode(sign_cms(signer, text, signed_at=now)),
            "xml": lambda: sign_xml(signer, statement_document(text)),
        }
        items = {
            "statement.text": text,
            "statement.signature": signatures[form](),
            "statement.answer": canonical_json({"at": now.isoformat()}),
        }
        return case, Evidence(items=items, at=now)

    return make


def collected(case, evidence, policy=POLICY):
    return dict(collect_statement(case, evidence, policy=policy))


def judged(case, evidence, found, policy=POLICY):
    """The outcome and the codes on what was collected."""
    whole = Evidence(items={**evidence.items, **found}, at=datetime.now(UTC))
    results = STAGE.judge(STAGE.measure(case, whole, policy), policy)
    return decide(results, required=tuple(CHECKS)).outcome, list(
        signed_case.refusals(results).values()
    )


def kinds(found):
    return {kind.rsplit(".", 1)[0] if kind.startswith("shared") else kind for kind in found}


def hurry(settings, source, name):
    """Waits a moment only for one that is silent for good."""
    settings.TULGA_SOURCES["test"][source]["options"][name] = 0.3


def fault(sandbox, source, kind, times=1):
    sandbox.post("/faults", source=source, kind=kind, times=times)


@pytest.mark.usefixtures("_pointed_at_the_sandbox")
def test_the_responder_is_asked_first_and_its_answer_is_enough(answered):
    case, evidence = answered()
    found = dict(collect_statement(case, evidence))
    assert {"statement.ocsp", "statement.ocsp_nonce", "shared.authority_crl"} <= kinds(found)
    assert "shared.crl" not in kinds(found)
    assert judged(case, evidence, found) == (Outcome.PASSED, [])


@pytest.mark.usefixtures("_pointed_at_the_sandbox")
def test_each_question_has_a_nonce_of_its_own(answered):
    case, evidence = answered()
    nonces = {collected(case, evidence)["statement.ocsp_nonce"] for _ in range(3)}
    assert len(nonces) == 3


@pytest.mark.usefixtures("_pointed_at_the_sandbox")
def test_the_responder_tells_of_a_revoked_certificate(answered):
    case, evidence = answered("revoked")
    assert judged(case, evidence, collected(case, evidence)) == (
        Outcome.FAILED,
        ["eds_certificate_revoked"],
    )


@pytest.mark.usefixtures("_pointed_at_the_sandbox")
@OF_ONE_FAMILY
@pytest.mark.parametrize(
    "kind", ["wrong_nonce", "stale", "try_later", "garbage", "oversize", "http_500", "silent"]
)
def test_without_a_believable_answer_the_lists_decide(sandbox, answered, settings, kind):
    if kind == "silent":
        hurry(settings, "revocation", "ocsp_seconds")
    for state, expected in (
        ("valid", (Outcome.PASSED, [])),
        ("revoked", (Outcome.FAILED, ["eds_certificate_revoked"])),
    ):
        case, evidence = answered(state)
        fault(sandbox, "ocsp", kind)
        found = collected(case, evidence)
        assert {"shared.crl", "shared.delta_crl"} <= kinds(found)
        assert judged(case, evidence, found) == expected


@pytest.mark.usefixtures("_pointed_at_the_sandbox")
@OF_ONE_FAMILY
@pytest.mark.parametrize("kind", ["http_500", "oversize"])
@pytest.mark.parametrize("source", ["crl", "delta_crl"])
def test_without_the_lists_either_nothing_is_decided(sandbox, answered, source, kind):
    case, evidence = answered()
    fault(sandbox, "ocsp", "http_500")
    fault(sandbox, source, kind)
    with pytest.raises(SourceUnavailable):
        collected(case, evidence)


@pytest.mark.usefixtures("_pointed_at_the_sandbox")
@pytest.mark.parametrize("source", ["crl", "delta_crl"])
def test_a_page_in_the_place_of_a_list_is_tried_again(sandbox, answered, source):
    case, evidence = answered()
    fault(sandbox, "ocsp", "try_later")
    fault(sandbox, source, "garbage")
    assert judged(case, evidence, collected(case, evidence)) == (
        Outcome.RETRY,
        ["eds_revocation_unknown"],
    )


@pytest.mark.usefixtures("_pointed_at_the_sandbox")
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("unknown", (Outcome.RETRY, ["eds_revocation_unknown"])),
        ("hold", (Outcome.FAILED, ["eds_certificate_revoked"])),
        ("revoked", (Outcome.FAILED, ["eds_certificate_revoked"])),
    ],
)
def test_a_believable_answer_is_not_overruled(sandbox, answered, kind, expected):
    case, evidence = answered()
    fault(sandbox, "ocsp", kind)
    found = collected(case, evidence)
    assert "shared.crl" not in kinds(found)
    assert judged(case, evidence, found) == expected


@pytest.mark.usefixtures("_pointed_at_the_sandbox")
def test_a_silent_list_of_the_root_is_a_fault(sandbox, answered):
    case, evidence = answered()
    fault(sandbox, "root_crl", "http_500")
    with pytest.raises(SourceUnavailable):
        collected(case, evidence)


@pytest.mark.usefixtures("_pointed_at_the_sandbox")
def test_a_signature_without_a_path_makes_us_ask_no_source(sandbox, issued, family):
    """Neither its certificate's addresses nor ours: a forged certificate sends no question."""
    case = signed_case.case()
    text = signed_case.text(case)
    items = {"statement.signature": base64.b64encode(signed_case.sign(issued(family), text))}
    fault(sandbox, "ocsp", "http_500")
    found = collected(case, Evidence(items=items, at=datetime.now(UTC)), WANTING)
    # There is no statement either, so its value is that of a stranger's.
    assert kinds(found) == {"shared.anchor", "shared.intermediate", "statement.other_value"}


@pytest.mark.usefixtures("_pointed_at_the_sandbox")
def test_a_time_stamp_is_asked_for_only_where_the_policy_says_so(answered):
    case, evidence = answered()
    assert "statement.timestamp" not in collected(case, evidence)
    found = collected(case, evidence, WANTING)
    assert {"statement.timestamp", "statement.timestamp_nonce"} <= found.keys()
    assert judged(case, evidence, found, WANTING) == (Outcome.PASSED, [])


@pytest.mark.usefixtures("_pointed_at_the_sandbox")
def test_of_who_signed_the_time_stamp_the_responder_is_asked_too_and_without_it_the_lists(
    sandbox, answered
):
    case, evidence = answered()
    found = collected(case, evidence, WANTING)
    assert {"statement.tsa_asked_ocsp", "statement.tsa_asked_ocsp_nonce"} <= found.keys()
    assert found["statement.tsa_asked_ocsp_nonce"] != found["statement.ocsp_nonce"]
    fault(sandbox, "ocsp", "try_later", times=2)
    found = collected(case, evidence, WANTING)
    assert {"shared.tsa_asked_crl", "shared.tsa_asked_delta_crl"} <= kinds(found)
    assert judged(case, evidence, found, WANTING) == (Outcome.PASSED, [])


def with_a_time_stamp_inside(evidence, family):
    cms = base64.b64decode(evidence.items["statement.signature"])
    question = build_request(
        signature_value(cms), imprint_oid=ALGORITHMS[family].digest_oid, nonce=1
    )
    asked = timestamp_authority.TimestampQuestion(family=family, query=question)
    answer = timestamp_authority.fetch("test", asked).parsed
    stamped = with_tokens(cms, open_response(answer, max_bytes=POLICY.timestamp_max_bytes))
    return replace(
        evidence, items={**evidence.items, "statement.signature": base64.b64encode(stamped)}
    )


@pytest.mark.usefixtures("_pointed_at_the_sandbox")
def test_a_time_stamp_that_came_inside_the_signature_is_asked_about(sandbox, answered, family):
    case, evidence = answered()
    evidence = with_a_time_stamp_inside(evidence, family)
    found = collected(case, evidence)
    assert "statement.tsa_inside_ocsp" in found
    assert judged(case, evidence, found) == (Outcome.PASSED, [])
    silent = {kind: content for kind, content in found.items() if "tsa_inside" not in kind}
    assert judged(case, evidence, silent) == (Outcome.PASSED, [])


@pytest.mark.usefixtures("_pointed_at_the_sandbox")
def test_of_signed_xml_the_same_is_asked_and_it_passes_with_the_time_stamp_of_its_value_alone(
    sandbox, answered
):
    case, evidence = answered(form="xml")
    assert judged(case, evidence, collected(case, evidence)) == (Outcome.PASSED, [])
    found = collected(case, evidence, WANTING)
    assert {"statement.timestamp", "statement.ocsp"} <= found.keys()
    assert judged(case, evidence, found, WANTING) == (Outcome.PASSED, [])
    without = {kind: content for kind, content in found.items() if kind != "statement.timestamp"}
    assert judged(case, evidence, without, WANTING) == (
        Outcome.RETRY,
        ["eds_timestamp_unavailable"],
    )
    another, signed = answered(form="xml")
    of_another = collected(another, signed, WANTING) | {"statement.ocsp": found["statement.ocsp"]}
    assert "eds_timestamp_unavailable" in judged(case, evidence, found | of_another, WANTING)[1]


@pytest.mark.usefixtures("_pointed_at_the_sandbox")
@OF_ONE_FAMILY
@pytest.mark.parametrize("kind", ["stale", "wrong_nonce", "revoked", "rejected", "garbage"])
def test_a_time_stamp_of_ours_that_is_of_no_use_is_tried_again(sandbox, answered, kind):
    case, evidence = answered()
    fault(sandbox, "tsa", kind)
    found = collected(case, evidence, WANTING)
    assert judged(case, evidence, found, WANTING) == (Outcome.RETRY, ["eds_timestamp_unavailable"])


@pytest.mark.usefixtures("_pointed_at_the_sandbox")
def test_a_silent_time_stamp_authority_is_a_fault(sandbox, answered, settings):
    case, evidence = answered()
    hurry(settings, "timestamp_authority", "seconds")
    fault(sandbox, "tsa", "silent")
    with pytest.raises(SourceUnavailable, match="timestamp_authority"):
        collected(case, evidence, WANTING)


class OfSignerAlone:
    """Answers the first question to the responder, and no other."""

    source = "revocation"

    def __init__(self):
        options: Any = written("test")["revocation"]["options"]
        self.behind = HttpRevocationSource(**options)
        self.asked = 0

    def fetch(self, question):
        if question.kind == AUTHORITY_CRL:
            return ()
        self.asked += question.kind == OCSP
        if question.kind != OCSP or self.asked > 1:
            raise SourceUnavailable(question.kind, "silent")
        return self.behind.fetch(question)


def answer_once(monkeypatch):
    """From here on the responder answers one question more."""
    source = OfSignerAlone()
    monkeypatch.setattr(revocation, "resolve", lambda _mode, _name: source)


@pytest.mark.usefixtures("_pointed_at_the_sandbox")
def test_only_a_time_stamp_that_was_asked_for_needs_an_answer_on_its_authority(
    sandbox, answered, family, monkeypatch
):
    case, evidence = answered()
    evidence = with_a_time_stamp_inside(evidence, family)
    answer_once(monkeypatch)
    found = collected(case, evidence)
    answer_once(monkeypatch)
    with pytest.raises(SourceUnavailable):
        collected(case, evidence, WANTING)
    assert judged(case, evidence, found) == (Outcome.PASSED, [])


# What the page may send in the place of a signature: taken or refused by our own words, and
# judged without a fault.


MEMORY = {"statement": read(STATEMENT)}


@cache
def _right() -> str:
    return (FOLDER / "xml_good.rsa.xml").read_text(encoding="utf-8")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "backslashreplace")


def _taken(signature: object) -> dict[str, bytes] | None:
    """The evidence of a turn, or None where the page is told that this is no signature."""
    try:
        turn = accept_statement(MEMORY, {"signature": signature}, AT)
    except BadInput:
        return None
    assert (turn.next, turn.memory) == (Next.COLLECT, MEMORY)
    return dict(turn.evidence)


def _passes(signature: str) -> bool:
    """Whether every check passes. Each gives a result, whatever came, and the report can be
    written.
    """
    taken = _taken(signature)
    if taken is None:
        return False
    files = {
        "anchor": "root.rsa.crt",
        "intermediate": "issuing.rsa.crt",
        "crl": "revocation.rsa.crl",
    }
    items = {
        TEXT: STATEMENT,
        **taken,
        **{f"shared.{kind}.0": _file(name) for kind, name in files.items()},
    }
    evidence = Evidence(items=items, at=JUDGED)
    results = STAGE.judge(measure_statement(CASE, evidence, POLICY), POLICY)
    report = json.loads(
        report_statement(measure_statement(CASE, evidence, POLICY), POLICY, results)
    )
    passed = all(isinstance(each, Passed) for each in results)
    assert (report["status"] == "TOTAL-PASSED") == passed
    return passed


@cache
def _file(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def test_signed_xml_passes_beside_a_cms_and_the_report_names_its_form() -> None:
    assert _passes(_right())
    assert _passes((FOLDER / "good_pem.rsa.cms").read_text())
    evidence = Evidence(
        items={TEXT: STATEMENT, SIGNATURE: _right().encode(), ANSWER: canonical_json({})}, at=JUDGED
    )
    first = CHECKS["eds.format"](measure_statement(CASE, evidence, POLICY), POLICY)
    assert (first.detail["form"], first.detail["family"]) == ("xml", "rsa")


def test_the_document_to_sign_is_made_of_the_statement_we_keep_and_of_nothing_else() -> None:
    asked = prompt_statement(MEMORY)
    assert asked["statement_xml"].encode() == statement_document(STATEMENT)
    head, _, rest = _right().removeprefix(DECLARATION.decode()).partition("<ds:Signature")
    assert asked["statement_xml"] == head + rest.rpartition("</ds:Signature>")[2]


def test_the_limit_comes_before_the_parser() -> None:
    bare = _right().removeprefix(DECLARATION.decode())
    room = POLICY.signature_max_bytes
    left = room - len(bare.encode())
    assert _passes(bare + " " * left)
    assert not _passes(bare + " " * (left + 1))
    assert _taken("<" * (2 * room)) is not None
    assert _taken("<" * (2 * room + 1)) is None


@pytest.mark.parametrize("text", ["MIIB\u049a", "\u049a", "<a>\ud800</a>", "\ud800"])
def test_beyond_ascii_there_is_xml_alone_and_no_half_of_a_sign(text: str) -> None:
    assert _taken(text) is None
    assert _taken("<a>\u049a</a>") is not None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None)
@given(_JSON)
def test_any_json_is_taken_or_refused(untrusted: Any) -> None:
    taken = _taken(untrusted)
    assert taken is None or taken[SIGNATURE] == untrusted.encode()


@settings(max_examples=75, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.text(),
        st.text().map("<".__add__),
        st.lists(st.sampled_from(MARKUP)).map(b"".join).map(_text),
    )
)
def test_any_text_is_judged(text: str) -> None:
    assert not _passes(text)


_EDITS = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 40), st.sampled_from(MARKUP)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=75, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_EDITS)
def test_markup_put_anywhere_into_a_right_signature_is_judged(
    edits: list[tuple[int, int, bytes]],
) -> None:
    changed = bytearray(_right().encode())
    for at, dropped, markup in edits:
        start = at % (len(changed) + 1)
        changed[start : start + dropped] = markup
    _passes(_text(bytes(changed)))


def test_of_ten_statements_and_more_the_last_is_signed_and_pieces_come_in_their_numbers_order() -> (
    None
):
    items = {f"{TEXT}.{number}": b"%d" % number for number in range(1, 12)} | {TEXT: b"0"}
    assert text_of(Evidence(items=items, at=AT)) == b"11"
    certificates = {f"shared.anchor.{number}": b"%d" % number for number in range(11, -1, -1)}
    assert numbered(Evidence(items=certificates, at=AT), "shared.anchor") == [
        b"%d" % number for number in range(12)
    ]
