"""What a page says for people: its text, and what of it is written in another way than
`core/spelling.py` writes.
"""

import re
from collections.abc import Iterator
from html import unescape

# Attributes and what is shown letter by letter are not read as times. A day in quotation marks is
# JSON.
_NOT_READ = re.compile(r"(?s)<(pre|code|script|style)\b.*?</\1>|<[^>]*>")
_OTHERS = {
    "a day as machines write it": re.compile(r"(?<!\")\b\d{4}-\d{2}-\d{2}\b"),
    "a day with slashes": re.compile(r"\b\d{1,2}/\d{1,2}/\d{2,4}\b"),
    "a time of twelve hours": re.compile(r"\b\d{1,2}(:\d{2})? ?([ap]\.?m\.?)\b", re.IGNORECASE),
    "a day by its month's name": re.compile(
        r"\b(Nov(ember)?\.?|ноября|қараша) \d{1,2}\b|\b\d{1,2} (ноября|Nov|қараша)\b"
    ),
    "a currency by its code": re.compile(r"\bKZT\b"),
    "a sum as machines write it": re.compile(r"\b\d{4,}\.\d{2}\b"),
    "another zone": re.compile(r"\bUTC\b(?!\+5)"),
}
_TIME = re.compile(r"\b\d{2}\.\d{2}\.\d{4} \d{2}:\d{2}")
_ZONE = re.compile("Astana|Астан")


def text(html: str) -> str:
    """What is read of a page."""
    return " ".join(unescape(_NOT_READ.sub(" ", html)).split())


def faults(html: str) -> Iterator[str]:
    """Each thing that is written otherwise, with its surroundings; and that no zone is named beside
    a time.
    """
    said = text(html)
    for what, pattern in _OTHERS.items():
        for found in pattern.finditer(said):
            yield f"{what}: {said[max(0, found.start() - 40) : found.end() + 40]}"
    if _TIME.search(said) and not _ZONE.search(said):
        yield "a time whose zone is not named"
