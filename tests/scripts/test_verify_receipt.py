"""The stand-alone verifier believes a receipt that stands in the log, and not one letter of
anything else.
"""

import base64
import copy
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import jwt
import pytest
from django.conf import settings as django_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scripts.receipt_samples import ACCOUNT, AT, IIN, answer, entry, facts, keys, placed
from tests.verification.log import root
from tulga import receipts
from tulga.errors import Refused as ClientRefused
from verification.artifacts import signing
from verification.core.decision_receipt import build
from verification.core.stored import canonical_json

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "verify_receipt.py"
_spec = importlib.util.spec_from_file_location("verify_receipt", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
verifier = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(verifier)
NEVER = (verifier.Refused, verifier.Unreadable)
ABOUT = {"iin": IIN, "payout_account": ACCOUNT}


def root_file():
    return (django_settings.TULGA_KEYS_DIR / "public" / "root.pub").read_bytes()


@pytest.fixture(scope="module")
def live():
    return answer()


@pytest.fixture
def run(tmp_path):
    def verify(said, *options):
        (tmp_path / "answer").write_bytes(
            said if isinstance(said, bytes) else json.dumps(said).encode()
        )
        (tmp_path / "keys").write_bytes(keys())
        (tmp_path / "root").write_bytes(root_file())
        # Isolated and elsewhere: nothing of the product can be imported.
        command = [
            sys.executable,
            "-I",
            str(SCRIPT),
            "answer",
            "--jwks",
            "keys",
            "--root",
            "root",
            *options,
        ]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=60, check=False
        )

    return verify


def why_not(said, of=None, *, test=False, about=ABOUT, by_root=True):
    """Why the script does not believe it, empty if it does; the client judges the same."""
    untrusted, of = json.dumps(said).encode(), of or keys()
    more = {"root": root_file() if by_root else None, "test": test, "about": about}
    fault = ""
    try:
        verifier.verify(untrusted, of, **more)
    except NEVER as refused:
        fault = str(refused)
    try:
        receipts.verify(untrusted, of, **more)
    except ClientRefused:
        assert fault
    else:
        assert not fault
    return fault


def test_a_good_receipt_is_told(run, live):
    ended = run(live, "--iin", IIN, "--account", ACCOUNT)
    assert (ended.returncode, ended.stderr) == (0, "")
    told = json.loads(ended.stdout)
    assert (told["status"], told["releases"], told["attempts"][0]["outcome"]) == (
        "verified",
        ["eds-1"],
        "passed",
    )
    assert told["attempts"][0]["evidence"] == {"statement.text": "b" * 64, "shared.crl.0": "c" * 64}
    assert told["attempts"][0]["frames"]["number"] == 1
    assert IIN not in ended.stdout
    assert why_not(live, by_root=False) == ""


def test_pyjwt_verifies_the_signature_too(live):
    found = {key.key_id: key for key in jwt.PyJWKSet.from_json(keys().decode()).keys}
    header = jwt.get_unverified_header(live["receipt"])
    assert header == {"alg": "EdDSA", "kid": header["kid"], "typ": "tulga-receipt+jws"}
    said = jwt.decode(live["receipt"], found[header["kid"]], algorithms=["EdDSA"])
    assert (said["verification"], said["status"]) == (facts().verification, "verified")
    head, payload, signature = live["receipt"].split(".")
    other = (
        base64.urlsafe_b64encode(canonical_json({**said, "status": "declined"}))
        .rstrip(b"=")
        .decode()
    )
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(f"{head}.{other}.{signature}", found[header["kid"]], algorithms=["EdDSA"])
    assert payload != other


def test_a_test_receipt_is_refused_unless_asked_for(run):
    said = answer(facts(mode="test"))
    refused, taken = run(said), run(said, "--test")
    assert (refused.returncode, "a test receipt" in refused.stderr) == (1, True)
    assert "a test receipt" in why_not(said)
    assert taken.returncode == 0


def test_what_the_lender_canceled_is_named_by_an_entry_of_its_own(live):
    canceled = facts(status="canceled", code="canceled_by_lender")
    assert why_not(answer(canceled, type="receipt.issued", at="2026-11-28T09:30:05.000000Z")) == ""
    assert "another decision" in why_not(answer(type="receipt.issued"))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"type": "verification.declined"}, "another decision"),
        ({"type": "verification.created"}, "another decision"),
        ({"at": "2026-11-28T09:30:00.000001Z"}, "another decision"),
        ({"verification": "ver_b"}, "another verification"),
        ({"lender": "len_b"}, "another verification"),
        ({"mode": "test"}, "another verification"),
        ({"body": {}}, "another receipt"),
        ({"body": []}, "another receipt"),
        ({"body": {**entry(facts(), "x")["body"]}}, "another receipt"),
    ],
)
def test_an_entry_that_says_something_else_is_not_its(changes, says):
    assert says in why_not(answer(**changes))


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({"iin": "990101100020"}, "about another iin"),
        ({"payout_account": "KZ000000000000000000"}, "about another payout_account"),
        ({"iin": "\ud800"}, "about another iin"),
    ],
)
def test_a_receipt_about_another_person_or_account_is_refused(live, about, says):
    assert says in why_not(live, about=about)


def test_without_openings_it_says_so(live):
    assert "nothing that opens" in why_not({**live, "openings": None})
    assert why_not({**live, "openings": None}, about={}) == ""
    assert "16 bytes" in why_not({**live, "openings": {**live["openings"], "iin": "x"}})
    assert "nothing that opens" in why_not(answer(facts(commitments=None)))


def test_the_command_says_what_is_wrong(run, live):
    for said, code, says in (
        ({**live, "receipt": _with(live, ("receipt",))["receipt"]}, 1, "signature of the receipt"),
        (b"[" * 100_000, 2, "no JSON object"),
        (b" " * (verifier.FILE_MAX_BYTES + 1), 2, "more than"),
        (b"{}", 2, "no answer with a receipt"),
    ):
        ended = run(said)
        assert (ended.returncode, ended.stdout, says in ended.stderr) == (code, "", True), (
            ended.stderr
        )
    assert run(live, "--iin", "990101100020").returncode == 1
    assert run(live, "--jwks", "absent").returncode == 2


def _changed_keys():
    said = json.loads(keys())
    for name, of in said.items():
        for number, key in enumerate(of):
            for member in key:
                if member in ("alg", "kty", "crv", "use") or key["mode"] != "live":
                    continue
                for value in ("x", 7, None):
                    other = copy.deepcopy(said)
                    other[name][number][member] = value
                    yield f"{name} {member} {value}", other


@pytest.mark.parametrize(("name", "other"), list(_changed_keys()))
def test_keys_that_the_root_did_not_certify_verify_nothing(live, name, other):
    assert why_not(live, json.dumps(other).encode()), name


@pytest.mark.parametrize(
    "other", [{"keys": []}, {"keys": ["x"], "log_keys": []}, {"log_keys": []}, [], {"keys": 1}]
)
def test_what_is_no_set_of_keys_verifies_nothing(live, other):
    assert why_not(live, json.dumps(other).encode())


def test_a_key_of_another_kind_or_mode_verifies_nothing(live, monkeypatch):
    """A log's key signs no receipt, a document's no checkpoint, and a certified one of test mode
    nothing live.
    """
    said = json.loads(keys())
    [log], [document] = (
        [key for key in said[name] if key["mode"] == "live"] for name in ("log_keys", "keys")
    )
    swapped = {"keys": [{**document, "x": log["x"]}], "log_keys": [{**log, "x": document["x"]}]}
    assert why_not(live, json.dumps({**said, "keys": swapped["keys"]}).encode())
    assert "certificate of the log key" in why_not(
        live, json.dumps({**said, "log_keys": swapped["log_keys"]}).encode()
    )
    of_test = root.certified("document", 1, django_settings.TULGA_DOCUMENT_KEYS["live"][1])
    signed = {
        **document,
        "mode": "test",
        "certificate": base64.b64encode(of_test.signature).decode(),
    }
    assert "of one mode" in why_not(
        live, json.dumps({**said, "keys": [signed]}).encode(), test=True
    )
    monkeypatch.setattr("django.conf.settings.TULGA_DOCUMENT_KEYS", {"live": {1: bytes(32)}})
    assert "not among the given ones" in why_not(answer())


@pytest.mark.parametrize(
    "header",
    [{"alg": "none"}, {"typ": "JWT"}, {"crit": ["x"]}, {"typ": "tulga-identification+jws"}],
)
def test_another_header_is_refused(live, header):
    head, payload, signature = live["receipt"].split(".")
    said = canonical_json({**json.loads(verifier.from_base64url(head)), **header})
    other = base64.urlsafe_b64encode(said).rstrip(b"=").decode()
    assert "in another way" in why_not({**live, "receipt": f"{other}.{payload}.{signature}"})
    assert "no compact" in why_not({**live, "receipt": f"{payload}.{signature}"})
    document = json.loads(signing.sign(build(facts()), mode="live"))
    compact = ".".join(document[name] for name in ("protected", "payload", "signature"))
    assert "in another way" in why_not(answer(jws=compact))


def test_no_field_of_the_receipt_can_be_changed(live):
    """Each leaf of the payload with the old signature; and so signed, by the entry that names the
    first.
    """
    head, payload, signature = live["receipt"].split(".")
    document = json.loads(verifier.from_base64url(payload))
    paths = list(_leaves(document))
    assert len(paths) > 25
    for path in paths:
        changed = canonical_json(_with(document, path))
        other = base64.urlsafe_b64encode(changed).rstrip(b"=").decode()
        assert "signature of the receipt" in why_not(
            {**live, "receipt": f"{head}.{other}.{signature}"}
        ), path
        again = signing.sign_compact(changed, mode="live", type_=signing.RECEIPT_TYPE)
        assert why_not({**live, "receipt": again}), path


def test_no_field_beside_the_receipt_can_be_changed(live):
    for path in _leaves(live):
        assert why_not(_with(live, path)), path
    said = json.loads(live["log"]["leaf"])
    for path in _leaves(said):
        leaf = canonical_json(_with(said, path)).decode()
        assert why_not({**live, "log": {**live["log"], "leaf": leaf}}), path


def test_no_letter_of_the_proof_can_be_changed(live):
    for name in ("proof", "checkpoint", "leaf"):
        text = live["log"][name]
        for place in range(len(text)):
            other = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
            assert why_not({**live, "log": {**live["log"], name: other}}), (name, place)
            assert why_not({**live, "log": {**live["log"], name: text[:place]}}), (name, place)
    proof, note = live["log"]["proof"], live["log"]["checkpoint"]
    for place in range(len(note)):  # of both at once, as they must be equal
        other = note[:place] + chr(ord(note[place]) ^ 1) + note[place + 1 :]
        log = {**live["log"], "checkpoint": other, "proof": proof.removesuffix(note) + other}
        assert why_not({**live, "log": log}), place


def test_the_receipt_of_another_entry_or_log_is_refused(live):
    other = answer(facts(verification="ver_b"))
    assert "names another receipt" in why_not({**live, "receipt": other["receipt"]})
    assert "names another receipt" in why_not({**live, "log": other["log"]})
    foreign = placed(live["log"]["leaf"].encode(), mode="test")
    assert "not signed by the log's key" in why_not({**live, "log": foreign})


def _leaves(value, path=()):
    if isinstance(value, dict | list) and value:
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(item, (*path, name))
    else:
        yield path


def _with(document, path):
    changed = copy.deepcopy(document)
    place = changed
    for step in path[:-1]:
        place = place[step]
    value = place[path[-1]]
    if isinstance(
        value, str
    ):  # its last letter but three: in base64 the last may stand for fewer bits
        place[path[-1]] = value[:-3] + ("1" if value[-3:-2] != "1" else "2") + value[-2:]
    else:
        place[path[-1]] = "x"
    return changed


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=300)
@given(data=st.data())
def test_no_garbage_stumbles_it(data):
    """Any bytes, and anything at all in place of any part of an answer or of the keys."""
    said, of = answer(), json.loads(keys())
    document = data.draw(st.sampled_from([said, of]))
    path = data.draw(st.sampled_from(list(_leaves(document))))
    place = document
    for step in path[: data.draw(st.integers(0, len(path) - 1))]:
        place = place[step]
    name = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
    before, place[name] = place[name], data.draw(JUNK)
    if place[name] != before:
        why_not(said, json.dumps(of).encode())
    raw = data.draw(st.binary(max_size=200))
    for untrusted in ((raw, keys(), root_file()), (json.dumps(answer()).encode(), raw, None)):
        with pytest.raises(NEVER):
            verifier.verify(untrusted[0], untrusted[1], root=untrusted[2])
    with pytest.raises(NEVER):
        verifier.verify(json.dumps(answer()).encode(), keys(), root=raw)


def test_the_time_is_spelled_as_the_log_spells_it():
    assert json.loads(build(facts()))["decided_at"] == AT.isoformat(
        timespec="microseconds"
    ).replace("+00:00", "Z")
