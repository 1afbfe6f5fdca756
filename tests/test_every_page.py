"""docs/pages.md shows every page: none exists without its picture, in each of its languages."""

import re

import pytest
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve

from tests.browser import every_page
from tests.browser.every_page import EVERY, PAGE_OF_PICTURES, PICTURE_MAX_BYTES, PICTURES, ROOT

TEMPLATES = (ROOT / "templates", ROOT / "lenders" / "templates")
EXTENDS = re.compile(r'{% extends "([^"]+)" %}')
WANTED = {f"{shown.name}.{language}.webp" for shown in EVERY for language in shown.languages}


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
"""Addresses at which nobody reads a page, by reason."""

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


def test_every_page_has_its_pictures_and_none_is_too_big() -> None:
    kept = {path.name: path.stat().st_size for path in PICTURES.glob("*")}
    assert set(kept) == WANTED, "make pictures"
    assert {name: size for name, size in kept.items() if size > PICTURE_MAX_BYTES} == {}


def test_the_page_of_pictures_shows_them_all() -> None:
    assert PAGE_OF_PICTURES.read_text("utf-8") == every_page.written(), "make pictures"


@pytest.mark.parametrize("name", ["README.md"])
def test_the_pictures_of_the_readme_are_of_the_list(name: str) -> None:
    shown = set(re.findall(r"docs/pages/([a-z.-]+\.webp)", (ROOT / name).read_text("utf-8")))
    assert len(shown) == 4
    assert shown <= WANTED
