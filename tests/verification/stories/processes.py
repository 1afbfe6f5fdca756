"""The keys of one process at a time: all tests run as one process that has every key."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.test import override_settings

from tests.verification.stories.story import Story
from verification.artifacts import reading


@contextmanager
def as_web() -> Iterator[None]:
    """Inside, the process has web's keys and no others: it opens no box, and draws no code."""
    signing = {"door": settings.TULGA_SIGNING_KEYS["door"]}
    names = ("TULGA_EVIDENCE_KEYS", "TULGA_CODE_KEYS", "TULGA_WEBHOOK_KEYS", "TULGA_DOCUMENT_KEYS")
    none = {name: dict[int, bytes]() for name in names}
    with override_settings(**none, TULGA_SIGNING_KEYS=signing):
        yield


@contextmanager
def with_worker(monkeypatch: pytest.MonkeyPatch, story: Story) -> Iterator[list[float]]:
    """Web's keys, and beside it a worker with its own, who comes while web waits; the waits."""
    whole = {
        name: getattr(settings, name)
        for name in (
            *("TULGA_EVIDENCE_KEYS", "TULGA_CODE_KEYS", "TULGA_SIGNING_KEYS"),
            "TULGA_DOCUMENT_KEYS",
        )
    }
    waits = list[float]()

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        with override_settings(**whole):
            story.work(rounds=1)

    with monkeypatch.context() as patched, as_web():
        patched.setattr(reading, "time", SimpleNamespace(sleep=sleep, monotonic=time.monotonic))
        yield waits
