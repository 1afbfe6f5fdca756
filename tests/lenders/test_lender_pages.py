"""The lender's pages: short sentences, links that lead somewhere, blocks that are what they say."""

import json
import re
from collections.abc import Iterator

import pytest

from lenders import openapi, policy
from lenders.docs import prose
from scripts.guide_blocks import BLOCK, FOLDER, PAGES, text_of
from verification.core.codes import PROBLEMS
from verification.core.events import TOLD
from verification.core.scenarios import SCENARIOS, SCRIPTED
from verification.core.status import TERMINAL, Status

WORDS_MAX = 8500  # of the seven pages in English
SENTENCE_MAX, SENTENCE_MEAN = 20, 15  # words
FILES = sorted(FOLDER.glob("*.md"))
LANGUAGES = ("", "json", "python", "sh")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]+\]\(([^)#\s]*)(?:#([^)\s]+))?\)")


def test_the_pages_are_those_that_docs_serves_in_both_languages() -> None:
    assert {path.name for path in FILES} == {
        f"{name}{ending}" for name in PAGES for ending in (".md", ".ru.md")
    }
    assert {f"docs/lender/{name}" for name in PAGES} <= set(prose.FILES.values())


def test_the_pages_can_be_read_in_an_hour() -> None:
    assert sum(len(text_of(name).split()) for name in PAGES) <= WORDS_MAX


def _prose(text: str) -> Iterator[str]:
    """Paragraphs, items of lists, and cells of tables; code counts as one word."""
    for part in re.split(r"\n\s*\n|\n(?=[-|#]|\d+\. )", _FENCED.sub("", text)):
        plain = re.sub(r"`[^`]*`", "CODE", part)
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", plain).replace("**", "")
        yield from plain.split("|") if plain.startswith("|") else [plain]


def _lengths(text: str) -> list[tuple[int, str]]:
    """Each sentence, and each cell without one, with its words."""
    sentences = (part for unit in _prose(text) for part in re.split(r"(?<=[.!?])\s+", unit))
    return [
        (len(words), sentence)
        for sentence in sentences
        if (words := re.findall(r"\S*\w\S*", re.sub(r"(?:CODE\W*)+", "CODE ", sentence)))
    ]


@pytest.mark.parametrize("name", PAGES)
def test_sentences_are_short(name: str) -> None:
    lengths = _lengths(text_of(name))
    assert [pair for pair in lengths if pair[0] > SENTENCE_MAX] == []
    whole = [words for words, sentence in lengths if sentence.rstrip().endswith((".", "!", "?"))]
    assert sum(whole) / len(whole) < SENTENCE_MEAN


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(path: object) -> None:
    page = next(file for file in FILES if file == path)
    for target, anchor in _LINK.findall(_FENCED.sub("", page.read_text("utf-8"))):
        if target.startswith("/"):
            assert target in ("/rules", "/docs/reference", "/docs/problems")
            continue
        assert (page.parent / target).is_file(), target
        name = target.removesuffix(".md") or page.name.partition(".")[0]
        anchors = {section.anchor for section in prose.read(name, "en").sections} if anchor else {}
        assert not anchor or anchor in anchors


@pytest.mark.parametrize("name", PAGES)
def test_every_block_runs_or_is_an_answer_that_openapi_describes(name: str) -> None:
    schemas = openapi.document()["components"]["schemas"]
    answers = ("WebhookBody", "ProblemAnswer", "ReceiptAnswer")
    for language, code in BLOCK.findall(text_of(name)):
        assert language in LANGUAGES
        if language == "json":
            fields = set(json.loads(code))
            assert fields in [set(schemas[answer]["properties"]) for answer in answers]


def test_the_concepts_name_every_status_and_which_are_final() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (yes|) ?\| ", text_of("concepts"), re.MULTILINE)
    assert rows == [(status, "yes" if status in TERMINAL else "") for status in Status]


def test_the_concepts_name_every_scope_of_a_key() -> None:
    assert [scope for scope in policy.SCOPES if f"`{scope}`" not in text_of("concepts")] == []


def test_the_page_of_webhooks_names_every_event_and_the_waits_of_the_policy() -> None:
    text = text_of("webhooks")
    assert [event for event in TOLD if f"`{event}`" not in text] == []
    seconds, minutes = policy.LADDER_SECONDS[1], [wait // 60 for wait in policy.LADDER_SECONDS[2:4]]
    *hours, last = (wait // 3600 for wait in policy.LADDER_SECONDS[4:])
    waits = f"{seconds} s, {minutes[0]} min, {minutes[1]} min, and {', '.join(map(str, hours))}"
    assert f"{waits} and {last} hours" in " ".join(text.split())
    assert f"2xx within {policy.POST_SECONDS} seconds" in text
    assert f"{policy.DELIVERY_DAYS} days" in text


def test_the_page_of_errors_says_what_to_do_with_every_status_of_a_problem() -> None:
    text = text_of("errors")
    assert [row.status for row in PROBLEMS.values() if str(row.status) not in text] == []


def test_the_page_of_the_sandbox_names_every_scenario_with_its_end_and_every_person() -> None:
    rows = [
        line.split(" | ")
        for line in text_of("sandbox").splitlines()
        if line.startswith("| `") and line.count(" | ") == 2
    ]
    ends = {
        name: end
        for names, _, end in rows
        for name in re.findall(r"`(\w+)`", names)
        if name in SCENARIOS
    }
    assert ends.keys() == SCENARIOS.keys()
    for name, scenario in SCENARIOS.items():
        assert f"`{scenario.status}`" in ends[name]
        code = scenario.last_failure or scenario.code
        assert not code or f"`{code}`" in ends[name] or (code == name and "same code" in ends[name])
    people = dict(re.findall(r"^\| `(\d{12})` \| `(\w+)` \|$", text_of("sandbox"), re.MULTILINE))
    assert people == dict(SCRIPTED)
