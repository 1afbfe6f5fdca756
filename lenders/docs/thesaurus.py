"""How readers ask: the words that say nothing of what they look for, and other words for what the
pages call by one.
"""

from collections.abc import Sequence
from typing import Final

_SAYING_NOTHING: Final = (
    "a an and are be by can did do does for from get has have how i if in is it its me my no not of"
    " on or our so the there this to was we what when where which who why will with you your а без"
    " бы в во вы где для до его ее её если есть же за и из или их к как какая какие какой когда кто"
    " ли мне можно мой на не нет но о об он она они от по почему при с сколько со такое так то у"
    " что чтобы это я"
)
STOP_WORDS: Final = frozenset(_SAYING_NOTHING.split())
SYNONYMS: Final[Sequence[Sequence[str]]] = (
    ("authentic", "authoriz", "аутентифик", "авториз"),
    ("signature", "signed", "подпис"),
    ("webhook", "callback", "вебхук", "колбэк", "коллбэк"),
    ("paginat", "paging", "cursor", "курсор", "пагинац", "постранич"),
    ("limit", "throttl", "quota", "лимит", "ограничени"),
    ("expir", "unusable", "lifetime", "истек", "истёк", "срок действ"),
    ("cooling", "охлажд"),
    ("idempoten", "идемпотент"),
    ("biometr", "биометр"),
    ("deprecat", "sunset", "устарев"),
    ("error", "problem", "ошибк"),
    ("deliver", "доставк", "доставл"),
    ("verify", "verif", "проверк", "проверит", "проверя"),
    ("sandbox", "simulat", "песочниц", "симуляц"),
)
"""Beginnings of words: who asks by one is also shown what has another of its row."""


def others(stem: str, word: str) -> Sequence[str]:
    """The beginnings by which a word is found: its own, and those of its row."""
    return (
        stem,
        *(one for row in SYNONYMS if any(word.startswith(known) for known in row) for one in row),
    )
