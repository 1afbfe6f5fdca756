"""Links are spent once, and one browser at a time may answer."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from tests.verification.stories.story import begin, later, lender
from verification.access import links, openings
from verification.access.tokens import LINKS
from verification.core.errors import Conflict, LinkUnusable, NotFound
from verification.models import Access

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_link_is_spent_once():
    story = begin(lender())
    session = links.redeem(untrusted_token=story.token)
    assert links.verification_of(untrusted_session=session) == story.id
    with pytest.raises(LinkUnusable):
        links.redeem(untrusted_token=story.token)


def test_of_many_browsers_that_spend_a_link_at_once_one_gets_a_session():
    story = begin(lender())

    def spend(_):
        try:
            return links.redeem(untrusted_token=story.token)
        except LinkUnusable:
            return None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=16) as pool:
        sessions = [one for one in pool.map(spend, range(32)) if one]
    assert len(sessions) == 1


def test_a_link_that_has_run_out_cannot_be_used():
    story = begin(lender())
    LINKS.rows.update(expires_at=later(-1))
    with pytest.raises(LinkUnusable):
        links.redeem(untrusted_token=story.token)


def test_a_fresh_link_supersedes_the_one_before():
    story = begin(lender())
    fresh = links.mint(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    with pytest.raises(LinkUnusable):
        links.redeem(untrusted_token=story.token)
    assert links.redeem(untrusted_token=fresh.token)


def test_of_links_minted_at_once_one_is_left():
    story = begin(lender())

    def mint(_):
        try:
            return links.mint(lender_id=story.lender.pk, mode="test", verification_id=story.id)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(mint, range(8)))
    assert LINKS.rows.filter(spent_at=None, expires_at__gt=later(0)).count() == 1


def test_a_link_of_a_verification_that_has_ended_cannot_be_used():
    story = begin(lender())
    openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    with pytest.raises(LinkUnusable):
        links.redeem(untrusted_token=story.token)


def test_taking_over_a_successor_ends_the_first_session():
    story = begin(lender())
    first = links.redeem(untrusted_token=story.token)
    second = links.redeem(untrusted_token=links.successor(untrusted_session=first).token)
    assert links.verification_of(untrusted_session=second) == story.id
    with pytest.raises(LinkUnusable):
        links.verification_of(untrusted_session=first)


@pytest.mark.parametrize("token", ["", "x", "\udcff", "x" * 10_000, None, 7])
def test_anything_else_is_no_link_and_no_session(token):
    with pytest.raises(LinkUnusable):
        links.redeem(untrusted_token=token)
    with pytest.raises(LinkUnusable):
        links.verification_of(untrusted_session=token)


def test_only_hashes_of_tokens_are_kept():
    story = begin(lender())
    session = links.redeem(untrusted_token=story.token)
    kept = [bytes(one) for one in Access.objects.values_list("digest", flat=True)]
    assert not any(secret.encode() in one for one in kept for secret in (story.token, session))
    assert {len(one) for one in kept} == {32}


def test_another_lenders_verification_is_not_found_and_an_ended_one_gets_no_link():
    story, other = begin(lender()), lender("Other", number=500)
    with pytest.raises(NotFound):
        links.mint(lender_id=other.pk, mode="test", verification_id=story.id)
    with pytest.raises(NotFound):
        links.mint(lender_id=story.lender.pk, mode="live", verification_id=story.id)
    openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    with pytest.raises(Conflict):
        links.mint(lender_id=story.lender.pk, mode="test", verification_id=story.id)
