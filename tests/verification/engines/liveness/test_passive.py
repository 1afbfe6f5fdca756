"""The detector of presentation attacks, and the page of its numbers."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verification.engines.faces import insecure_nets
from tests.verification.engines.liveness import insecure_detectors as made
from verification.case import policy as case_policy
from verification.core.errors import Misconfigured
from verification.engines.faces import nets
from verification.engines.liveness import passive
from verification.engines.liveness import policy as engine_policy
from verification.engines.liveness.frames import Image
from verification.engines.liveness.passive import Detector, PassiveScores
from verification.engines.liveness.passive_description import (
    MAX_BYTES,
    PassiveLimits,
    read_description,
)
from verification.stages.live_capture import policy as stage_policy

# An operator's detector of presentation attacks: what is pinned runs, anything else is refused
# by name.


BOX = (40.0, 40.0, 80.0, 80.0)


@pytest.fixture
def _chosen() -> Iterator[None]:
    """Whatever a test installs is gone after it."""
    yield
    passive.use(None)


def plain(red: int, green: int = 60, blue: int = 90) -> Image:
    """A picture of one colour."""
    return np.full((120, 160, 3), (red, green, blue), np.uint8)


def loaded(folder: Path, *contents: bytes, **changes: Any) -> Detector:
    """The detector of these nets."""
    passive.use(made.install(folder, *contents, **changes))
    found = passive.in_use()
    assert found is not None
    return found


@pytest.mark.usefixtures("_chosen")
def test_without_a_description_there_is_no_detector_and_nothing_is_said() -> None:
    passive.use(None)
    assert passive.in_use() is None
    assert passive.limits_in_use() is None
    assert passive.scores(None, [], []) is None
    assert passive.tested() == {"passive": "none", "passive_certificate": "", "passive_told": ""}


@pytest.mark.usefixtures("_chosen")
def test_a_detector_is_named_by_what_pins_all_of_it(tmp_path: Path) -> None:
    description = made.install(tmp_path, made.saying(2.0), made.saying(4.0))
    passive.use(description)
    name = f"small@{sha256(description.read_bytes()).hexdigest()}"
    assert passive.limits_in_use() == PassiveLimits(name, 0.5, is_certified=False)
    assert passive.tested()["passive"] == name


@pytest.mark.usefixtures("_chosen")
def test_what_it_is_worth_is_told_by_species_with_counts_and_upper_bounds(tmp_path: Path) -> None:
    passive.use(made.install(tmp_path, made.saying(2.0), certificates=[made.CERTIFICATE]))
    told = passive.tested()["passive_told"]
    assert "BPCER 0.050 (5 of 100, ≤ 0.113), of 17 people" in told
    assert "APCER prints 0.389 (7 of 18, ≤ 0.643)" in told
    assert "Certificate: level 2, PAD-1 of A laboratory, 2026-01-31." in told
    assert passive.tested()["passive_certificate"] == "PAD-1"


@pytest.mark.usefixtures("_chosen")
def test_the_score_is_the_mean_over_the_nets_of_the_likelihood_of_a_living_person(
    tmp_path: Path,
) -> None:
    one, other = 1 / (1 + np.exp(-2.0)), 1 / (1 + np.exp(3.0))
    found = loaded(tmp_path, made.saying(2.0), made.saying(-3.0)).score(plain(0), BOX)
    assert found == pytest.approx((one + other) / 2, abs=1e-6)


@pytest.mark.usefixtures("_chosen")
@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ({}, 200 / 255),
        ({"channels": "BGR"}, 90 / 255),
        ({"mean": "100"}, 100 / 255),
        ({"scale": "2"}, 100 / 255),
    ],
    ids=str,
)
def test_a_net_sees_the_colours_as_its_description_says(
    tmp_path: Path, shown: dict[str, str], expected: float
) -> None:
    # Of a mean of 100 the test's own pictures must not become less than nothing.
    how = {"answer": "probabilities", "bona_fide": "0", **shown}
    described = read_description(made.install(tmp_path, made.redness(), of_net=how).read_bytes())
    net = nets.load_pinned(tmp_path / "0.onnx", described.nets[0].sha256, subject="detector")
    assert Detector(described, (net,)).score(plain(200), BOX) == pytest.approx(expected, abs=1e-6)


@pytest.mark.usefixtures("_chosen")
def test_where_a_net_gives_no_number_there_is_no_score(tmp_path: Path) -> None:
    detector = loaded(tmp_path, made.saying(1.0), made.blind_to_red())
    assert detector.score(plain(100), BOX) is not None
    assert detector.score(plain(140), BOX) is None


@pytest.mark.usefixtures("_chosen")
def test_where_a_net_faults_there_is_no_score(tmp_path: Path) -> None:
    detector = loaded(
        tmp_path, made.faulting_in_the_light(), of_net={"answer": "probabilities", "bona_fide": "0"}
    )
    assert detector.score(plain(100), BOX) == pytest.approx(0.5)
    assert detector.score(plain(250), BOX) is None


@pytest.mark.usefixtures("_chosen")
@pytest.mark.parametrize(
    ("scores", "detector", "expected"),
    [
        ((0.9, 0.2, 0.8), "a@1", 0.2),
        ((0.9, None, 0.8), "a@1", None),
        ((), "a@1", None),
        ((0.9,), "b@1", None),
    ],
)
def test_the_lowest_score_counts_and_none_where_a_step_or_the_detector_is_missing(
    scores: tuple[float | None, ...], detector: str, expected: float | None
) -> None:
    assert (
        PassiveScores("a@1", scores).lowest(PassiveLimits(detector, 0.5, is_certified=False))
        == expected
    )


@pytest.mark.usefixtures("_chosen")
@pytest.mark.parametrize(
    ("box", "crop", "expected"),
    [
        ((40, 30, 80, 70), 2.0, (20, 10, 100, 90)),  # inside
        ((0, 0, 40, 40), 2.0, (0, 0, 80, 80)),  # moved right and down
        ((110, 70, 150, 110), 2.0, (79, 39, 159, 119)),  # moved left and up
        ((40, 30, 80, 70), 8.0, (0, 0, 119, 119)),  # made smaller, until it lies in the picture
        ((-20, -20, 30, 30), 1.0, (0, 0, 50, 50)),
    ],
)
def test_the_cut_lies_in_the_picture_as_the_nets_were_trained(
    box: tuple[int, int, int, int], crop: float, expected: tuple[int, int, int, int]
) -> None:
    down, across = np.mgrid[0:120, 0:160]
    image = np.stack([across, down, down * 0], axis=2).astype(np.uint8)
    left, top, right, bottom = expected
    side = max(right - left, bottom - top) + 1  # as many pixels as are cut: nothing is scaled
    # four of them
    found = passive.cut(image, tuple(map(float, box)), crop=crop, side=side)  # type: ignore[arg-type]
    assert (found[0, 0, 0], found[0, 0, 1], found[-1, -1, 0], found[-1, -1, 1]) == expected


@pytest.mark.usefixtures("_chosen")
@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "tulga-passive-detector-2"},
        {"name": "../small"},
        {"threshold": "0"},
        {"threshold": "1.1"},
        {"threshold": "5e-1"},
        {"threshold": 0.5},
        {"nets": []},
        {"calibration": {}},
        {"certificates": [made.CERTIFICATE, made.CERTIFICATE]},
        {"certificates": [made.CERTIFICATE | {"issued_on": "last year"}]},
        {"certificates": [made.CERTIFICATE | {"number": ""}]},
        {"more": "1"},
    ],
    ids=str,
)
def test_a_description_that_is_none_is_refused_and_the_setting_named(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    passive.use(made.install(tmp_path, made.saying(1.0), **changes))
    with pytest.raises(Misconfigured, match="TULGA_PASSIVE_DETECTOR"):
        passive.limits_in_use()


@pytest.mark.usefixtures("_chosen")
@pytest.mark.parametrize(
    "changes",
    [
        {"people": "0"},
        {"people": "101"},
        {"bona_fide": "0"},
        {"rejected": "101"},
        {"rejected": "5.0"},
        {"species": []},
        {"species": [{"name": "prints", "presentations": "18", "accepted": "19"}]},
        {"species": [{"name": "prints", "presentations": "0", "accepted": "0"}]},
        {"species": 2 * made.DESCRIPTION["calibration"]["species"]},
        {"made_on": "2026-13-01"},
        {"more": "1"},
    ],
    ids=str,
)
def test_a_calibration_that_says_no_error_rates_is_refused(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    calibration = made.DESCRIPTION["calibration"] | changes
    passive.use(made.install(tmp_path, made.saying(1.0), calibration=calibration))
    with pytest.raises(Misconfigured, match="TULGA_PASSIVE_DETECTOR"):
        passive.limits_in_use()


@pytest.mark.usefixtures("_chosen")
@pytest.mark.parametrize(
    "changes",
    [
        {"side": "0"},
        {"side": "32.5"},
        {"side": "513"},
        {"crop": "0"},
        {"crop": "8.5"},
        {"scale": "0"},
        {"channels": "GBR"},
        {"answer": "scores"},
        {"bona_fide": "-1"},
        {"sha256": "00"},
        {"file": "../0.onnx"},
        {"more": "1"},
    ],
    ids=str,
)
def test_a_net_that_cannot_be_shown_a_face_as_described_is_refused(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    passive.use(made.install(tmp_path, made.saying(1.0), of_net=changes))
    with pytest.raises(Misconfigured, match="TULGA_PASSIVE_DETECTOR"):
        passive.limits_in_use()


@pytest.mark.usefixtures("_chosen")
@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "ab" * 32},
        {"file": "absent.onnx"},
        {"bona_fide": "2"},
        {"side": "64"},
        {"answer": "probabilities"},
    ],
    ids=str,
)
def test_a_net_that_is_not_as_described_does_not_run_and_is_named(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    passive.use(made.install(tmp_path, made.saying(1.0), of_net=changes))
    with pytest.raises(Misconfigured, match=r"\.onnx"):
        passive.in_use()
    with pytest.raises(Misconfigured):
        passive.tested()


@pytest.mark.usefixtures("_chosen")
@pytest.mark.parametrize("name", made.wrong())
def test_a_net_that_can_be_no_detector_does_not_run(tmp_path: Path, name: str) -> None:
    passive.use(made.install(tmp_path, made.wrong()[name]))
    with pytest.raises(Misconfigured, match=r"0\.onnx"):
        passive.in_use()


@pytest.mark.usefixtures("_chosen")
def test_a_net_whose_numbers_lie_in_another_file_is_not_all_pinned(tmp_path: Path) -> None:
    passive.use(made.install(tmp_path, dict(insecure_nets.every())["elsewhere"]))
    with pytest.raises(Misconfigured, match="another file"):
        passive.in_use()


@pytest.mark.usefixtures("_chosen")
def test_a_net_of_too_many_bytes_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nets, "MAX_BYTES", 100)
    passive.use(made.install(tmp_path, made.saying(1.0)))
    with pytest.raises(Misconfigured, match="more than 100 bytes"):
        passive.in_use()


@pytest.mark.usefixtures("_chosen")
def test_a_description_that_is_gone_or_too_long_is_refused_and_the_setting_named(
    tmp_path: Path,
) -> None:
    (tmp_path / "long.json").write_bytes(b" " * (MAX_BYTES + 1))
    for name in ("absent.json", "long.json"):
        passive.use(tmp_path / name)
        with pytest.raises(Misconfigured, match="TULGA_PASSIVE_DETECTOR"):
            passive.limits_in_use()


@pytest.mark.usefixtures("_chosen")
@settings(max_examples=40)
@given(
    st.binary(max_size=300)
    | st.recursive(st.text() | st.integers(), lambda one: st.lists(one)).map(json.dumps)
)
def test_a_description_of_anything_at_all_is_refused_and_breaks_nothing(
    untrusted: bytes | str,
) -> None:
    with pytest.raises(Misconfigured):
        read_description(untrusted.encode() if isinstance(untrusted, str) else untrusted)


@pytest.mark.usefixtures("_chosen")
@given(st.data())
def test_a_description_with_one_thing_in_another_place_is_refused_or_is_one(
    data: st.DataObject,
) -> None:
    whole = {
        **made.DESCRIPTION,
        "nets": [made.net("0.onnx", b"")],
        "certificates": [made.CERTIFICATE],
    }
    spelled = json.dumps(whole).encode()
    at = data.draw(st.integers(0, len(spelled) - 1))
    changed = spelled[:at] + data.draw(st.binary(max_size=2)) + spelled[at + 1 :]
    try:
        found = read_description(changed)
    except Misconfigured:
        return
    assert found.nets
    assert found.sha256 == sha256(changed).hexdigest()


# The table of numbers in docs/security/liveness.md has the values of the code.


_ROOT = Path(__file__).resolve().parents[4]
_PAGE = (_ROOT / "docs" / "security" / "liveness.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \| ([^|]*\d[^|]*) \|", re.MULTILINE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_CALIBRATED = {"match", "review"}
"""Of a calibration, not of a policy."""


def _numbers(names: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Each number among these, and among the fields of the policies among these, by its name."""
    for name, value in names.items():
        if is_dataclass(value) and not isinstance(value, type):
            yield from _numbers(asdict(value))
        elif isinstance(value, dict):
            yield from _numbers(value)
        elif isinstance(value, int | float):
            yield name, float(value)


def _values() -> Mapping[str, set[float]]:
    """By name; two policies may have a number of one name each."""
    defaults = vars(stage_policy.LiveCapturePolicy)
    values = defaultdict[str, set[float]](set)
    for names in (vars(case_policy), vars(engine_policy), vars(stage_policy), defaults):
        for name, value in _numbers(dict(names)):
            values[name].add(value)
    return values


def test_each_number_of_the_page_is_the_one_in_the_code() -> None:
    values = _values()
    rows = _ROW.findall(_PAGE.partition("\n## Numbers\n")[2].replace("200 000", "200000"))
    assert len(rows) > 20
    for cell, numbers in rows:
        names = re.findall(r"\w+", cell)
        if not _CALIBRATED.isdisjoint(names):
            continue
        written = [float(number) for number in _NUMBER.findall(numbers)]
        for name, number in zip(names, written, strict=True):
            assert number in values[name], name
