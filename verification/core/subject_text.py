"""The text that a person signs to read their data: words for the person, then the same data for
programs in one line.

    title, declaration, an empty line
    one row a line: label, colon, value
    an empty line, a sentence
    tulga.subject.v1
    canonical JSON

The text names the address of the site that asks for it, and a random number. A signature over it
serves no loan, because no statement about a loan has this form. Nor does a loan's serve here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from verification.core import spelling
from verification.core.errors import BadInput
from verification.core.stored import canonical_json

FORM: Final = "tulga.subject.v1"
CURRENT: Final = "2026-12-03"
"""The version of the words in use: the newest of `WORDS`."""


@dataclass(frozen=True)
class Words:
    """One language. labels: of each row, by field. test: the row's value in test mode."""

    title: str
    declaration: str
    labels: Mapping[str, str]
    time: str
    test: str
    machine: str


@dataclass(frozen=True)
class Shown:
    """What the text says to a person; all of it is in the signed bytes."""

    language: str
    title: str
    declaration: str
    rows: tuple[tuple[str, str], ...]


def write(data: Mapping[str, Any]) -> bytes:
    """The bytes to sign.

    data: `words`, `language`, `mode`, `site` (https://host), `iin`, `nonce` (128 bits, hex),
    `issued` and `expires` (ISO 8601).

    Raises: `BadInput` for other words or another language.
    """
    shown = show(data)
    lines = [shown.title, shown.declaration, ""]
    lines += [f"{label}: {value}" for label, value in shown.rows]
    lines += ["", _words(data).machine, FORM]
    return "\n".join(lines).encode() + b"\n" + canonical_json({"type": FORM, **data})


def show(data: Mapping[str, Any]) -> Shown:
    """Its words. Raises: as `write`."""
    words = _words(data)
    times = {name: datetime.fromisoformat(data[name]) for name in ("issued", "expires")}
    values = {
        "mode": words.test,
        **{name: str(data[name]) for name in ("site", "iin", "nonce")},
        **{name: words.time.format(spelling.minute(at)) for name, at in times.items()},
    }
    names = [name for name in words.labels if name != "mode" or data["mode"] != "live"]
    rows = tuple((words.labels[name], values[name]) for name in names)
    return Shown(data["language"], words.title, words.declaration, rows)


def _words(data: Mapping[str, Any]) -> Words:
    try:
        return WORDS[data["words"]][data["language"]]
    except KeyError:
        raise BadInput("this text is in kk, ru or en", code="bad_answer") from None


# A version is never edited: signed text must stay reproducible. New words need a new version.
WORDS: Final[Mapping[str, Mapping[str, Words]]] = {
    CURRENT: {
        "kk": Words(
            title="Өз деректерім туралы сұрау",
            declaration=(
                "Мұнда мен туралы қандай деректер сақталатынын көрсетуді сұраймын және осы сұрауға"
                " өз ЭЦҚ-ммен қол қоямын. Бұл қарызға өтінім емес."
            ),
            labels={
                "mode": "Сынақ",
                "site": "Осы сайттың мекенжайы",
                "iin": "Менің ЖСН-ім",
                "issued": "Сұрау жасалған уақыт",
                "expires": "Осы уақытқа дейін қол қою керек",
                "nonce": "Кездейсоқ сан",
            },
            time="{} (Астана уақыты)",
            test="мұнда нақты адамдардың деректері жоқ",
            machine="Дәл сол мәліметтер бағдарламалар үшін, бір жолмен:",
        ),
        "ru": Words(
            title="Запрос о моих данных",
            declaration=(
                "Прошу показать, какие данные обо мне здесь хранятся, и подписываю этот запрос"
                " своей ЭЦП. Это не заявление о займе."
            ),
            labels={
                "mode": "Тест",
                "site": "Адрес этого сайта",
                "iin": "Мой ИИН",
                "issued": "Запрос составлен",
                "expires": "Подписать до",
                "nonce": "Случайное число",
            },
            time="{} (время Астаны)",
            test="данных настоящих людей здесь нет",
            machine="То же самое для программ, одной строкой:",
        ),
        "en": Words(
            title="Request about my own data",
            declaration=(
                "I ask to be shown which data about me are kept here, and sign this request with"
                " my own EDS. It asks for no loan."
            ),
            labels={
                "mode": "Test",
                "site": "Address of this site",
                "iin": "My IIN",
                "issued": "Request written",
                "expires": "To be signed before",
                "nonce": "Random number",
            },
            time="{} (Astana time)",
            test="no data of real people are here",
            machine="The same for programs, in one line:",
        ),
    }
}
"""The words of a request, by version and language."""
