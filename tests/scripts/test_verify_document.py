"""The stand-alone verifier believes what was signed for a live person, and not one bit of anything
else.
"""

import importlib.util
import json
import subprocess
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verification.core.document_samples import facts
from verification.artifacts import signing
from verification.core.identification_document import build
from verification.core.stored import canonical_json

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "verify_document.py"
_spec = importlib.util.spec_from_file_location("verify_document", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
verifier = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(verifier)
NEVER = (verifier.Refused, verifier.Unreadable)


def spelled(content):
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def octets(text):
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture(scope="module")
def live():
    return signing.sign(build(facts(mode="live")), mode="live")


@pytest.fixture(scope="module")
def keys():
    return json.dumps({"keys": signing.public_keys()}).encode()


@pytest.fixture
def run(tmp_path, keys):
    def verify(document, *options, keys=keys, isolated=True):
        (tmp_path / "document").write_bytes(document)
        (tmp_path / "keys").write_bytes(keys)
        # Isolated and elsewhere: nothing of the product can be imported.
        alone = ["-I"] if isolated else []
        command = [sys.executable, *alone, str(SCRIPT), "document", "--jwks", "keys", *options]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=60, check=False
        )

    return verify


def believed(document, keys, *, test=False):
    try:
        verifier.verify(document, keys, test=test)
    except NEVER:
        return False
    return True


def test_a_good_document_is_told_and_its_pictures_are_written(run, live, tmp_path):
    ended = run(live, "--extract", "pictures")
    assert (ended.returncode, ended.stderr) == (0, "")
    told = json.loads(ended.stdout)
    assert (told["result"]["outcome"], told["identification_data"]["iin"]) == (
        "passed",
        "990101100010",
    )
    assert told["live_image"]["commands"][0]["frames"] == ["0.0", "0.1", "0.2"]
    pictures = sorted((tmp_path / "pictures").iterdir())
    assert [picture.read_bytes() for picture in pictures] == [
        f"frame {number} 1".encode() for number in range(4)
    ]


def test_a_console_without_our_letters_is_told_all_the_same(run, live, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "cp1251")
    monkeypatch.setenv("PYTHONUTF8", "0")
    ended = run(live, isolated=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["lender"]["name"] == "Ақша LLP"


def test_a_test_document_is_refused_unless_asked_for(run):
    document = signing.sign(build(facts()), mode="test")
    refused, taken = run(document), run(document, "--test")
    assert (refused.returncode, "a test document" in refused.stderr) == (1, True)
    assert taken.returncode == 0


def _as(header, payload, signature):
    return canonical_json({"payload": payload, "protected": header, "signature": signature})


def _with_header(live, **changes):
    jws = json.loads(live)
    header = {**json.loads(octets(jws["protected"])), **changes}
    return _as(spelled(canonical_json(header)), jws["payload"], jws["signature"])


def _unsigned(live):
    return _as(spelled(b'{"alg":"none"}'), json.loads(live)["payload"], "")


def _of_another_person(live):
    jws = json.loads(live)
    payload = octets(jws["payload"]).replace(b"990101100010", b"990101100020")
    return _as(jws["protected"], spelled(payload), jws["signature"])


@pytest.mark.parametrize(
    ("defect", "code", "says"),
    [
        (_of_another_person, 1, "the signature does not hold"),
        (_unsigned, 1, "signed in another way"),
        (lambda live: _with_header(live, alg="HS256"), 1, "signed in another way"),
        (lambda live: _with_header(live, typ="JWT"), 1, "signed in another way"),
        (lambda live: _with_header(live, crit=["x"]), 1, "signed in another way"),
        (lambda live: _with_header(live, kid="unknown"), 1, "not among the given ones"),
        (
            lambda live: signing.sign(build(facts(mode="test")), mode="live"),
            1,
            "of another mode",
        ),
        (
            lambda live: signing.sign(build(facts(mode="live")), mode="test"),
            1,
            "of another mode",
        ),
        (
            lambda live: signing.sign(b'{"mode":"live"}', mode="live"),
            1,
            "another type or version",
        ),
        (lambda live: live[:-1], 2, "canonical"),
        (lambda live: live[: len(live) // 2], 2, "canonical"),
        (lambda live: live + b"\n", 2, "canonical"),
        (lambda live: b" " + live, 2, "canonical"),
        (lambda live: b"", 2, "canonical"),
        (lambda live: live + b" " * verifier.FILE_MAX_BYTES, 2, "more than"),
        (lambda live: b"[" * 100_000, 2, "canonical"),
    ],
)
def test_anything_else_is_not_believed(run, live, defect, code, says):
    ended = run(defect(live))
    assert (ended.returncode, ended.stdout) == (code, "")
    assert says in ended.stderr


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda keys: {"keys": [key for key in keys["keys"] if key["mode"] == "test"]}, 1),
        (lambda keys: {"keys": [{**key, "x": keys["keys"][-1]["x"]} for key in keys["keys"]]}, 1),
        (lambda keys: {"keys": [{**key, "crv": "X25519"} for key in keys["keys"]]}, 1),
        (lambda keys: {"keys": [{**key, "mode": "test"} for key in keys["keys"]]}, 1),
        (lambda keys: {"keys": []}, 1),
        (lambda keys: {"keys": ["x"]}, 2),
        (lambda keys: [], 2),
    ],
)
def test_other_keys_verify_nothing(live, keys, run, change, code):
    assert run(live, keys=json.dumps(change(json.loads(keys))).encode()).returncode == code


def test_a_document_of_another_key_is_refused(keys, run):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.TULGA_DOCUMENT_KEYS", {"live": {1: bytes(32)}})
        foreign = signing.sign(build(facts(mode="live")), mode="live")
    assert run(foreign).returncode == 1


def test_a_key_that_goes_by_the_id_of_another_is_refused(live, keys):
    """Somebody who can slip a key into the set still cannot make it look like the one that is
    known.
    """
    foreign = Ed25519PrivateKey.from_private_bytes(bytes(32))
    jws = json.loads(live)
    signature = foreign.sign(f"{jws['protected']}.{jws['payload']}".encode())
    forged = _as(jws["protected"], jws["payload"], spelled(signature))
    kid, x = (
        json.loads(octets(jws["protected"]))["kid"],
        spelled(foreign.public_key().public_bytes_raw()),
    )
    swapped = {
        "keys": [{**key, "x": x} if key["kid"] == kid else key for key in json.loads(keys)["keys"]]
    }
    with pytest.raises(verifier.Refused, match="the one of its id"):
        verifier.verify(forged, json.dumps(swapped).encode(), test=False)


def test_a_file_that_is_not_there_is_said(run, live):
    assert run(live, "--jwks", "absent").returncode == 2


def test_no_field_can_be_changed(live, keys):
    """Each leaf of the payload, with the old signature."""
    jws = json.loads(live)
    assert believed(live, keys)
    document = json.loads(octets(jws["payload"]))
    for path in _leaves(document):
        changed = json.loads(octets(jws["payload"]))
        place = changed
        for step in path[:-1]:
            place = place[step]
        value = place[path[-1]]
        place[path[-1]] = value + "x" if isinstance(value, str) else "x"
        assert not believed(
            _as(jws["protected"], spelled(canonical_json(changed)), jws["signature"]), keys
        ), path


def _leaves(value, path=()):
    if isinstance(value, dict):
        return [leaf for name, item in value.items() for leaf in _leaves(item, (*path, name))]
    if isinstance(value, list) and value:
        return [
            leaf for number, item in enumerate(value) for leaf in _leaves(item, (*path, number))
        ]
    return [path]


def test_no_bit_can_be_flipped(live, keys):
    for position in range(
        0, 8 * len(live), 7
    ):  # 7 and 8 share no factor: every bit of a byte is met
        changed = bytearray(live)
        changed[position // 8] ^= 1 << position % 8
        assert not believed(bytes(changed), keys, test=True), position


@settings(max_examples=200)
@given(data=st.data())
def test_no_garbage_stumbles_it(data):
    keys = json.dumps({"keys": signing.public_keys()}).encode()
    part = st.one_of(
        st.text(max_size=20), st.binary(max_size=40).map(spelled), st.integers(), st.none()
    )
    shape = st.fixed_dictionaries({"payload": part, "protected": part, "signature": part})
    header = st.dictionaries(st.sampled_from(["alg", "kid", "typ", "x"]), part, max_size=4).map(
        lambda fields: {
            "payload": "",
            "protected": spelled(canonical_json(fields)),
            "signature": "",
        }
    )
    untrusted = data.draw(
        st.one_of(st.binary(max_size=200), shape.map(canonical_json), header.map(canonical_json))
    )
    assert not believed(untrusted, keys, test=True)
    assert not believed(signing.sign(b'{"mode":"live"}', mode="live"), untrusted)
