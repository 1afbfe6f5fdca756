"""Our paths and those of an independent library: the same verdict on every vector, or a reason why
not.
"""

from typing import Any

from tests.vectors.eds.case import AT, FOLDER
from tests.verification.engines.pki.insecure_oracle import path_refusal
from tests.verification.engines.pki.test_vectors import VECTORS, files
from verification.core.errors import Refused
from verification.engines.pki.certificate import parse_certificate
from verification.engines.pki.cms import parse_cms
from verification.engines.pki.path import build_path
from verification.stages.statement.policy import POLICY

# Where the library has a path and we have none.
STRICTER = {
    "intermediate_without_key_usage": (
        "an authority must say that it may sign certificates; RFC 5280 lets it be silent"
    ),
    "intermediate_with_name_constraints": "we do not process them, so a critical one refuses",
    "root_expired": (
        "an anchor's dates count here; RFC 5280 §6.1.1 (d) leaves that to whoever trusts it"
    ),
    "root_not_yet_valid": "the same",
}
# Where we have a path and the library has none.
LOOSER = {
    "common_name_with_bidi_isolate": (
        "the library prepares names by RFC 4518; we find issuers by the encoded name"
    ),
    "common_name_with_private_use": "the same",
}
_ANCHOR, _INTERMEDIATE = "anchor", "intermediate"


def _readable(vector: dict[str, Any]) -> bytes | None:
    """The signer's certificate of a vector that has a readable one and is not judged at a time of
    its own.
    """
    (name,) = files(vector)["signature"]
    if vector["group"] not in ("trust", "certificate", "cms") or not name.endswith(".cms"):
        return None
    try:
        return parse_cms(
            (FOLDER / name).read_bytes(), max_bytes=POLICY.signature_max_bytes
        ).signer.der
    except Refused:
        return None


def _cases() -> list[tuple[str, bytes, list[bytes], list[bytes]]]:
    found: dict[tuple[bytes, ...], tuple[str, bytes, list[bytes], list[bytes]]] = {}
    for vector in VECTORS:
        if (leaf := _readable(vector)) is None:
            continue
        chosen = files(vector)
        anchors, intermediates = (
            [(FOLDER / name).read_bytes() for name in chosen[role]]
            for role in (_ANCHOR, _INTERMEDIATE)
        )
        # Most vectors share one certificate; its path is looked at once.
        found.setdefault(
            (leaf, *anchors, *intermediates), (vector["file"], leaf, anchors, intermediates)
        )
    return list(found.values())


def _ours(leaf: bytes, anchors: list[bytes], intermediates: list[bytes]) -> str:
    try:
        build_path(
            parse_certificate(leaf),
            anchors=[parse_certificate(each) for each in anchors],
            intermediates=[parse_certificate(each) for each in intermediates],
            at=AT,
        )
    except Refused as refused:
        return refused.code
    return ""


def _opinions() -> dict[str, tuple[str, str]]:
    """By defect and family: our code and the library's words, each empty for a path."""
    return {
        name: (
            _ours(leaf, anchors, intermediates),
            path_refusal(leaf, anchors=anchors, intermediates=intermediates, at=AT),
        )
        for name, leaf, anchors, intermediates in _cases()
    }


def test_both_say_the_same_of_every_path_but_for_the_listed() -> None:
    opinions = _opinions()
    stricter = {name for name, (ours, theirs) in opinions.items() if ours and not theirs}
    looser = {name for name, (ours, theirs) in opinions.items() if theirs and not ours}
    assert {name.split(".")[0] for name in stricter} == STRICTER.keys()
    assert {name.split(".")[0] for name in looser} == LOOSER.keys()
    for family in ("gost", "rsa"):
        of_family = [each for name, each in opinions.items() if f".{family}." in name]
        agreeing = [ours for ours, theirs in of_family if bool(ours) == bool(theirs)]
        assert (agreeing.count("") >= 20, len(agreeing) - agreeing.count("") >= 20) == (True, True)


def test_what_only_the_library_refuses_is_refused_by_another_check_of_ours() -> None:
    codes = {each["file"].split(".")[0]: each.get("code", "") for each in VECTORS}
    assert all(codes[defect] for defect in LOOSER)
