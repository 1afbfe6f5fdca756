"""One changed bit in anything that is signed never passes: every bit is drawn from the good vectors
and judged alone.

Left out is what is neither signed nor of consequence (versions and the list of hashes around the
signer), and the anchor, which is trusted by being pinned and not for its signature.
"""

import random
from dataclasses import dataclass, replace

import pytest

from tests.proofs import Figures
from tests.vectors.eds.case import CASE, FOLDER, STATEMENT
from tests.verification.engines.pki.test_vectors import evidence
from verification.core.errors import SourceUnavailable
from verification.core.results import Passed
from verification.core.route import Evidence
from verification.engines.pki.cms import parse_cms
from verification.stages.statement import STAGE, dialogue
from verification.stages.statement.measure import measure_statement
from verification.stages.statement.policy import POLICY

_BITS = 350  # of each part and family at scale 1
_PARTS = (
    "content",
    "signed attributes",
    "signature",
    "leaf",
    "leaf's signature",
    "issuer",
    "list",
    "answer",
)


@dataclass(frozen=True)
class Part:
    """Where a part lies: the kind of evidence and the bytes of it from `start` to `stop`."""

    kind: str
    start: int
    stop: int


def _given(family: str, *, with_answer: bool) -> Evidence:
    """Good evidence: with the copy of the statement inside, and cleared by an answer or by a
    list.
    """
    roles: dict[str, list[str]] = {"signature": [f"good_attached.{family}.cms"]}
    if with_answer:
        roles |= {"ocsp": [f"ocsp_good.{family}.ocsp"], "crl": []}
    return evidence({"family": family, "evidence": roles})


def _locate(given: Evidence, name: str) -> Part:
    cms = given.items[dialogue.SIGNATURE]
    signed = parse_cms(cms, max_bytes=POLICY.signature_max_bytes)
    inside = {
        "content": STATEMENT,
        "signed attributes": signed.signed_attributes,
        "signature": signed.signature,
        "leaf": signed.signer.der,
        "leaf's signature": signed.signer.signature,
    }
    if name in inside:
        start = cms.index(inside[name])
        return Part(dialogue.SIGNATURE, start, start + len(inside[name]))
    kind = {"issuer": "shared.intermediate.0", "list": "shared.crl.0", "answer": dialogue.OCSP}[
        name
    ]
    return Part(kind, 0, len(given.items[kind]))


def _passes(given: Evidence) -> bool:
    """Whether every check lets it pass; certificates of the operator that cannot be read stop
    everything.
    """
    try:
        return all(
            isinstance(each, Passed)
            for each in STAGE.judge(measure_statement(CASE, given, POLICY), POLICY)
        )
    except SourceUnavailable:
        return False


def _flipped(given: Evidence, part: Part, bit: int) -> Evidence:
    content = bytearray(given.items[part.kind])
    content[part.start + bit // 8] ^= 1 << bit % 8
    return replace(given, items={**given.items, part.kind: bytes(content)})


@pytest.mark.proof("eds_tampers")
@pytest.mark.parametrize("name", _PARTS)
@pytest.mark.parametrize("family", ["gost", "rsa"])
def test_one_changed_bit_never_passes(
    family: str, name: str, proof_scale: float, proof_seed: int, proof_figures: Figures
) -> None:
    given = _given(family, with_answer=name == "answer")
    part = _locate(given, name)
    assert _passes(given)
    every = range(8 * (part.stop - part.start))
    chance = random.Random(f"{proof_seed} {family} {name}")
    bits = chance.sample(every, min(len(every), int(_BITS * proof_scale) + 1))
    assert [bit for bit in bits if _passes(_flipped(given, part, bit))] == []
    key = f"tampers_{name.replace(' ', '_')}"
    proof_figures[key] = int(proof_figures.get(key, 0)) + len(bits)
    proof_figures["tampers"] = int(proof_figures.get("tampers", 0)) + len(bits)


@pytest.mark.parametrize("family", ["gost", "rsa"])
def test_every_bit_of_the_lengths_and_tags_at_the_beginning_counts(family: str) -> None:
    given = _given(family, with_answer=False)
    assert (FOLDER / f"good_attached.{family}.cms").read_bytes() == given.items[dialogue.SIGNATURE]
    head = Part(dialogue.SIGNATURE, 0, 19)  # SEQUENCE, signedData, [0], SEQUENCE
    assert [bit for bit in range(8 * 19) if _passes(_flipped(given, head, bit))] == []
