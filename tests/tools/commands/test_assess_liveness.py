"""`assess_liveness` over folders of captures."""

import json
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from insecure_sandbox import warp
from tests.painted import painted
from tests.verification.engines.liveness import insecure_detectors as made
from tests.verification.stages.live_capture import captures, insecure_captures
from tests.verification.stages.live_capture.captures import APART_MS, stills_of, thin
from tools.capture_files import SCHEMA
from tools.management.commands import assess_liveness
from tools.management.commands.assess_liveness import Command
from verification.core.results import Passed
from verification.engines.liveness import passive
from verification.stages.live_capture.checks import CHECKS
from verification.stages.live_capture.policy import LiveCapturePolicy

pytestmark = pytest.mark.usefixtures("seen_once")


# The pictures of a capture as files: a manifest with its folder, and a video.


ORDER = ("look_straight", "turn_right", "blink", "turn_left")
FIRST_MS = 500
RATE = 8  # frames a second of the video
COUNT = 3 * RATE  # frames of each command in it

Frames = Mapping[str, Sequence[bytes]]


def played(portrait: Path, *, order: Sequence[str] = ORDER, count: int = 12) -> Frames:
    """The frames of every command, played by the person of this portrait."""
    return {command: painted(portrait, _play(command), count, seed=1) for command in order}


def write(folder: Path, frames: Frames, *, reference: Path | None = None) -> Path:
    """The manifest of a capture with these frames, which lie beside it."""
    steps: list[dict[str, Any]] = []
    for number, (command, of) in enumerate(frames.items()):
        listed: dict[str, list[dict[str, object]]] = {"frames": [], "stills": []}
        for at, jpeg in enumerate(of):
            kinds = {"frames": thin(jpeg)} | (
                {"stills": jpeg} if at in stills_of(of, 2 if number else 3) else {}
            )
            for kind, content in kinds.items():
                name = f"{number}/{kind}-{at}.jpg"
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_bytes(content)
                listed[kind].append({"at_ms": FIRST_MS + APART_MS * at, "file": name})
        steps.append({"command": command, **listed})
    manifest: dict[str, object] = {"schema": SCHEMA, "steps": steps}
    if reference is not None:
        (folder / "reference.jpg").write_bytes(reference.read_bytes())
        manifest["reference"] = "reference.jpg"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder / "manifest.json"


def film(path: Path, frames: Frames) -> str:
    """These frames one after the other as a video, and how its commands are said on the command
    line.
    """
    pictures = [
        insecure_captures.pixels(jpeg)[:, :, ::-1].copy() for of in frames.values() for jpeg in of
    ]
    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (width, height))
    for picture in pictures:
        writer.write(picture)
    writer.release()
    seconds = COUNT / RATE
    return ",".join(
        f"{name}:{seconds * at:g}-{seconds * (at + 1):g}" for at, name in enumerate(frames)
    )


def _play(command: str) -> warp.Play:
    return "neutral" if command == "look_straight" else cast("warp.Play", command)


# The command says of files what the stage says of a capture, gate by gate, and its exit code
# says what follows.


POLICY = LiveCapturePolicy()


@pytest.fixture(scope="session")
def frames(portraits: Path) -> Frames:
    """Somebody who does what is asked."""
    return played(portraits / "obama3.jpg")


@pytest.fixture
def manifest(frames: Frames, portraits: Path, tmp_path: Path) -> Path:
    """Their capture in files, and another photograph of them."""
    return write(tmp_path, frames, reference=portraits / "obama.jpg")


@pytest.fixture
def detector(tmp_path: Path) -> Iterator[None]:
    """A detector that takes everybody for an attack."""
    folder = tmp_path / "detector"
    folder.mkdir()
    passive.use(made.install(folder, made.saying(-4.0)))
    yield
    passive.use(None)


def run(*words: object) -> tuple[int, dict[str, Any]]:
    out = StringIO()
    try:
        call_command("assess_liveness", *map(str, words), stdout=out)
    except CommandError as error:
        return error.returncode, read(out.getvalue())
    return 0, read(out.getvalue())


def read(printed: str) -> dict[str, Any]:
    """One JSON by RFC 8259, its names sorted."""
    told = json.loads(printed, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert isinstance(told, dict)
    assert printed == json.dumps(told, indent=2, sort_keys=True) + "\n"
    return told


def codes(told: dict[str, Any]) -> dict[str, str]:
    return {gate["gate"]: gate["code"] for gate in told["gates"] if gate["outcome"] != "pass"}


def test_a_capture_that_passes_exits_with_0_and_tells_every_gate(manifest: Path) -> None:
    code, told = run(manifest)
    assert (code, told["outcome"], told["code"], codes(told)) == (0, "passed", "", {})
    assert [gate["gate"] for gate in told["gates"]] == [*CHECKS]
    assert (told["commands"], told["not_asked"]) == ([*ORDER], [])
    assert told["passive"] == {
        "passive": "none",
        "passive_certificate": "",
        "passive_told": "",
        "scores": [],
    }
    assert not [
        gate["gate"] for gate in told["gates"] if gate["value"] is None or gate["threshold"] is None
    ]
    every = {gate["gate"]: gate["limits"] for gate in told["gates"]}
    # Files tell nothing of a camera's clock, nothing moved beyond the head, and no phone took the
    # capture over.
    null = {
        (gate, name)
        for gate, own in every.items()
        for name, limit in own.items()
        if limit["value"] is None
    }
    assert null == {("face.injection", "off_us"), ("face.continuity", "surroundings")}
    assert [gate for gate, own in every.items() if not own] == ["face.hand_over"]
    assert every["face.fresh"]["frozen_run"] == {"value": 1, "most": POLICY.gates.frozen_run}
    assert set(every["face.continuity"]) >= {
        "full_frames",
        "farthest",
        "second",
        "acting",
        "next",
        "corners",
        "overlap",
    }
    assert {
        next(side for side in limit if side != "value")
        for own in every.values()
        for limit in own.values()
    } == {*("least", "most", "above", "below")}


def test_each_gate_says_what_it_says_of_the_same_pictures_in_a_capture(
    frames: Frames, manifest: Path, portraits: Path
) -> None:
    shown = {command: tuple(of) for command, of in frames.items()}
    photo = captures.photo_answer((portraits / "obama.jpg").read_bytes())
    results = {
        each.check: each
        for each in captures.judge(captures.Sent(shown, order=ORDER).evidence(photo=photo))
    }
    for gate in run(manifest)[1]["gates"]:
        same = results[gate["gate"]]
        assert isinstance(same, Passed)
        # How fast a line is, and the sum, are the story's own; which frames are compared a
        # capture's secret draws.
        if gate["gate"] not in (
            "face.timing",
            "face.passive",
            "face.hand_over",
            "face.continuity",
            "face.match",
        ):
            assert (gate["value"], gate["threshold"]) == (same.score, same.threshold), gate["gate"]


def test_a_missed_command_fails_with_1_and_the_other_gates_are_told_all_the_same(
    frames: Frames, tmp_path: Path
) -> None:
    shown = {**frames, "blink": frames["turn_left"]}
    code, told = run(write(tmp_path, shown))
    assert (code, codes(told)["face.commands"]) == (1, "liveness_command_missed")
    assert {gate["gate"]: gate for gate in told["gates"]}["face.depth"]["value"] > 0.6


def test_a_picture_that_no_page_sends_fails_as_it_does_in_a_capture(manifest: Path) -> None:
    (manifest.parent / "1" / "frames-0.jpg").write_bytes(b"GIF89a")
    code, told = run(manifest)
    assert (code, codes(told)["face.fresh"]) == (1, "liveness_frame_unreadable")
    fresh = next(gate for gate in told["gates"] if gate["gate"] == "face.fresh")
    assert (fresh["value"], fresh["limits"]) == (None, {})


def test_without_a_reference_no_face_is_compared_and_the_rest_is_judged(
    frames: Frames, tmp_path: Path
) -> None:
    code, told = run(write(tmp_path, frames))
    assert (code, told["not_asked"], codes(told)) == (0, ["face.match"], {})


def test_an_installed_detector_is_named_with_its_scores(manifest: Path, detector: None) -> None:
    code, told = run(manifest)
    assert (code, codes(told)) == (2, {"face.passive": "liveness_passive_review"})
    assert told["passive"]["passive"].startswith("small@")
    assert len(told["passive"]["scores"]) == len(ORDER)
    assert max(told["passive"]["scores"]) < 0.1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "usage"),
        (
            ("{folder}/manifest.json", "--video", "{folder}/video.avi", "--commands", "{commands}"),
            "usage",
        ),
        (("{folder}/manifest.json", "--commands", "{commands}"), "usage"),
        (("--video", "{folder}/video.avi"), "usage"),
        (
            ("--video", "{folder}/video.avi", "--commands", "{commands},blink:12-13.5"),
            "video_too_short",
        ),
        (
            ("--video", "{folder}/video.avi", "--commands", "blink:0-3,nod:3-6"),
            "commands_malformed",
        ),
        (("--video", "{folder}/absent.avi", "--commands", "{commands}"), "video_unreadable"),
        (("--video", "{folder}/manifest.json", "--commands", "{commands}"), "video_unreadable"),
        (("{folder}/absent.json",), "file_unreadable"),
        (("{folder}",), "file_unreadable"),
        (("{folder}/video.avi",), "file_too_large"),
        (("{folder}/text.json",), "manifest_malformed"),
        (("{folder}/manifest.json", "--reference", "{folder}/text.json"), "reference_unreadable"),
        (("{folder}/manifest.json", "--reference", "{folder}/absent.jpg"), "file_unreadable"),
        (("{folder}/missing.json",), "file_unreadable"),
        (("{folder}/large.json",), "file_too_large"),
    ],
)
def test_what_cannot_be_read_exits_with_3_and_its_code(
    words: tuple[str, ...], expected: str, files: tuple[Path, str]
) -> None:
    folder, commands = files
    code, told = run(*(word.format(folder=folder, commands=commands) for word in words))
    assert (code, told["outcome"], told["code"]) == (3, "refused", expected)
    assert set(told) == {"schema", "outcome", "code", "detail"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a capture of noise, a video of it, and files that are wrong in one thing; and
    the commands of the video.
    """
    folder = tmp_path_factory.mktemp("wrong")
    chance = np.random.default_rng(1)
    pictures = [chance.integers(0, 255, (240, 320, 3), np.uint8) for _ in range(COUNT)]
    jpegs = [
        cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 10])[1].tobytes()
        for picture in pictures
    ]
    shown = dict.fromkeys(ORDER, jpegs)
    manifest = write(folder, dict.fromkeys(ORDER, jpegs[:8]))
    (folder / "text.json").write_text("no manifest")
    (folder / "missing.json").write_text(
        manifest.read_text().replace("2/stills-0.jpg", "2/absent.jpg")
    )
    (folder / "large.jpg").write_bytes(bytes(40 * 1024 + 1))
    (folder / "large.json").write_text(manifest.read_text().replace("2/stills-0.jpg", "large.jpg"))
    return folder, film(folder / "video.avi", shown)


def test_a_value_that_is_no_number_is_none_in_json(
    manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unmeasured = Passed("face.depth", detail={}, score=float("nan"), threshold=float("inf"))
    monkeypatch.setattr(assess_liveness, "CHECKS", {"face.depth": lambda facts, policy: unmeasured})
    (told,) = run(manifest)[1]["gates"]
    assert (told["value"], told["threshold"]) == (None, None)


@pytest.mark.parametrize(
    "words", [["a", "b"], ["--nothing"], ["a", "--sum", "much"], ["a", "--sum", "-1"]]
)
def test_a_mistake_on_the_command_line_exits_with_3_and_not_with_reviews_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as leaving:
        Command().run_from_argv(["manage.py", "assess_liveness", *words])
    assert leaving.value.code == 3
    assert "usage" in capsys.readouterr().err


def test_above_the_sum_that_a_capture_alone_does_for_it_is_review(manifest: Path) -> None:
    code, told = run(manifest, "--sum", "294900.01")
    assert (code, told["outcome"], codes(told)) == (
        2,
        "review",
        {"face.passive": "liveness_review"},
    )
