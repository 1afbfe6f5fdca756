"""A scene is put back with its rows and files, and never over what a test has already written."""

import pytest

from lenders.models import Lender
from tests import scenes
from tests.fresh_database import copies
from tests.scenes import staged
from tests.verification.workflow.story import Story, begin, lender
from verification.evidence import store
from verification.models import EvidenceItem
from verification.workflow import cases

pytestmark = pytest.mark.django_db(transaction=True)


def played() -> Story:
    return begin(lender()).to_statement()


@pytest.mark.parametrize("time", ["first", "second"])
def test_it_has_the_same_rows_and_files_each_time(time: str) -> None:
    story = staged("scene of this file", played)
    key = cases.key_of(story.row())
    assert story.page().page == "statement"
    items = EvidenceItem.objects.filter(verification_id=story.id)
    assert items
    assert all(store.get(key, item) for item in items)


@pytest.mark.parametrize("time", ["first", "second"])
def test_what_was_written_before_stays(time: str) -> None:
    earlier = lender("Earlier", number=40)
    assert not copies.is_untouched()
    staged("scene of this file", played)
    assert Lender.objects.filter(pk=earlier.pk).exists()
    assert Lender.objects.count() == 2


_PLAYED: list[str] = []


@pytest.mark.parametrize(("fresh", "plays"), [(60, 1), (0, 2)])
def test_an_old_one_is_played_anew(fresh: int, plays: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "_FRESH_SECONDS", fresh)
    staged("a scene that grows old", lambda: _PLAYED.append(begin(lender()).id))
    assert len(_PLAYED) == plays
