"""One change to a history, by chance: what somebody who writes entries, or takes them away, may
try.
"""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.verification.log.histories import DAY
from tests.verification.log.rows import NOON
from verification.course.entry import Entry

_VALUES: tuple[Any, ...] = (
    None,
    "",
    "x",
    7,
    0,
    -1,
    True,
    False,
    [],
    {},
    NOON.isoformat(),
    "2030-01-01T00:00:00+00:00",
)
_SECONDS = (-7200, -60, -1, 1, 60, 700, 7200, 2 * DAY)
_INNER = ("checks", "gates", "spent", "combinations", "evidence", "releases", "routes")


def changed(
    history: list[Entry], chance: random.Random, others: list[Entry]
) -> tuple[str, list[Entry]]:
    """The history with one change, behind its kind; others: entries of another history, of which
    one may be put in.
    """
    kind = chance.choice(tuple(_CHANGES))
    entries = _CHANGES[kind](list(history), chance.randrange(len(history)), chance, others)
    unsigned = {entry.id for entry in entries if not entry.is_signed}
    return kind, [replace(entry, is_signed=entry.id not in unsigned) for entry in entries]


def _dropped(history, place, chance, others):
    history.pop(place)
    return history


def _doubled(history, place, chance, others):
    history.insert(chance.randint(place, len(history)), history[place])
    return history


def _moved(history, place, chance, others):
    entry = history.pop(place)
    history.insert(chance.randint(0, len(history)), entry)
    return history


def _put_in(history, place, chance, others):
    entry = replace(
        chance.choice(others), id="evt_other", at=history[place].at, log=history[place].log
    )
    history.insert(place, entry)
    return history


def _unsigned(history, place, chance, others):
    history[place] = replace(history[place], is_signed=False)
    return history


def _lent(history, place, chance, others):
    history[place] = replace(history[place], lender=chance.choice((None, "", "len_2")))
    return history


def _retimed(history, place, chance, others):
    entry = history[place]
    history[place] = replace(entry, at=entry.at + timedelta(seconds=chance.choice(_SECONDS)))
    return history


def _retyped(history, place, chance, others):
    types = sorted(
        {entry.type for entry in (*history, *others)} | {"log.heartbeat", "nothing.known"}
    )
    history[place] = replace(history[place], type=chance.choice(types))
    return history


def _rewritten(history, place, chance, others):
    """A field of a body is another or is gone, or one of a map or list in it."""
    body = dict(history[place].body)
    name = chance.choice(sorted(body) or [""])
    value = body.pop(name, None)
    if name in _INNER and value and chance.random() < 0.8:
        body[name] = _with_another(value, chance)
    elif chance.random() < 0.8:
        same = [entry.body[name] for entry in (*history, *others) if name in entry.body]
        body[name] = chance.choice((*_VALUES, *same))
    history[place] = replace(history[place], body=body)
    return history


def _with_another(value, chance):
    """A list in which one item is another, or is gone."""
    items, number = list(value), chance.randrange(len(value))
    if chance.random() < 0.3:
        items.pop(number)
    elif isinstance(items[number], dict) and items[number]:
        key = chance.choice(sorted(items[number]))
        items[number] = {
            **items[number],
            key: chance.choice((*_VALUES, "passed", "fail", "not_evaluated")),
        }
    else:
        items[number] = chance.choice(_VALUES)
    return items


_CHANGES = {
    "dropped": _dropped,
    "doubled": _doubled,
    "moved": _moved,
    "put in": _put_in,
    "unsigned": _unsigned,
    "lent": _lent,
    "retimed": _retimed,
    "retyped": _retyped,
    "rewritten": _rewritten,
}
