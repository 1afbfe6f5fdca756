"""Whatever bytes come in, only our own refusal comes out, within bounded processor time and memory;
and what passes is what was signed.

A process of its own reads the good vectors, breaks them and judges each: bytes are flipped, cut,
doubled; elements are dropped, doubled, swapped, retagged and nested with all lengths around them
put right, so that the damage goes deep. Tags and texts of XML are dropped, doubled, swapped and
made of other markup.
"""

import json
import random
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from insecure_sandbox import encoding as asn1
from insecure_sandbox import timestamping
from tests.proofs import Figures
from tests.vectors.eds.case import FOLDER, JUDGED, OCSP_NONCE, STATEMENT, TIMESTAMP_NONCE
from tests.verification.engines.pki import test_timestamp
from tests.verification.engines.pki.test_xml import MARKUP
from tests.verification.engines.pki.world import AT, LIMIT, make_world
from verification.core.errors import Refused
from verification.core.route import Evidence
from verification.engines.pki import cms, der, signatures
from verification.engines.pki.certificate import Certificate, parse_certificate
from verification.engines.pki.ocsp import State
from verification.engines.pki.path import build_path
from verification.engines.pki.revocation import Answers, VerifiedLists, find_status
from verification.engines.pki.signatures import (
    check_usage,
    compare_surname,
    find_token,
    subject_iin,
)
from verification.engines.pki.timestamp import check_token, parse_token, verify_answer
from verification.engines.pki.xmldsig import SignedXml
from verification.stages.statement.dialogue import OF_SIGNER, revocation_limits
from verification.stages.statement.policy import POLICY

_ROOT = Path(__file__).resolve().parents[4]
_INPUTS = 120_000
_MEMORY = 1 << 30  # bytes of address space: the process with its libraries takes about a third
_SECONDS_AN_INPUT = 0.02  # of processor time on average; measured 2 ms and less
_START = 30  # seconds of processor time for everything before
_MARKS = re.compile(rb"<[^<>]*>|[^<>]+")
Judge = Callable[[bytes], object]


@dataclass(frozen=True)
class Family:
    """The good files of one family, read."""

    name: str

    def file(self, stem: str, suffix: str = "cms") -> bytes:
        """One file's bytes."""
        return (FOLDER / f"{stem}.{self.name}.{suffix}").read_bytes()

    def signed(self, stem: str = "good") -> cms.SignedStatement:
        """A good signature, read."""
        return cms.parse_cms(self.file(stem), max_bytes=POLICY.signature_max_bytes)

    @property
    def root(self) -> Certificate:
        """The anchor."""
        return parse_certificate(self.file("root", "crt"))

    @property
    def issuer(self) -> Certificate:
        """The authority under it."""
        return parse_certificate(self.file("issuing", "crt"))


def _certificates(family: Family) -> Judge:
    root, issuer = family.root, family.issuer

    def judge(untrusted: bytes) -> None:
        certificate = parse_certificate(untrusted)
        compare_surname(certificate, "ТЕСТОВ")
        subject_iin(certificate)
        check_usage(certificate, accepted_policies=POLICY.certificate_policies)
        build_path(certificate, anchors=[root], intermediates=[issuer], at=JUDGED)

    return judge


def _signatures(family: Family, good: bytes) -> Judge:
    """What passes says what the good one says: versions and hashes beside the signer are signed by
    no key.
    """
    root, issuer = family.root, family.issuer
    right = _signed_parts(signatures.parse_signature(good, max_bytes=POLICY.signature_max_bytes))

    def judge(untrusted: bytes) -> None:
        signed = signatures.parse_signature(untrusted, max_bytes=POLICY.signature_max_bytes)
        signed.check_content(statement=STATEMENT)
        signed.check_signature()
        build_path(signed.signer, anchors=[root], intermediates=[issuer], at=JUDGED)
        assert _signed_parts(signed) == right

    return judge


def _signed_parts(signed: signatures.Signature) -> tuple[bytes, ...]:
    own = (
        (signed.covered, signed.signed_info)
        if isinstance(signed, SignedXml)
        else (signed.signed_attributes,)
    )
    return (signed.signer.der, signed.signature, *own)


def _revocation(family: Family, kind: str, encoded: bytes) -> Judge:
    """No other list than the one that was signed is believed."""
    leaf, issuer, good = family.signed().signer, family.issuer, family.file("revocation", "crl")

    def judge(untrusted: bytes) -> None:
        given: dict[str, Any] = {
            "ocsp": {"ocsp": untrusted, "ocsp_nonce": OCSP_NONCE},
            "crl": {"crls": [untrusted]},
            "delta": {"crls": [good], "deltas": [untrusted]},
        }
        limits, memory = revocation_limits(POLICY), VerifiedLists()
        status = find_status(
            leaf,
            issuer=issuer,
            answers=Answers(**given[kind]),
            limits=limits,
            at=JUDGED,
            verified=memory,
        )
        # An answer that is not believed gives way to lists, of which there is none here.
        assert status.state is State.GOOD
        assert kind == "ocsp" or untrusted == encoded

    return judge


def _tokens(family: Family, *, in_answer: bool) -> Judge:
    signed = family.signed()
    found = {
        "anchor": family.root.der,
        "intermediate": family.issuer.der,
        "crl": family.file("revocation", "crl"),
    }
    given = Evidence(
        items={f"shared.{kind}.0": content for kind, content in found.items()}, at=JUDGED
    )
    trust = OF_SIGNER.timestamp_trust(given, POLICY)

    def judge(untrusted: bytes) -> None:
        if in_answer:
            verify_answer(untrusted, nonce=TIMESTAMP_NONCE, signed=signed, trust=trust, at=JUDGED)
            return
        token = parse_token(untrusted, max_bytes=trust.max_bytes)
        check_token(token, signature=signed.signature, signer=signed.signer, trust=trust, at=JUDGED)

    return judge


def _old_token() -> tuple[bytes, Judge]:
    """Of the old GOST, by a pinned authority, judged as if it had come inside the statement."""
    world = make_world("gost512")
    right = test_timestamp.old_stamp(world)
    pins, policies = [test_timestamp.old_certificate(right.signer)], test_timestamp.ACCEPTED
    trust = test_timestamp.trust(world, pinned=pins, accepted_policies=policies)
    value = timestamping.signature_value(test_timestamp.statement(world))

    def judge(untrusted: bytes) -> None:
        token = parse_token(untrusted, max_bytes=LIMIT)
        check_token(token, signature=value, signer=world.leaf, trust=trust, at=AT)

    return timestamping.encode(right), judge


def targets() -> Iterator[tuple[str, bytes, Judge]]:
    """What is broken, and by whom it is judged."""
    for name in ("gost", "rsa"):
        family = Family(name)
        token = find_token(family.signed("good_time_stamped")) or b""
        yield f"certificate.{name}", family.signed().signer.der, _certificates(family)
        for stem in (
            "good",
            "good_attached",
            "good_ber_wrapper",
            "good_cades",
            "good_time_stamped",
            "good_pem",
        ):
            good = family.file(stem)
            yield f"{stem}.{name}", good, _signatures(family, good)
        for stem in ("xml_good", "xml_good_with_an_identifier"):
            good = family.file(stem, "xml")
            yield f"{stem}.{name}", good, _signatures(family, good)
        for kind, stem, suffix in (
            ("ocsp", "ocsp_good", "ocsp"),
            ("crl", "revocation", "crl"),
            ("delta", "delta_good", "crl"),
        ):
            good = family.file(stem, suffix)
            yield f"{kind}.{name}", good, _revocation(family, kind, good)
        yield f"token.{name}", token, _tokens(family, in_answer=False)
        yield f"answer.{name}", family.file("tsr_good", "tsr"), _tokens(family, in_answer=True)
    yield "token.old", *_old_token()


def mutations(encoded: bytes, *, seed: int) -> Iterator[bytes]:
    """Endless variants with bytes flipped, cut, doubled, dropped or overwritten, in lengths as
    often as in content.
    """
    chance = random.Random(seed)
    while True:
        changed = bytearray(encoded)
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            at = chance.randrange(max(len(changed), 2))
            if at >= len(changed):
                break
            span = slice(at, at + chance.randrange(1, 9))
            match chance.randrange(6):
                case 0:
                    changed[at] ^= 1 << chance.randrange(8)
                case 1:
                    changed[at] = chance.choice(
                        (0x00, 0x7F, 0x80, 0x81, 0x84, 0xFF, 0x30, 0x31, 0xA0)
                    )
                case 2:
                    del changed[span]
                case 3:
                    changed[at:at] = changed[span]
                case 4:
                    del changed[max(at, 1) :]
                case _:
                    changed[span] = chance.randbytes(len(changed[span]))
        yield bytes(changed)


def restructured(encoded: bytes, *, seed: int) -> Iterator[bytes]:
    """Endless variants with one or two elements changed and every length around them right."""
    chance, root = random.Random(seed), der.read_tree(encoded)
    nodes = [root]
    for node in nodes:
        nodes.extend(_inside(node))
    while True:
        chosen = {
            id(each): _changed(each, nodes, chance)
            for each in chance.sample(nodes, chance.choice((1, 1, 2)))
        }
        yield _encoded(root, chosen)


def _inside(node: der.Element) -> list[der.Element]:
    """The parts of an element; an OCTET STRING that holds one element is opened, and remembers
    it.
    """
    if node.tag == der.OCTET_STRING and not node.children:
        try:
            node.children.append(der.read_tree(node.content))
        except Refused:
            return []
    return node.children


def _encoded(node: der.Element, chosen: dict[int, bytes]) -> bytes:
    if id(node) in chosen:
        return chosen[id(node)]
    if not node.children:
        return node.raw
    return asn1.element(node.tag, *(_encoded(each, chosen) for each in node.children))


def _changed(node: der.Element, nodes: list[der.Element], chance: random.Random) -> bytes:
    other = chance.choice(nodes)
    match chance.randrange(8):
        case 0:
            return b""
        case 1:
            return node.raw * chance.choice((2, 2, 3, 50))
        case 2:
            return other.raw
        case 3:
            return asn1.element(
                chance.choice((node.tag ^ 0x20, other.tag, chance.randrange(256))), node.content
            )
        case 4:
            return asn1.element(node.tag, other.content)
        case 5:
            return asn1.element(
                node.tag, chance.choice((b"", b"\0", b"\xff" * 64, bytes(64), chance.randbytes(40)))
            )
        case 6:
            nested = node.raw
            for _ in range(chance.choice((1, 5, 40))):
                nested = asn1.sequence(nested)
            return nested
        case _:
            return asn1.element(node.tag, node.content, bytes([chance.randrange(256)]))


def remarked(encoded: bytes, *, seed: int) -> Iterator[bytes]:
    """Endless variants of XML with one or two tags or texts dropped, doubled, swapped or made of
    other markup.
    """
    chance, parts = random.Random(seed), _MARKS.findall(encoded)
    while True:
        changed = list(parts)
        for _ in range(chance.choice((1, 1, 2))):
            at, other = chance.randrange(len(parts)), chance.choice(parts)
            changed[at] = chance.choice(
                (b"", changed[at] * 2, other, changed[at] + other, chance.choice(MARKUP))
            )
        yield b"".join(changed)


def _broken(encoded: bytes, *, seed: int) -> Iterator[bytes]:
    """Damage of both kinds by turns; what is neither DER nor XML is damaged byte by byte alone."""
    bytewise = mutations(encoded, seed=seed)
    for source in cycle((bytewise, _damaged_by_parts(encoded, seed=seed) or bytewise)):
        yield next(source)


def _damaged_by_parts(encoded: bytes, *, seed: int) -> Iterator[bytes] | None:
    if encoded.lstrip().startswith(b"<"):
        return remarked(encoded, seed=seed)
    try:
        return restructured(encoded, seed=seed) if der.read_tree(encoded).strict else None
    except Refused:
        return None


def run(inputs: int, seed: int) -> dict[str, int | float]:
    """Judge so many inputs; anything but `Refused` comes out as it is, with the input on standard
    error.
    """
    every = list(targets())
    counts = dict.fromkeys(("inputs", "accepted"), 0)
    slowest = 0.0
    for number, (name, encoded, judge) in enumerate(every):
        if not judge_or_refuse(judge, encoded, name):
            sys.exit(f"{name} itself is refused")
        for untrusted in islice(_broken(encoded, seed=seed + number), -(-inputs // len(every))):
            begun = time.process_time()
            counts["accepted"] += judge_or_refuse(judge, untrusted, name)
            counts["inputs"] += 1
            slowest = max(slowest, time.process_time() - begun)
    return {
        **counts,
        "slowest_ms": round(slowest * 1000, 1),
        "cpu_s": round(time.process_time(), 1),
    }


def judge_or_refuse(judge: Judge, untrusted: bytes, name: str) -> bool:
    """Whether it was accepted."""
    try:
        judge(untrusted)
    except Refused:
        return False
    except BaseException:
        print(f"{name}: {untrusted.hex()}", file=sys.stderr)
        raise
    return True


@pytest.mark.proof("eds_fuzz")
def test_only_our_own_refusal_comes_out_of_a_process_with_little_time_and_memory(
    proof_scale: float, proof_seed: int, proof_figures: Figures
) -> None:
    inputs = int(_INPUTS * proof_scale)
    command = [
        sys.executable,
        "-m",
        "tests.verification.engines.pki.test_fuzz_hostile",
        str(inputs),
        str(proof_seed),
    ]
    ended = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    figures = json.loads(ended.stdout)
    assert figures["inputs"] >= inputs
    assert figures["accepted"] < inputs / 10
    proof_figures.update(figures)


if __name__ == "__main__":
    total = int(sys.argv[1])
    seconds = _START + int(total * _SECONDS_AN_INPUT)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    print(json.dumps(run(total, int(sys.argv[2]))))
