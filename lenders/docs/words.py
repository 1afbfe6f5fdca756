"""The languages of the developers' pages: English, and Russian by its own catalogue,
`developers.po`.

Borrowers and officers read three languages, developers these two. A reader of Kazakh gets Russian.
"""

import gettext
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

ENGLISH, RUSSIAN = "en", "ru"
LANGUAGES: Final = (ENGLISH, RUSSIAN)
# Without its compiled form, as in a checkout without set-up, the pages are English.
_CATALOGUE: Final = gettext.translation(
    "developers", settings.LOCALE_PATHS[0], [RUSSIAN], fallback=True
)


def say(text: str) -> str:
    """The sentence in the active language; without a translation it stays English."""
    return _CATALOGUE.gettext(text) if translation.get_language() == RUSSIAN else text


def in_a_developers_language(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view in the language of `?lang=`, else in the reader's own, or the nearest of the two."""

    @wraps(view)
    def localized(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        language = request.GET.get("lang")
        if language not in LANGUAGES:
            is_english = (translation.get_language() or ENGLISH).startswith(ENGLISH)
            language = ENGLISH if is_english else RUSSIAN
        with translation.override(language):
            response = view(request, *args, **kwargs)
        response.headers["Content-Language"] = language
        return response

    return localized
