"""The list of pages, of which `make pictures` takes pictures, names every page that exists."""

import re

from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve

from tests.browser import every_page
from tests.browser.every_page import EVERY, KEPT, KEPT_PICTURES, ROOT

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
        "borrower:state",
        "borrower:hint",
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
    "it acts, and leads to another": (
        "borrower:peek",
        "review:vote",
        "people:logout",
        "set_language",
    ),
    "a file": ("borrower:signed", "oversight:leaf", "oversight:checkpoint", "review:picture"),
}
"""Addresses without a page to read, by reason."""

BROUGHT_ABOUT = {
    "elsewhere": "borrower:elsewhere",
    "handed-over": "borrower:match",
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
        path = (shown.path or "/v/now/").partition("?")[0]
        try:
            listed.add(resolve(re.sub(r"{[a-z]+}", "ver_0", path)).view_name)
        except Resolver404:
            assert shown.name == "nowhere"
    elsewhere = [name for names in NO_PAGE.values() for name in names]
    assert set(BROUGHT_ABOUT) <= {shown.name for shown in EVERY}
    assert named(get_resolver().url_patterns) == (listed | set(elsewhere)) - {
        "admin:index",
        "admin:refused",
    }


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
