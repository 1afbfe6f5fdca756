"""Sentences of the developers' pages: in English or Russian, with `code` between backticks."""

import re
from typing import Any

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from lenders.docs import words

register = template.Library()
_BETWEEN_BACKTICKS = re.compile(r"`([^`]+)`")


@register.simple_tag
def say(text: str, **facts: Any) -> SafeString:
    """The sentence with its facts, `%(name)s`. The template's text is markup, all else is
    escaped.
    """
    sentence = words.say(str(text))
    if not isinstance(text, SafeString):
        sentence = str(conditional_escape(sentence))
    if facts:
        sentence %= {name: conditional_escape(fact) for name, fact in facts.items()}
    # Ours, or escaped above.
    return mark_safe(_BETWEEN_BACKTICKS.sub(r"<code>\1</code>", sentence))  # noqa: S308
