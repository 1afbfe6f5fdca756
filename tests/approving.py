"""Actors that a test puts on record are approved by the root of this session, as an installation's
are by its operators. A test about approvals asks for `no_root`.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from django.conf import settings

from verification.log import actors
from verification.log.approvals import Approval, by_root
from verification.management.commands.make_keys import ROOT_KEY, read_root

_stated = actors.state
_is_at_hand = True


@cache
def root() -> Approval:
    """The approval of this session's root."""
    return by_root(read_root(settings.TULGA_KEYS_DIR / ROOT_KEY))


def _state(*arguments: Any, approval: Approval | None = None, **more: Any) -> None:
    if approval is None and settings.TULGA_MODES_LIVE and _is_at_hand:
        approval = root()
    _stated(*arguments, approval=approval, **more)


def pytest_configure() -> None:
    """The root is at hand from the first test on."""
    actors.state = _state


@pytest.fixture
def no_root() -> Iterator[None]:
    """Without the root, as in an installation."""
    global _is_at_hand
    _is_at_hand = False
    yield
    _is_at_hand = True
