"""The texts of the project avoid words that make a reader read a sentence twice.

`_NATURAL` lists the sentences that may keep one.
Sentences of docstrings and comments of the product have at most 30 words.
"""

import ast
import io
import re
import subprocess
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

import pytest
from babel.messages.pofile import read_po

_ROOT = Path(__file__).resolve().parent.parent
_AWKWARD = re.compile(r"\b(?:nobody|whoever|none\s+is|how\s+maniet\w*|as\s+none)\b", re.IGNORECASE)
_WORDS_MAX = 30
_PRODUCT = {
    "bench",
    "clients",
    "config",
    "insecure_sandbox",
    "lenders",
    "operators",
    "people",
    "scripts",
    "tools",
    "verification",
}
# A sentence ends at a stop, at the end of a paragraph, or at the next item of a list.
_END = re.compile(r"(?<=[.!?])\s+|\s·\s|\n\s*\n|\n(?=[-`]|[\w, ]+: )")
_TEXTS = {".py", ".md", ".html", ".js", ".sh", ".toml", ".css", ".po"}
_NAMED = {"Makefile"}

# What a borrower reads: natural in speech.
_BORROWER = (
    "Tell it to nobody: not to a caller",
    "Show it to nobody.",
    "show the next one to nobody.",
    "Nobody else may be in the picture.",
    "Nobody may tell you what to do here",
    "Tell the number to nobody, and do not type in",
    "“Do not hang up, tell nobody, share your screen.”",
    "Show this code to nobody, and scan no code",
)
# A file, or a folder with its files: the texts in it that may keep a word.
_NATURAL: dict[str, tuple[str, ...]] = {
    "templates/borrower": _BORROWER,
    "locale": (*_BORROWER, "Tell them to nobody by phone.", "nobody"),
    # `nobody` is a value of API fields: the attempt lapsed, or the code asks for no action.
    "verification/artifacts/making.py": ('"nobody"',),
    "verification/core/codes.py": ('actor="nobody"', "Tell them to nobody by phone."),
    "verification/core/decision_receipt.py": ('"attempt.lapsed": "nobody"',),
    "verification/core/identification_document.py": ("`checks`, `people` or `nobody`",),
    "docs/lender/verify-offline.md": ("`nobody`",),
    "docs/lender/verify-offline.ru.md": ("`nobody`",),
    "tests/verification/stories/test_replay.py": ('"nobody"',),
    # A user of the system.
    "tests/servers.py": ('"nobody"',),
    # Stored in evidence, which replay compares, or hashed with the consent.
    "verification/engines/pki/timestamp.py": ("nobody can tell whether an authority",),
    "verification/stages/code/measure.py": ('"nobody could be asked"',),
    "verification/stages/live_capture/measure.py": ('"nobody could be asked"',),
    "verification/stages/confirmation/policy.py": ("Nobody makes me do so.",),
    "tests/verification/core/test_decision_receipt.py": ('"nobody"',),
}


@cache
def _files() -> tuple[PurePosixPath, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=_ROOT, capture_output=True, text=True, check=False
    )
    return tuple(
        PurePosixPath(name)
        for name in listed.stdout.split("\0")
        if name and (_ROOT / name).is_file() and name != f"tests/{Path(__file__).name}"
    )


def _texts(path: PurePosixPath) -> Iterator[str]:
    """The text of the file; of a .po file each message in English."""
    if path.suffix != ".po":
        yield (_ROOT / path).read_text(encoding="utf-8", errors="replace")
        return
    with (_ROOT / path).open("rb") as file:
        for message in read_po(file):
            yield from (message.id,) if isinstance(message.id, str) else message.id


def _awkward(path: PurePosixPath, text: str) -> list[str]:
    """The words in the text outside the natural ones of the file, in order."""
    for place, natural in _NATURAL.items():
        if path.is_relative_to(place):
            for one in natural:
                # A natural use of one word is a whole message.
                text = text.replace(one, "") if not one.isalpha() or text == one else text
    return _AWKWARD.findall(text)


@cache
def _counted() -> Counter[str]:
    counted: Counter[str] = Counter()
    for path in _files():
        if path.suffix in _TEXTS or path.name in _NAMED:
            counted[str(path)] += sum(len(_awkward(path, text)) for text in _texts(path))
    return +counted


def test_no_file_holds_an_awkward_word() -> None:
    if not _files():
        pytest.skip("needs a git checkout")
    assert _counted() == {}


@pytest.mark.parametrize("place", _NATURAL)
def test_every_exception_is_still_needed(place: str) -> None:
    if not _files():
        pytest.skip("needs a git checkout")
    held = "\n".join(
        text
        for path in _files()
        if path.is_relative_to(place) and path.suffix in _TEXTS
        for text in _texts(path)
    )
    assert [one for one in _NATURAL[place] if one not in held] == []


@pytest.mark.parametrize(
    "text",
    ["It is sent to nobody.", "Whoever asks", "of which none is", "the how manieth", "is as none"],
)
def test_each_awkward_word_is_found(text: str) -> None:
    assert len(_awkward(PurePosixPath("verification/a.py"), text)) == 1


def test_a_natural_use_is_not_counted() -> None:
    path = PurePosixPath("templates/borrower/a.html")
    assert not _awkward(path, "Show it to nobody.")
    assert _awkward(path, "It is sent to nobody.")


def _docstrings(text: str) -> Iterator[str]:
    """Docstrings without their indented lines, which are tables, trees and listings."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (ast.get_docstring(node) or "").split("\n")
            yield "\n".join("" if line.startswith(" ") else line for line in lines)


def _comments(text: str) -> Iterator[str]:
    """Comments, those on consecutive lines as one."""
    lines: list[str] = []
    last = (0, 0)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT:
            continue
        if token.start != (last[0] + 1, last[1]):
            yield "\n".join(lines)
            lines = []
        lines.append(token.string.lstrip("#").removeprefix(" "))
        last = token.start
    yield "\n".join(lines)


def _long_sentences(text: str) -> list[str]:
    texts = (*_docstrings(text), *_comments(text))
    sentences = (" ".join(one.split()) for said in texts for one in _END.split(said))
    return [one for one in sentences if len(one.split()) > _WORDS_MAX]


def test_no_sentence_of_the_product_is_long() -> None:
    long = [
        f"{path}: {sentence}"
        for path in _files()
        if path.suffix == ".py" and path.parts[0] in _PRODUCT
        for text in _texts(path)
        for sentence in _long_sentences(text)
    ]
    assert not long, "\n".join(long)


def test_a_long_sentence_is_found() -> None:
    most, more = "word " * 29 + "word.", "word " * 30 + "word."
    assert not _long_sentences(f'"""{most} {most}\n\n{most}"""\n# {most}\n# {most}\n')
    assert _long_sentences(f'"""{more}"""\n') == [more]
    halves = more.split(" ", 20)
    split = f"# {' '.join(halves[:20])}\n# {halves[20]}\n"
    assert _long_sentences(split) == [more]
    assert not _long_sentences(f'"""A tree:\n\n    {more}\n\nThe end.\n"""\n')
