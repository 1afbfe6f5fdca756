"""The documentation: offline, without inline code, and its first call works as it is printed."""

import json
import re
import time
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from lenders import openapi, signing
from tests.lenders.samples import Caller
from verification.core.profiles import PROFILES, Profile
from verification.core.reasons import REASONS

PAGES = ["/docs", "/docs/problems", "/docs/reference"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fetches_nothing_from_elsewhere_and_holds_no_inline_code(client: Client, db: None, path: str) -> None:
    answer = client.get(path)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert re.findall(r"(?:src|href|action)=\"(?:https?:)?//[^\"]*", page) == []
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=", page) == []
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]


def test_the_first_call_of_the_page_opens_a_verification(client: Client, api: Caller) -> None:
    page = unescape(client.get("/docs").content.decode())
    printed = re.search(r"-d '(\{.*?\})'", page, re.DOTALL)
    assert printed
    assert api.post("/v1/verifications", json.loads(printed[1])).status_code == 201


def test_the_page_lists_every_operation(client: Client, db: None) -> None:
    page = client.get("/docs").content.decode()
    for path, item in openapi.document()["paths"].items():
        assert f"<code>{path}</code>" in page
        assert all(operation["summary"] in unescape(page) for operation in item.values())


def test_the_page_of_codes_tells_both_sides_of_every_reason(client: Client, db: None) -> None:
    page = unescape(client.get("/docs/problems").content.decode())
    for reason in REASONS.values():
        assert f'id="reason-{reason.code}"' in page
        assert reason.borrower_message in page
        assert reason.lender_detail in page


@pytest.mark.parametrize("path", ["/openapi.json", *PAGES])
def test_the_documentation_is_only_read(client: Client, db: None, path: str) -> None:
    assert client.post(path).status_code == 405


def _guide() -> str:
    return (Path(openapi.__file__).resolve().parent.parent / "docs" / "lender-guide.md").read_text()


def test_the_guide_names_every_reason_why_people_look() -> None:
    assert [code for code, reason in REASONS.items() if reason.review and f"| `{code}` |" not in _guide()] == []


def _row(profile: Profile) -> str:
    """What the guide's table says of a profile."""
    suffices = " or ".join(" + ".join(f"`{route}`" for route in routes) for routes in profile.combinations)
    ages = (
        f"< {profile.confirmed_below_years}, ≥ {profile.confirmed_from_years}" if profile.confirmed_below_years else "—"
    )
    visit = f"> {profile.visit_over_mci} MCI" if profile.visit_over_mci else "—"
    waits = f"> {profile.cooling_off_over_mci} MCI: {profile.cooling_off_hours} h" if profile.cooling_off_hours else "—"
    answers = (profile.stop_credit_max_age_seconds, profile.account_owner_max_age_seconds)
    said = (f"`{profile.id}`", profile.in_force_from, suffices, profile.replaced_max, ages, visit, waits)
    return f"| {' | '.join(map(str, (*said, *(f'{age} s' if age else '—' for age in answers))))} |"


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_the_guide_says_what_every_profile_asks(profile: Profile) -> None:
    assert _row(profile) in _guide().splitlines()


def test_the_guides_first_call_opens_a_verification(api: Caller) -> None:
    printed = re.search(r"-d '(\{\n.*?\})'", _guide(), re.DOTALL)
    assert printed
    assert api.post("/v1/verifications", json.loads(printed[1])).status_code == 201


def test_the_guides_verifier_accepts_our_signature_and_no_other() -> None:
    code = re.search(r"```python\n(import base64.*?)```", _guide(), re.DOTALL)
    assert code
    names: dict[str, Any] = {}
    exec(code[1], names)  # noqa: S102  # what we print is what we run
    secret, (seed, _), body = signing.new_secret(), signing.new_signing_key(), b'{"type":"endpoint.test"}'
    now = int(time.time())
    headers = signing.headers(message_id="evt_1", timestamp=now, body=body, shared_secrets=[secret], seed=seed)
    accepts, spelled = names["is_from_tulga"], signing.spell_secret(secret)
    assert accepts(headers, body, spelled)
    assert not accepts(headers, body + b" ", spelled)
    assert not accepts(headers, body, signing.spell_secret(signing.new_secret()))
    assert not accepts(headers | {"webhook-timestamp": str(now - 301)}, body, spelled)
