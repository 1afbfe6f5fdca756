"""One passed attempt of each stage, and how it is spelled."""

from collections.abc import Iterator
from typing import cast

from insecure_sandbox import samples, warp
from tests.painted import painted
from tests.vectors.eds.case import CASE
from tests.verification.engines.pki.test_vectors import PASSING
from tests.verification.engines.pki.test_vectors import evidence as vector_evidence
from tests.verification.stages.live_capture import captures
from tests.verification.stages.person import known_case
from verification.case import dossier
from verification.core.person import Case
from verification.core.route import Evidence, Stage
from verification.core.stored import canonical_json
from verification.routes import LIVE_FACE
from verification.stages import code, confirmation, statement

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
