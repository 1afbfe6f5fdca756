"""Honest logs of random stories: what borrowers, lenders, reviewers and time may do, in whatever
order.
"""

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from tests.fresh_database import copies
from tests.verification.log.rows import order_all
from tests.verification.stories import insecure_glance
from tests.verification.stories.story import Story, begin, lender, swept
from verification import clock, tasks
from verification.access import answers, hand_over, links, openings
from verification.case.policy import BACKOFF_SECONDS
from verification.core.errors import BadInput, Conflict, LinkUnusable, NotFound, NotYourTurn
from verification.models import Verification
from verification.oversight import search
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.worker import sweep

# What a borrower or a reviewer may try and is told that it cannot be: nothing has happened then.
_TOLD_NO = (BadInput, Conflict, LinkUnusable, NotFound, NotYourTurn)
_IINS = ("990101100010", "990101100020", "900101300017")
_STEPS = 10
_YES: dict[str, dict[str, Any]] = {
    "consent": {"agreed": True, "version": CURRENT, "language": "ru"},
    "question": {"somebody_tells_me": False},
}


def put_in(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """The routes of these stories."""
    settings.TULGA_ROUTES = list(insecure_glance.ROUTES)
    insecure_glance.put_in(monkeypatch)


class Telling:
    """One log that is being told."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.lenders = [lender("One", number=100), lender("Two", number=300)]
        self.stories: list[Story] = []
        self.sessions: dict[str, str] = {}
        self.open()

    def open(self) -> None:
        """One more verification; the same reference and borrower may come again."""
        of, number = self.chance.choice(self.lenders), self.chance.randrange(4)
        profile = self.chance.choice(("KZ-2021-04", "KZ-2025-01"))
        self.stories.append(
            begin(of, f"A-{number}", iin=self.chance.choice(_IINS), profile=profile)
        )

    def act(self) -> None:
        """One thing happens, or is refused."""
        story = self.chance.choice(self.stories)
        deeds: tuple[Callable[[Story], Any], ...] = (
            *([self.answer] * 8),
            *([self.work] * 6),
            *([self.hurry] * 4),
            self.break_down,
            self.route,
            self.vote,
            self.vote,
            self.cancel,
            self.link,
            self.redeem,
            self.hand,
            self.time,
            self.read,
            lambda _: self.open(),
            lambda _: order_all(),
            lambda _: sweep.run_round(),
            lambda one: answers.resume(verification_id=one.id),
        )
        with suppress(*_TOLD_NO):
            self.chance.choice(deeds)(story)

    def answer(self, story: Story) -> None:
        page = story.page()
        if page.page == "consent":
            story.answer(agreed=self.chance.random() < 0.95, version=CURRENT, language="ru")
        elif page.page == "question":
            story.answer(somebody_tells_me=self.chance.random() < 0.05)
        elif page.page == "code":
            story.answer(
                sees=self.chance.choice(("clear", "clear", "clear", "grey", "near", "wrong"))
            )
        if self.chance.random() < 0.8:
            story.work()

    def work(self, story: Story) -> None:
        tasks.advance(story.id)

    def hurry(self, story: Story) -> None:
        """The borrower goes on until there is nothing more to do, or they do not please: one route
        has four pages.
        """
        for _ in range(self.chance.randint(2, 10)):
            if (page := story.page().page) in ("consent", "question"):
                story.answer(**_YES[page])
            elif page == "choose_route":
                self.route(story)
            else:
                story.answer(
                    sees=self.chance.choice(("clear", "clear", "clear", "clear", "grey", "wrong"))
                )
            story.work()

    def break_down(self, story: Story) -> None:
        """What cannot be measured: our fault, and after the last try the end."""
        if story.page().page == "code":
            story.answer(sees="nothing that anybody knows")
        for wait in BACKOFF_SECONDS:
            story.work()
            clock._state.offset += timedelta(seconds=wait)
        story.work()

    def route(self, story: Story) -> None:
        answers.choose_route(
            verification_id=story.id, route=self.chance.choice(insecure_glance.ROUTES)
        )

    def vote(self, story: Story) -> None:
        person = f"usr_{self.chance.randrange(3)}"
        insecure_glance.one_voted(story, person=person, passes=self.chance.random() < 0.8)

    def cancel(self, story: Story) -> None:
        if self.chance.random() < 0.3:
            openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)

    def link(self, story: Story) -> None:
        minted = links.mint(lender_id=story.lender.pk, mode="test", verification_id=story.id)
        self.stories[self.stories.index(story)] = Story(story.lender, story.id, minted.token)

    def redeem(self, story: Story) -> None:
        self.sessions[story.id] = links.redeem(untrusted_token=story.token)

    def hand(self, story: Story) -> None:
        session = self.sessions.get(story.id, "none")
        code = hand_over.mint(untrusted_session=session).token
        if self.chance.random() < 0.2:
            return
        phone = hand_over.read(untrusted_code=code, untrusted_agent="Chrome on Android")
        is_told = self.chance.random() < 0.1
        hand_over.reply(untrusted_phone=phone, is_told=is_told)
        if not is_told and self.chance.random() < 0.8:
            number = hand_over.waiting(untrusted_phone=phone).number
            shown = number if self.chance.random() < 0.8 else "0000"
            hand_over.match(
                untrusted_session=session,
                untrusted_number=shown,
                untrusted_agent="Firefox on Linux",
            )
            self.sessions[story.id] = phone

    def time(self, story: Story) -> None:
        clock._state.offset += timedelta(minutes=self.chance.choice((1, 20, 120, 60 * 26)))
        swept()

    def read(self, story: Story) -> None:
        search.search(person_id="usr_" + "a" * 26, question=search.Question(mode="test"))


def play(chance: random.Random) -> Iterator[list[str]]:
    """Tells one log; stops where it is read, at times in its midst and always at its end; how all
    stand there.
    """
    telling, middle = Telling(chance), chance.randrange(_STEPS)
    for step in range(_STEPS):
        telling.act()
        if step == middle and chance.random() < 0.5:
            yield _statuses()
    order_all()
    yield _statuses()


def _statuses() -> list[str]:
    return list(Verification.objects.values_list("status", flat=True))


def forget() -> None:
    """An empty database and empty folders, and the clock put right."""
    clock._state.offset = timedelta(0)
    copies.renew()
    for folder in (django_settings.TULGA_EVIDENCE_DIR, django_settings.TULGA_LOG_HEAD_DIR):
        shutil.rmtree(folder, ignore_errors=True)
