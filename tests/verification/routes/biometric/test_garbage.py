"""Frames are somebody else's bytes: whatever they are, every check answers, and none of them by passing them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verification.engines.liveness import insecure_paper
from tests.verification.routes.biometric import captures
from verification.core.decision import Outcome

_SOME = insecure_paper.jpeg(np.random.default_rng(1).integers(0, 255, (180, 180, 3)).astype(np.uint8), quality=40)
_garbage = st.binary(min_size=1, max_size=200)
_headed = _garbage.map(lambda garbage: b"\xff\xd8" + garbage)
_damaged = st.tuples(st.integers(0, len(_SOME) - 1), st.binary(min_size=1, max_size=4)).map(
    lambda change: _SOME[: change[0]] + change[1] + _SOME[change[0] + len(change[1]) :]
)
_PHOTO = captures.photo_answer(b"\xff\xd8\xff no picture \xff\xd9")


@settings(max_examples=25)
@given(st.lists(_garbage | _headed | _damaged, min_size=6, max_size=8))
def test_frames_of_garbage_are_refused_by_every_check_that_looks_at_them(frames: list[bytes]) -> None:
    sent = captures.Sent({command: tuple(frames) for command in captures.ORDER})
    evidence = sent.evidence(photo=_PHOTO)
    assert captures.decided(evidence).outcome is Outcome.FAILED
    refused = set(captures.refusals(captures.judge(evidence)))
    assert refused >= {"face.one_face", "face.quality", "face.commands", "face.depth", "face.continuity", "face.match"}
