"""The documents agree with the code, and every page of the product is looked at."""

import ast
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve
from lxml import html
from markdown_it import MarkdownIt

from tests import evidence_index, proofs
from tests.browser import every_page
from tests.browser.every_page import EVERY, KEPT, KEPT_PICTURES, ROOT
from tests.evidence_index import COUNTS, FIGURES, FOLDER, INDEX, MISSING, UNDESCRIBED, render
from tests.house_rules import PRODUCT
from verification.core.codes import LAW_FILES
from verification.core.law_rules import EARLY
from verification.course import entry as course

# The documents agree with the code, and their links lead somewhere.


# The documents agree with the code.


# What the operator's pages name is there: variables, commands, messages, findings, links.


PAGES = {
    path.name: path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "docs" / "operator").glob("*.md"))
}
TEXT = "\n".join(PAGES.values())
INCIDENTS = PAGES["incidents.md"]
APPS = ("operators", "lenders", "people", "tools", "verification")
# A whole name: `TULGA_LIVE_<NAME>_ADAPTER` and `TULGA_SOURCES['live']` are none.
VARIABLE = re.compile(
    r"\b(?:TULGA_[A-Z0-9_]+|[A-Z]+_BROKER_URL|(?:[A-Z]+_)?DATABASE_URL)(?![…<\[])\b"
)
# The sections of incidents.md whose tables quote messages, with the column that quotes.
QUOTING = {
    "A process does not start": 0,
    "Live checks": 0,
    "`/readyz`": 1,
    "Log lines": 0,
    "Cases": 0,
}


class Recorded(dict[str, str]):
    """An environment that remembers which names were asked for."""

    def __init__(self, **variables: str) -> None:
        super().__init__(variables)
        self.asked: set[str] = set()

    def get(self, name, default=None):
        self.asked.add(name)
        return super().get(name, default)


def variables_read(monkeypatch: pytest.MonkeyPatch, folder: Path) -> set[str]:
    """Every variable that the settings read in live mode, by the owner."""
    environment = Recorded(
        TULGA_VAR_DIR=str(folder),
        TULGA_MODES_LIVE="1",
        TULGA_DATABASE_ROLE="owner",
        MIGRATION_DATABASE_URL="sqlite://:memory:",
    )
    spec = spec_from_file_location("settings_of_an_operator", ROOT / "config" / "settings.py")
    assert spec is not None
    assert spec.loader is not None
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", environment)
        spec.loader.exec_module(module_from_spec(spec))
        # The application's address, which the owner's stands in front of.
        environment["TULGA_DATABASE_ROLE"] = "application"
        spec.loader.exec_module(module_from_spec(spec))
    return {name for name in environment.asked if VARIABLE.fullmatch(name)}


def test_each_variable_that_the_code_reads_is_on_a_page_and_each_on_a_page_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    read, named = variables_read(monkeypatch, tmp_path), set(VARIABLE.findall(TEXT))
    assert {"TULGA_VAR_DIR", "TULGA_LIVE_SMS_SENDER", "DATABASE_URL"} <= read
    assert (sorted(read - named), sorted(named - read)) == ([], [])


def calls() -> Iterator[tuple[str, str]]:
    """Each command that a page names, with what stands behind it to the end of the code or line."""
    joined = TEXT.replace("\\\n", " ")
    yield from re.findall(r"manage\.py ([a-z_]+)([^`\n]*)", joined)


def test_each_command_on_a_page_is_there_and_each_of_ours_is_on_a_page() -> None:
    named, there = {name for name, _ in calls()} - {"help"}, get_commands()
    assert sorted(named - there.keys()) == []
    ours = {
        path.stem
        for app in APPS
        for path in (ROOT / app / "management" / "commands").glob("[a-z]*.py")
    }
    assert sorted(ours - named) == []


def test_each_option_of_a_command_on_a_page_is_one_of_that_command() -> None:
    there, wrong = get_commands(), []
    for name, rest in calls():
        if name == "help":
            continue
        parser = load_command_class(str(there[name]), name).create_parser("manage.py", name)
        for option in re.findall(r"(?<!\S)--[a-z-]+", rest):
            if not any(option in action.option_strings for action in parser._actions):
                wrong.append(f"{name} {option}")
    assert wrong == []


def test_each_target_script_and_measurement_on_a_page_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    code = "\n".join(
        part
        for pair in re.findall(r"```sh\n(.*?)```|`([^`\n]+)`", TEXT, re.DOTALL)
        for part in pair
    )
    named = set(re.findall(r"^make ([a-z]+)", code, re.MULTILINE))
    assert named
    assert named <= targets
    for script in re.findall(r"scripts/[a-z_]+\.[a-z]+", TEXT):
        assert (ROOT / script).is_file(), script
    for part in re.findall(r"PART=([a-z]+)", TEXT):
        assert (ROOT / "bench" / f"{part}.py").is_file(), part


@cache
def trees() -> dict[Path, ast.Module]:
    """Every file of the product but of the client, as a tree."""
    return {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for folder in PRODUCT
        if folder != "clients"
        for path in (ROOT / folder).rglob("*.py")
    }


@cache
def strings() -> str:
    """Every string of the product's code, with a zero between two; a part of an f-string is one."""
    return "\0".join(
        node.value
        for tree in trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


@cache
def quoted() -> tuple[tuple[str, str], ...]:
    """Each message that incidents.md quotes, with its section."""
    messages = []
    for section in INCIDENTS.split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        if title in QUOTING:
            rows = [line.split(" | ") for line in body.splitlines() if line.startswith("| ")][1:]
            for row in rows:
                messages += [
                    (title, text) for text in re.findall(r"`([^`]+)`", row[QUOTING[title]])
                ]
    return tuple(messages)


def test_each_message_that_the_incidents_quote_is_one_of_the_products() -> None:
    assert {title for title, _ in quoted()} == set(QUOTING)
    parts = [(message, part.strip()) for _, message in quoted() for part in message.split("…")]
    assert [message for message, part in parts if part not in strings()] == []


def text_of(node: ast.AST | None) -> str:
    """A string of the code as incidents.md would quote it: `…` for each value that is put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"%[sd]", "…", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values
        )
    return ""


def logged() -> Iterator[str]:
    """What the processes log as a warning or an error, where the code says it in words."""
    for path, tree in trees().items():
        if path.relative_to(ROOT).parts[0] in ("insecure_sandbox", "tools"):
            continue
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("warning", "error", "exception")
                and ast.unparse(node.func.value) == "logger"
                and node.args
            ):
                yield text_of(node.args[0])


def live_faults() -> Iterator[str]:
    """What the live check says: every sentence of its functions but docstrings and hints."""
    tree = trees()[ROOT / "verification" / "deploy_checks.py"]
    for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        nodes = list(ast.walk(function))
        hints = [
            node
            for node in nodes
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "hint"
        ]
        formatted = [node for node in nodes if isinstance(node, ast.JoinedStr)]
        apart = {id(part) for node in hints for part in ast.walk(node)}
        apart |= {id(part) for node in formatted for part in node.values}
        if ast.get_docstring(function) is not None:
            apart |= {id(part) for part in ast.walk(function.body[0])}
        texts = [text_of(node) for node in nodes if id(node) not in apart]
        yield from (text for text in texts if text.endswith("."))


def is_quoted(text: str, section: str) -> bool:
    """Whether a message of this section is a part of the text."""
    return any(
        all(part.strip() in text for part in message.split("…"))
        for title, message in quoted()
        if title == section
    )


def test_each_warning_and_error_in_a_log_is_an_incident() -> None:
    texts = {text for text in logged() if text.strip("…. ")}
    assert "a round of tick failed" in texts
    assert "the log refuses entry …: …" in texts
    assert sorted(text for text in texts if not is_quoted(text, "Log lines")) == []


def test_each_sentence_of_the_live_check_is_an_incident() -> None:
    texts = set(live_faults())
    assert "TULGA_DEBUG is on." in texts
    assert "TULGA_SOURCES['live'] has no …." in texts
    assert sorted(text for text in texts if not is_quoted(text, "Live checks")) == []


def codes_of_findings() -> set[str]:
    """Every code that a finding of `audit_verify` may have."""
    places = [*(ROOT / "verification" / "log").glob("*.py")]
    places += [ROOT / "verification" / "worker" / "replay.py"]
    places += [ROOT / "verification" / "evidence" / "inspection.py"]
    codes = {
        *course.CODES,
        course.ACTOR,
        EARLY,
        "row_differs",
        "entry_lost",
        "entry_waits",
        "leaf_misplaced",
    }
    for path in places:
        for node in ast.walk(trees()[path]):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            values = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
            if node.func.id == "_finding":
                values += node.args[1:2]
            if node.func.id in ("Finding", "_finding"):
                codes |= {str(value.value) for value in values if isinstance(value, ast.Constant)}
    return codes


def test_each_finding_of_audit_verify_and_each_code_of_a_law_file_is_an_incident() -> None:
    codes = codes_of_findings() | LAW_FILES.keys()
    assert {"tile", "entry_unsigned", "judged_otherwise", "illegal_move", "law_laxer"} <= codes
    assert sorted(code for code in codes if f"`{code}`" not in INCIDENTS) == []


def heading_anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_each_link_between_the_operators_pages_leads_to_a_heading() -> None:
    wrong = []
    for name, text in PAGES.items():
        for link in re.findall(r"\]\(([^)]+)\)", text):
            page, _, anchor = link.partition("#")
            page = page or name
            if "/" not in page and (
                page not in PAGES or (anchor and anchor not in heading_anchors(PAGES[page]))
            ):
                wrong.append(f"{name}: {link}")
    assert wrong == []


def test_each_of_these_pages_that_the_code_names_is_there_with_its_heading() -> None:
    wrong = []
    for folder in (*PRODUCT, "scripts"):
        for path in (ROOT / folder).rglob("*.py"):
            for page, anchor in re.findall(
                r"docs/operator/([a-z]+\.md)(?:#([a-z-]+))?", path.read_text(encoding="utf-8")
            ):
                if page not in PAGES or (anchor and anchor not in heading_anchors(PAGES[page])):
                    wrong.append(f"{path.name}: {page}#{anchor}")
    assert wrong == []


# The pages for regulators and security engineers name only files of the repository.


_ROOT = Path(__file__).resolve().parent.parent
_PAGES = [*(_ROOT / "docs" / "security").glob("*.md"), *(_ROOT / "docs" / "regulator").glob("*.md")]
_FILE = re.compile(r"`((?:config|lenders|scripts|tests|tools|verification)/[\w./]+)`")


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.relative_to(_ROOT).as_posix())
def test_each_file_that_a_page_names_is_there(page: Path) -> None:
    names = _FILE.findall(page.read_text(encoding="utf-8"))
    assert [name for name in names if not (_ROOT / name).exists()] == []


def test_the_pages_name_files() -> None:
    assert len(_FILE.findall("".join(page.read_text(encoding="utf-8") for page in _PAGES))) > 10


# Documents are short, and every link in them leads somewhere.


_NOT_OURS = {"var", "mutants", "build", "static_root", "node_modules", "__pycache__"}
_PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")


def _documents() -> Iterator[Path]:
    for folder, folders, names in os.walk(_ROOT):
        folders[:] = [name for name in folders if name not in _NOT_OURS and name[0] != "."]
        yield from (Path(folder) / name for name in names if name.endswith(".md"))


_EVERY = sorted(path.relative_to(_ROOT).as_posix() for path in _documents())


def _text(name: str) -> str:
    return (_ROOT / name).read_text("utf-8")


@cache
def _page(path: Path) -> html.HtmlElement:
    markup = _PARSER.render(path.read_text("utf-8"))
    return html.fragment_fromstring(markup, create_parent="div")


def _words(text: str) -> int:
    """Words of a page; the bar of a table is not a word."""
    return sum(any(map(str.isalnum, word)) for word in text.split())


def _slug(title: str) -> str:
    """The anchor that a forge gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


@cache
def anchors(path: Path) -> frozenset[str]:
    """All places of a page that a link may name.

    A translation has the anchors of its original too: /docs gives it those.
    """
    page, seen = _page(path), Counter[str]()
    given = {element.get("id") or element.get("name") for element in page.iter("a")} - {None}
    for heading in page.iter("h1", "h2", "h3", "h4", "h5", "h6"):
        slug = _slug(heading.text_content())
        given.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    original = path.with_name(path.name.replace(".ru.md", ".md"))
    if original != path and original.exists():
        given |= anchors(original)
    return frozenset(str(anchor) for anchor in given)


def faults(path: Path) -> list[str]:
    """The links and pictures of a page that lead nowhere.

    An address that begins with a slash is one of a running Tulga.
    """
    wrong = []
    for _, attribute, link, _ in _page(path).iterlinks():
        address = urlsplit(link)
        if attribute not in {"href", "src"} or address.scheme or link.startswith("/"):
            continue
        target = (path.parent / unquote(address.path)).resolve() if address.path else path
        is_there = target.exists() and target.is_relative_to(_ROOT)
        anchor = unquote(address.fragment)
        if not is_there or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize(
    ("name", "lines", "words"),
    [
        ("README.md", 120, 1_300),
        ("ARCHITECTURE.md", 200, 1_500),
        ("CONTRIBUTING.md", 80, 900),
        ("CHANGELOG.md", 140, 2_100),
    ],
)
def test_a_first_page_is_short(name: str, lines: int, words: int) -> None:
    text = _text(name)
    assert len(text.splitlines()) <= lines
    assert _words(text) <= words


def test_docs_in_one_language_are_short() -> None:
    names = [name for name in _EVERY if name.startswith("docs/") and not name.endswith(".ru.md")]
    # With the sizes and speeds of the forms that words of captures can have.
    # promises.md quotes the whole consent, which its own tests hold to the text.
    quoting = "docs/security/promises.md"
    counts = {name: _words(_text(name)) for name in names if name != quoting}
    # With the rotation of keys, cases erased again after a restore, and blocks.
    assert sum(counts.values()) <= 39_500, sorted(counts.items(), key=lambda count: -count[1])


@pytest.mark.parametrize("name", _EVERY)
def test_every_link_leads_somewhere(name: str) -> None:
    assert faults(_ROOT / name) == []


@pytest.mark.parametrize("name", [name for name in _EVERY if name.endswith(".ru.md")])
def test_a_translation_stands_beside_its_original(name: str) -> None:
    assert name.replace(".ru.md", ".md") in _EVERY


@pytest.mark.parametrize(
    "link",
    [
        "[a](absent.md)",
        "[a](there.md#absent)",
        "[a](there.md#twice-2)",
        "[a](#absent)",
        "[a](../outside.md)",
        "![a](absent.webp)",
        '<img src="absent.webp">',
    ],
)
def test_a_link_that_leads_nowhere_is_found(
    link: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.test_documents._ROOT", tmp_path / "ours")
    (tmp_path / "ours").mkdir()
    (tmp_path / "outside.md").write_text("# Outside")
    (tmp_path / "ours" / "there.md").write_text("# Here: it is\n\n## Twice\n\n## Twice\n")
    page = tmp_path / "ours" / "page.md"
    page.write_text(
        "# Page\n\n[a](there.md#here-it-is) [b](there.md#twice-1) [c](#page) [d](/docs)"
        f" [e](https://example.org/x)\n\n{link}\n"
    )
    assert len(faults(page)) == 1


def test_every_obligation_that_the_code_names_stands_on_its_page_and_no_other() -> None:
    stated = set(
        re.findall(r"^\| (O-\d{2}) \|", _text("docs/regulator/obligations.md"), re.MULTILINE)
    )
    code = [
        path
        for folder in ("config", "operators", "lenders", "people", "verification", "tools")
        for path in (_ROOT / folder).rglob("*.py")
    ]
    named = {name for path in code for name in re.findall(r"\bO-\d{2}\b", path.read_text("utf-8"))}
    assert named == stated


# ARCHITECTURE.md names nothing that is not there.


_PAGE = (_ROOT / "ARCHITECTURE.md").read_text("utf-8")
_NAMED = sorted(set(re.findall(r"`([a-z_/]+\.py):([a-z_]+)`", _PAGE)))
_STEPS = re.findall(r"^(\d+)\. (.*)$", _PAGE.partition("## One EDS verification")[2], re.MULTILINE)
_ROOMS = re.findall(r"`([a-z_]+)/`", _PAGE.partition("## Rooms")[2].partition("##")[0])


@pytest.mark.parametrize(("file", "function"), _NAMED)
def test_every_function_it_names_is_there(file: str, function: str) -> None:
    tree = ast.parse((_ROOT / file).read_text("utf-8"))
    assert function in {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_each_step_of_a_verification_names_a_function() -> None:
    assert [int(number) for number, _ in _STEPS] == list(range(1, len(_STEPS) + 1))
    assert len(_STEPS) >= 30
    assert not [text for _, text in _STEPS if not re.search(r"`[a-z_/]+\.py:[a-z_]+`", text)]


@pytest.mark.parametrize("room", _ROOMS)
def test_every_room_it_names_is_there(room: str) -> None:
    assert (_ROOT / "verification" / room).is_dir() or (_ROOT / room).is_dir()


def test_it_names_every_room() -> None:
    folders = {path.parent.name for path in (_ROOT / "verification").glob("*/__init__.py")}
    assert folders - {"management", "migrations", "templatetags"} <= set(_ROOMS)


@pytest.mark.parametrize(
    "stage", sorted({path.parent.name for path in _ROOT.glob("verification/stages/*/__init__.py")})
)
def test_it_names_every_stage(stage: str) -> None:
    assert f"`{stage}`" in _PAGE


# The index of the evidence lists every file with its failures, and is the generated one.


_GOOD = {
    "commit": "28e1d17bb53f387736975874d41ab507cfd0e256",
    "has_uncommitted_changes": True,
    "at": "2026-11-29T22:45:47+00:00",
    "seed": 7,
    "conditions": {"python": "3.13.5", "machine": "x86_64", "cores": 2, "database": "sqlite"},
    "counts": {"passed": 2, "failed": 0, "skipped": 0},
    "failures": [],
    "figures": {"signatures": 1234, "rows": {"undetected": 0, "list": [1, 2]}},
}


def put(folder: Path, **changes: object) -> str:
    """The index of a folder with this one file."""
    (folder / "eds.json").write_text(json.dumps(_GOOD | changes), encoding="utf-8")
    sentences = ("{signatures} signatures, {rows, undetected} undetected, {rows, lost} lost",)
    return render(folder, {"eds.json": "signatures"}, {"eds.json": sentences})


def test_the_index_is_the_one_that_is_generated() -> None:
    assert (FOLDER / INDEX).read_text(encoding="utf-8") == render(FOLDER), (
        "run python -m tests.evidence_index"
    )


def test_no_file_holds_a_failure() -> None:
    failed = [
        path.name
        for path in FOLDER.glob("*.json")
        if json.loads(path.read_text(encoding="utf-8"))["failures"]
    ]
    assert not failed


def test_a_file_stands_there_with_its_commit_seed_conditions_and_figures(tmp_path: Path) -> None:
    text = put(tmp_path)
    for part in (
        "Signatures.",
        "Commit 28e1d17bb53f with uncommitted changes, 2026-11-29, seed 7.\n",
        "Proofs: 2 passed.",
        f"- 1 234 signatures, 0 undetected, {MISSING} lost\n",
        "No file holds a failure.",
    ):
        assert part in text
    assert "with uncommitted" not in put(tmp_path, has_uncommitted_changes=False)


def test_a_failure_is_seen_at_the_top_and_at_its_file(tmp_path: Path) -> None:
    text = put(tmp_path, failures=["tests/a.py::test_a", "tests/a.py::test_b"])
    assert "**Failures:** eds.json." in text
    assert "**2 failures:** tests/a.py::test_a, tests/a.py::test_b." in text


def test_conditions_that_are_not_the_usual_ones_stand_at_the_file(tmp_path: Path) -> None:
    conditions = {"python": "3.11.7", "machine": "aarch64", "cores": 8, "database": "postgresql"}
    text = put(tmp_path, conditions=conditions)
    assert "seed 7, aarch64, 8 cores, postgresql, Python 3.11.7.\n" in text


def test_every_figure_of_the_index_stands_in_its_file_and_the_index_is_short() -> None:
    text = render(FOLDER)
    assert MISSING not in text
    assert FIGURES.keys() <= COUNTS.keys()
    assert len(text.split()) <= 1_500


def test_every_file_is_described(tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("1")
    assert UNDESCRIBED in put(tmp_path)
    assert UNDESCRIBED not in render(FOLDER)


def test_evidence_that_is_written_stands_in_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "_EVIDENCE", tmp_path)
    monkeypatch.setattr(evidence_index, "FOLDER", tmp_path)
    proofs.write_evidence("pages", seed=5, found={"failures": [], "figures": {"looks": 3}})
    assert "- 3 checks\n" in (tmp_path / INDEX).read_text(encoding="utf-8")


# The list of pages, of which `make pictures` takes pictures, names every page that exists.


TEMPLATES = (ROOT / "templates", ROOT / "lenders" / "templates")
EXTENDS = re.compile(r'{% extends "([^"]+)" %}')
TAKEN = {f"{shown.name}.{language}" for shown in EVERY for language in shown.languages}
KEPT_MAX_BYTES = 80_000
REFERENCE = re.compile(r"docs/pictures/([a-z.-]+)\.webp|\.\./pictures/([a-z.-]+)\.webp")


def drawn() -> set[str]:
    """Every template that draws a page: it stands in a frame, and is the frame of no other."""
    texts = {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for folder in TEMPLATES
        for path in folder.rglob("*.html")
    }
    frames = {frame for text in texts.values() for frame in EXTENDS.findall(text)}
    return {name for name, text in texts.items() if EXTENDS.search(text)} - frames


def test_every_page_is_in_the_list() -> None:
    assert drawn() == {shown.template for shown in EVERY}
    assert len({shown.name for shown in EVERY}) == len(EVERY)


NO_PAGE = {
    "no person reads it": (
        "healthz",
        "readyz",
        "lenders:jwks",
        "lenders:openapi",
        "lenders:openapi-operations",
        "borrower:state",
        "borrower:hint",
        "subject:state",
    ),
    "no person reads it either": (
        "borrower:phone_state",
        "borrower:egov_start",
        "borrower:egov_documents",
    ),
    "it acts, and leads to a page": (
        "borrower:route",
        "borrower:resume",
        "borrower:egov_mint",
        "review:attest",
    ),
    "a script reads it": (
        "people:login_challenge",
        "people:passkey_challenge",
        "people:invitation_challenge",
        "review:vote_challenge",
        "review:attest_challenge",
    ),
    "it acts, and leads to another": (
        "borrower:peek",
        "review:vote",
        "people:logout",
        "set_language",
    ),
    "a file": (
        "borrower:signed",
        "subject:file",
        "oversight:leaf",
        "oversight:checkpoint",
        "review:picture",
    ),
}
"""Addresses without a page to read, by reason."""

BROUGHT_ABOUT = {
    "elsewhere": "borrower:elsewhere",
    "handed-over": "borrower:match",
    "withdraw": "borrower:withdraw",
    "phone": "borrower:phone_now",
    "desk-link": "review:link",
    "oversight-not-ready": "oversight:proof",
}
"""Pages of the list that a way leads to, and where."""


def named(patterns: list[URLPattern | URLResolver], *, within: str = "") -> set[str]:
    """Every name of an address, but for those of Django's admin and of the API, whose answers are
    JSON.
    """
    found = set()
    for one in patterns:
        if isinstance(one, URLResolver):
            inside = f"{within}{one.namespace}:" if one.namespace else within
            found |= set() if one.namespace == "admin" else named(one.url_patterns, within=inside)
        elif one.name:
            found.add(f"{within}{one.name}")
    return found


def test_every_address_that_a_person_opens_is_in_the_list() -> None:
    listed = set(BROUGHT_ABOUT.values())
    for shown in EVERY:
        path = re.split("[?#]", shown.path or "/v/now/")[0]
        try:
            listed.add(resolve(re.sub(r"{[a-z]+}", "ver_0", path)).view_name)
        except Resolver404:
            assert shown.name == "nowhere"
    elsewhere = [name for names in NO_PAGE.values() for name in names]
    assert set(BROUGHT_ABOUT) <= {shown.name for shown in EVERY}
    of_operators = {name for name in listed if name.startswith("admin:")}
    assert named(get_resolver().url_patterns) == (listed | set(elsewhere)) - of_operators


def test_the_page_of_pictures_shows_each_in_every_language() -> None:
    shown = re.findall(r"!\[\w\w\]\(([a-z.-]+)\.webp\)", every_page.written())
    assert sorted(shown) == sorted(TAKEN)


def test_the_repository_keeps_four_small_pictures_of_listed_pages() -> None:
    sizes = {path.stem: path.stat().st_size for path in KEPT_PICTURES.iterdir()}
    assert set(sizes) == set(KEPT) <= TAKEN
    assert len(KEPT) <= 4
    assert {name: size for name, size in sizes.items() if size > KEPT_MAX_BYTES} == {}


def test_documents_show_every_kept_picture_and_no_other() -> None:
    texts = [(ROOT / "README.md").read_text("utf-8")]
    texts += [path.read_text("utf-8") for path in (ROOT / "docs").rglob("*.md")]
    shown = {a or b for text in texts for a, b in REFERENCE.findall(text)}
    assert shown == set(KEPT)
