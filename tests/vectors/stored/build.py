"""Builds the golden blobs: `python -m tests.vectors.stored`."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from insecure_sandbox import samples, warp
from lenders import deliveries
from lenders.resources.events import Event
from tests.painted import painted
from tests.vectors.eds.case import CASE
from tests.vectors.stored import fields
from tests.verification.engines.pki.test_vectors import PASSING
from tests.verification.engines.pki.test_vectors import evidence as vector_evidence
from tests.verification.stages.live_capture import captures
from tests.verification.stages.person import known_case
from tests.verification.stages.person.known_case import memory
from tests.verification.stories.story import opening
from verification.case import contents, dossier
from verification.core import stored
from verification.core.lender import LenderFacts
from verification.core.person import Case
from verification.core.route import Evidence, Stage
from verification.core.stored import canonical_json
from verification.routes import LIVE_FACE
from verification.stages import code, confirmation, statement

# What the blobs that are no judgement say.


LENDER = LenderFacts(id="len_a", name="Sandbox Credit", bin="120340000014", phone="+77270000044")
OPENING = opening()
MEMORY = memory()
ENTRY_BODY = {
    "attempt": "att_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "route": "eds",
    "stage": "statement",
    "outcome": "failed",
    "code": "eds_iin_mismatch",
    "burnt": True,
    "inputs": "e" * 64,
    "checks": [
        {"check": "eds.format", "outcome": "pass", "code": ""},
        {"check": "eds.identity", "outcome": "fail", "code": "eds_iin_mismatch"},
    ],
    "evidence": [
        {
            "id": "evd_aaaaaaaaaaaaaaaaaaaaaaaaaa",
            "kind": "statement.terms",
            "commitment": "b" * 64,
            "sealed_sha256": "c" * 64,
            "size": 512,
        },
        {
            "id": "evd_bbbbbbbbbbbbbbbbbbbbbbbbbb",
            "kind": "statement.report",
            "commitment": "f" * 64,
            "size": 900,
        },
        {"kind": "shared.crl.0", "sha256": "d" * 64, "size": 900},
    ],
}
CHECKPOINT = "tulga.example/test\n42\n" + "A" * 43 + "=\n\n\u2014 tulga.example/test AAAA\n"
EVENT = Event(
    id="evt_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    type="verification.verified",
    timestamp=datetime(2026, 11, 24, 18, 31, tzinfo=UTC),
    lender_sequence=7,
    verification_id="ver_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    client_reference="A-1",
    status="verified",
    sequence=9,
    mode="test",
    log_index=41,
)


# One passed attempt of each stage, and how it is spelled.


_FRAMES = 12


def attempts() -> Iterator[tuple[Stage, Case, Evidence]]:
    """Stage, case and evidence of each."""
    agreed = known_case.known()
    yield confirmation.CONSENT, known_case.case(), agreed
    free = canonical_json({"somebody_tells_me": False, "at": known_case.NOW.isoformat()})
    yield (
        confirmation.QUESTION,
        known_case.case(),
        Evidence(items={"question.answer": free}, at=known_case.NOW),
    )
    yield LIVE_FACE.stages[0], known_case.case(), agreed
    yes = {"agreed": True, "version": confirmation.policy.RENEWAL.current, "language": "kk"}
    wanted = dict(confirmation.RENEWAL.accept({}, yes, known_case.NOW).evidence)
    wanted["renewal.shown"] = canonical_json({"contract_sha256": "a" * 64})
    yield confirmation.RENEWAL, known_case.case(), Evidence(items=wanted, at=known_case.NOW)
    sent = known_case.memory()
    guessed = known_case.evidence(
        known_case.issued(sent), known_case.guessed(sent, known_case.CODE)
    )
    yield code.STAGE, known_case.case(), guessed
    yield statement.STAGE, CASE, vector_evidence(PASSING[0])
    folder = samples.fetch()
    frames = {
        command: painted(
            folder / "obama3.jpg",
            "neutral" if command == "look_straight" else cast("warp.Play", command),
            _FRAMES,
            seed=1,
        )
        for command in captures.ORDER
    }
    photo = captures.photo_answer((folder / "obama.jpg").read_bytes())
    yield captures.WHOLE, captures.case(), captures.Sent(frames).evidence(photo=photo)


def written(stage: Stage, evidence: Evidence, facts: object) -> dict[str, bytes]:
    """Its terms by kind: the policy, the facts and what the checks said stand in them."""
    results = stage.judge(facts, stage.policy_in_use())
    kept = dossier.judgement(
        stage.differing(report=None), evidence, stage.policy_in_use(), facts, results
    )
    return {"terms": kept[f"{stage.name}.terms"]}


# Writes golden blobs: `python -m tests.vectors.stored`. At least one of each kind of JSON that
# is stored.
#
# `<kind>/<number>.json` is what a row or a piece of evidence holds. A blob that is there stays:
# later releases must go on reading and judging it. A kind whose form has changed since its
# newest blob gets the next number, and `fields.txt` gets the fields that are new. With `--anew`
# all of it begins again, which is right only while nothing is deployed. The facts of a live
# capture are those of a painted face, and of no person.


FOLDER = Path(__file__).resolve().parent


def main(arguments: list[str]) -> None:
    """Write what is new, and print which. Raises `SystemExit` for fields without an earlier
    value.
    """
    listed = {} if arguments == ["--anew"] else fields.read_list()
    if problems := fields.faults(listed, fields.today()):
        sys.exit("\n".join(problems))
    built = blobs()
    fields.write_list(fields.extended(listed, fields.today()))
    if arguments == ["--anew"]:
        for path in FOLDER.rglob("*.json"):
            path.unlink()
    for kind, content in built.items():
        value = json.loads(content)
        numbers = numbers_of(kind)
        if numbers and form(read(kind, numbers[-1])) == form(value):
            continue
        path = FOLDER / kind / f"{len(numbers) + 1}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
        path.write_text(text + "\n", "utf-8")
        print(path.relative_to(FOLDER))


def blobs() -> dict[str, bytes]:
    """Each blob by its kind, as the product itself spells it."""
    message = deliveries.payload(EVENT, CHECKPOINT)
    built = {
        "case": stored.to_bytes(contents.StoredCase(LENDER, OPENING)),
        "memory": stored.to_bytes(MEMORY),
        "entry": stored.to_bytes(ENTRY_BODY),
        "delivery": deliveries.spell_body(message),
    }
    for stage, case, evidence in attempts():
        facts = stage.measure(case, evidence, stage.policy_in_use())
        files = written(stage, evidence, facts)
        built |= {f"{kind}/{stage.name}": content for kind, content in files.items()}
    return built


def numbers_of(kind: str) -> list[int]:
    """The numbers of the blobs of a kind, from the oldest on."""
    return sorted(int(path.stem) for path in (FOLDER / kind).glob("*.json"))


def read(kind: str, number: int = 1) -> Any:
    """A blob as parsed JSON."""
    return json.loads((FOLDER / kind / f"{number}.json").read_text("utf-8"))


def form(value: Any, place: str = "") -> set[str]:
    """The paths of all that JSON says, whatever it says there."""
    if isinstance(value, dict):
        return {place}.union(*(form(part, f"{place}.{name}") for name, part in value.items()))
    if isinstance(value, list):
        return {place}.union(*(form(part, f"{place}[]") for part in value))
    return {place}
