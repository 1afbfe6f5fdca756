"""A manifest or a list of windows is read whole, or refused by one code; whatever it says, nothing
breaks.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.capture_files import MANIFEST_MAX_BYTES, STEPS_MAX, parse_manifest, parse_windows
from verification.core.errors import BadInput

WHOLE: dict[str, Any] = {
    "schema": "tulga-liveness-manifest-1",
    "steps": [
        {
            "command": command,
            "frames": [{"at_ms": 500 + 160 * at, "file": f"{command}/{at}.jpg"} for at in range(8)],
            "stills": [{"at_ms": 500, "file": "still.jpg"}],
        }
        for command in ("look_straight", "turn_left", "blink", "turn_right")
    ],
    "reference": "photo.jpg",
}


def refusal(read: Callable[[Any], object], untrusted: object) -> str:
    """The code it is refused by; empty where it is read."""
    try:
        read(untrusted)
    except BadInput as refused:
        return refused.code
    return ""


def spelled(value: object) -> bytes:
    return json.dumps(value).encode()


def test_a_manifest_says_commands_times_and_files() -> None:
    found = parse_manifest(spelled(WHOLE))
    assert found.reference == "photo.jpg"
    assert [command for command, _, _ in found.steps] == [
        "look_straight",
        "turn_left",
        "blink",
        "turn_right",
    ]
    assert found.steps[1][1][2] == (820, "turn_left/2.jpg")
    assert found.steps[1][2] == ((500, "still.jpg"),)
    assert parse_manifest(spelled({**WHOLE, "reference": None})).reference == ""


@pytest.mark.parametrize(
    ("place", "value", "pointer"),
    [
        (("schema",), "tulga-liveness-manifest-2", "/schema"),
        (("steps",), [], "/steps"),
        (("steps",), WHOLE["steps"][:1], "/steps"),
        (("steps",), WHOLE["steps"][:1] + WHOLE["steps"][1:2] * STEPS_MAX, "/steps"),
        (("steps", 0, "command"), "turn_left", "/steps/0/command"),
        (("steps", 1, "command"), "look_straight", "/steps/1/command"),
        (("steps", 1, "command"), "smile", "/steps/1/command"),
        (("steps", 1, "frames"), [], "/steps/1/frames"),
        (("steps", 1, "stills"), [], "/steps/1/stills"),
        (("steps", 1, "stills"), WHOLE["steps"][1]["frames"], "/steps/1/stills"),
        (
            ("steps", 1, "frames"),
            [{"at_ms": at, "file": "a.jpg"} for at in range(41)],
            "/steps/1/frames",
        ),
        (("steps", 1, "frames", 1, "at_ms"), 500, "/steps/1/frames/1/at_ms"),
        (("steps", 1, "frames", 1, "at_ms"), -1, "/steps/1/frames/1/at_ms"),
        (("steps", 1, "frames", 1, "at_ms"), "660", "/steps/1/frames/1/at_ms"),
        (("steps", 1, "frames", 1, "at_ms"), True, "/steps/1/frames/1/at_ms"),
        (("steps", 1, "frames", 1, "at_ms"), 660.5, "/steps/1/frames/1/at_ms"),
        (("steps", 1, "frames", 7, "at_ms"), 4751, "/steps/1/frames/7/at_ms"),
        (("steps", 0, "frames", 7, "at_ms"), 3001, "/steps/0/frames/7/at_ms"),
        (("steps", 1, "frames", 1, "file"), "../a.jpg", "/steps/1/frames/1/file"),
        (("steps", 1, "frames", 1, "file"), "a/../b.jpg", "/steps/1/frames/1/file"),
        (("steps", 1, "frames", 1, "file"), "/etc/passwd", "/steps/1/frames/1/file"),
        (("steps", 1, "frames", 1, "file"), "", "/steps/1/frames/1/file"),
        (("steps", 1, "frames", 1, "file"), 7, "/steps/1/frames/1/file"),
        (("steps", 1, "frames", 1, "more"), "1", "/steps/1/frames/1"),
        (("steps", 1, "more"), "1", "/steps/1"),
        (("more",), "1", "/"),
        (("reference",), "../photo.jpg", "/reference"),
        (("reference",), ["photo.jpg"], "/reference"),
    ],
)
def test_a_manifest_that_is_wrong_in_one_thing_is_refused_with_its_place(
    place: tuple[str | int, ...], value: object, pointer: str
) -> None:
    changed: Any = deepcopy(WHOLE)
    inside = changed
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = value
    with pytest.raises(BadInput) as refused:
        parse_manifest(spelled(changed))
    assert refused.value.code == "manifest_malformed"
    assert refused.value.detail.endswith(f" {pointer}")


def test_a_manifest_that_is_too_long_is_not_read() -> None:
    with pytest.raises(BadInput, match="bytes"):
        parse_manifest(spelled(WHOLE) + b" " * MANIFEST_MAX_BYTES)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.binary(max_size=400) | JSON.map(spelled))
def test_anything_at_all_is_refused_by_one_code(untrusted: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        parse_manifest(untrusted)
    assert refused.value.code == "manifest_malformed"


@given(st.data())
def test_with_any_value_in_any_place_it_is_read_or_refused_by_one_code(data: st.DataObject) -> None:
    changed: Any = deepcopy(WHOLE)
    inside = changed
    while True:
        name = data.draw(
            st.sampled_from(sorted(inside) if isinstance(inside, dict) else range(len(inside)))
        )
        if not isinstance(inside[name], dict | list) or data.draw(st.booleans()):
            break
        inside = inside[name]
    inside[name] = data.draw(JSON)
    if code := refusal(parse_manifest, spelled(changed)):
        assert code == "manifest_malformed"
        return
    found = parse_manifest(spelled(changed))
    assert found.steps[0][0] == "look_straight"
    assert all(
        not file.startswith(("/", ".")) and "/." not in file
        for _, of, _ in found.steps
        for _, file in of
    )


@given(st.data())
def test_with_any_byte_changed_it_is_read_or_refused_by_one_code(data: st.DataObject) -> None:
    whole = spelled(WHOLE)
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = (
        whole[:at] + data.draw(st.binary(max_size=3)) + whole[at + data.draw(st.integers(0, 3)) :]
    )
    assert refusal(parse_manifest, changed) in ("", "manifest_malformed")


def test_windows_are_commands_with_seconds_in_rising_order() -> None:
    found = parse_windows("look_straight:0-2.5,turn_left:2.5-6.5,nod:7.125-10")
    assert found == (("look_straight", 0.0, 2.5), ("turn_left", 2.5, 6.5), ("nod", 7.125, 10.0))


@pytest.mark.parametrize(
    "untrusted",
    [
        "",
        "look_straight:0-2.5",
        "turn_left:0-2.5,nod:2.5-5",
        "look_straight:0-2.5,look_straight:3-5",
        "look_straight:0-2.5,smile:3-5",
        "look_straight:0-2.5,nod:2.4-5",
        "look_straight:0-2.5,nod:5-3",
        "look_straight:0-0.6,nod:3-5",
        "look_straight:0-2.5,nod:3-5,",
        "look_straight:0-2.5, nod:3-5",
        "look_straight:0-2.5,nod:3-1e9",
        "look_straight:0-2.5,nod:3-nan",
        "look_straight:٠-2.5,nod:3-5",
        "look_straight:0-2.5,"
        + ",".join(f"nod:{3 * at}-{3 * at + 2}" for at in range(1, STEPS_MAX + 1)),
    ],
)
def test_windows_that_are_none_are_refused(untrusted: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_windows(untrusted)
    assert refused.value.code == "commands_malformed"


@given(st.text(alphabet="lok_straigh:0123456789.-,nd", max_size=60))
def test_whatever_windows_are_said_nothing_breaks(untrusted: str) -> None:
    assert refusal(parse_windows, untrusted) in ("", "commands_malformed")
