"""What the camera routes let reviewers look at: the register's photo and every frame, each with its
command.
"""

import io

import pytest
from PIL import Image

from tests.verification.stages.live_capture import captures as given
from verification.core.errors import BadInput, Refused
from verification.core.route import Evidence
from verification.routes import BIOMETRIC, LIVE_FACE

ROUTES = [BIOMETRIC, LIVE_FACE]


def picture(shade: int) -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (64, 48), (shade, shade, shade)).save(kept, "JPEG")
    return kept.getvalue()


@pytest.fixture(scope="module")
def captured() -> Evidence:
    """Two frames for each command, and a photo."""
    frames = {
        command: (picture(10 * number), picture(10 * number + 5))
        for number, command in enumerate(given.ORDER)
    }
    return given.Sent(frames).evidence(photo=given.photo_answer(picture(200)))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_reviewers_see_the_reference_first_and_the_frames_in_the_order_of_the_commands(
    route, captured
):
    stage = route.stages[-1]
    listed = stage.pictures(captured)
    assert [one.command for one in listed] == [
        "",
        *(command for command in given.ORDER for _ in range(2)),
    ]
    assert {one.kind for one in listed} <= set(captured.items)
    for one in listed:
        assert Image.open(io.BytesIO(stage.show(one.kind, captured.items[one.kind]))).size == (
            64,
            48,
        )


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
@pytest.mark.parametrize("kind", ["live_capture.order", "live_capture.0.turn", "register.consent"])
def test_other_evidence_is_no_picture(route, kind, captured):
    with pytest.raises((BadInput, Refused)):
        route.stages[-1].show(kind, captured.items[kind])


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_an_answer_without_a_photo_and_a_capture_without_its_order_are_refused(route, captured):
    stage = route.stages[-1]
    with pytest.raises((BadInput, Refused)):
        stage.show("live_capture.photo", b"{}")
    with pytest.raises(Refused):
        stage.pictures(given.without(captured, "live_capture.order"))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_stage_without_a_camera_has_no_pictures(route):
    assert [stage.pictures is None for stage in route.stages] == [True] * (
        len(route.stages) - 1
    ) + [False]
