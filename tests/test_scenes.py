"""A scene is put back with its rows and files, and never over what a test has already written."""

from datetime import timedelta

import pytest

from lenders.models import Lender
from tests import scenes
from tests.fresh_database import copies
from tests.scenes import staged
from tests.verification.stories.story import Story, begin, lender, wait_until
from verification import clock
from verification.case import contents
from verification.evidence import store
from verification.models import EvidenceItem, Verification

pytestmark = pytest.mark.django_db(transaction=True)


def played() -> Story:
    return begin(lender()).to_statement()


@pytest.mark.parametrize("time", ["first", "second"])
def test_it_has_the_same_rows_and_files_each_time(time: str) -> None:
    story = staged("scene of this file", played)
    key = contents.key_of(story.row())
    assert story.page().page == "statement"
    items = EvidenceItem.objects.filter(verification_id=story.id)
    assert items
    assert all(store.opening(key, item).plain for item in items)


@pytest.mark.parametrize("time", ["first", "second"])
def test_what_was_written_before_stays(time: str) -> None:
    earlier = lender("Earlier", number=40)
    assert not copies.is_untouched()
    staged("scene of this file", played)
    assert Lender.objects.filter(pk=earlier.pk).exists()
    assert Lender.objects.count() == 2


def plays(name: str, *, seconds: float | None = None) -> bool:
    """Whether this scene was played, and not put back."""
    played: list[str] = []
    staged(name, lambda: played.append(begin(lender("Second", number=50)).id), seconds=seconds)
    assert Verification.objects.count() == 1
    return bool(played)


@pytest.mark.parametrize(
    ("fresh", "seconds", "is_played"), [(60, None, False), (0, None, True), (0, 60, False)]
)
def test_an_old_one_is_played_anew(
    fresh: int, seconds: float | None, is_played: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenes, "_FRESH_SECONDS", fresh)
    monkeypatch.setattr(scenes, "_kept", {})
    assert plays("a scene that grows old", seconds=seconds)
    copies.renew()
    assert plays("a scene that grows old", seconds=seconds) == is_played


def test_it_is_put_back_upon_the_very_rows_upon_which_it_was_played(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scenes, "_kept", {})
    for name, is_played in (("One", True), ("One", False), ("Another", True), ("One", False)):
        copies.renew()
        of = lender()
        Lender.objects.filter(pk=of.pk).update(name=name)
        assert plays("upon a lender") == is_played
        assert Lender.objects.get(pk=of.pk).name == name


def test_a_scene_that_was_put_back_is_not_taken_for_nothing_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scenes, "_kept", {})
    for _ in range(2):
        copies.renew()
        story = staged("first", lambda: begin(lender(), "A-1"))
        assert not copies.is_untouched()
        staged("upon it", lambda: begin(story.lender, "A-2"))  # noqa: B023
        assert Verification.objects.count() == 2
    copies.renew()
    of = lender()
    staged("upon it", lambda: begin(of, "A-2"))
    assert Verification.objects.count() == 1


def test_it_is_of_the_hour_at_which_it_begins_and_leaves_the_hour_at_which_it_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scenes, "_kept", {})
    for is_played in (True, False):
        clock._state.offset = timedelta(0)
        played: list[None] = []
        staged("a day passes", lambda: played.append(wait_until(clock.now() + timedelta(days=1))))  # noqa: B023
        assert clock._state.offset > timedelta(days=1)
        assert bool(played) == is_played
        copies.renew()
    assert plays("a day passes")


def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "_kept", {})
    monkeypatch.setattr(scenes, "_MOST", 2)
    for name, is_played in (
        ("a", True),
        ("b", True),
        ("a", False),
        ("c", True),
        ("b", False),
        ("a", True),
    ):
        assert plays(name) == is_played
        copies.renew()
    assert all(kept.place.is_dir() for kept in scenes._kept.values())
