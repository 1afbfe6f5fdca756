"""The pages of a lender, and the operators who use them."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.contrib.admin.utils import quote
from django.core.management import CommandError, call_command, load_command_class
from django.core.management.base import SystemCheckError
from django.test import Client
from django.utils import timezone

from lenders import endpoints, keys, openapi, policy
from lenders.docs import prose
from lenders.models import ApiKey, Delivery, Lender
from scripts.guide_blocks import BLOCK, FOLDER, PAGES, PROGRAMS, text_of
from tests import registered
from tests.lenders.insecure_receiver import Receiver
from tests.lenders.samples import Caller
from tests.verification import one_format
from verification import clock
from verification.core import profiles
from verification.core.codes import PROBLEMS
from verification.core.events import TOLD
from verification.core.scenarios import SCENARIOS, SCRIPTED
from verification.core.status import TERMINAL, Status

# The lender's pages: short sentences, links that lead somewhere, blocks that are what they say.


WORDS_MAX = 10_200  # of all pages in English, with blocked cases
SENTENCE_MAX, SENTENCE_MEAN = 20, 15  # words
FILES = sorted(FOLDER.glob("*.md"))
LANGUAGES = ("", "json", "sh", *PROGRAMS)
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
        if line.startswith("| `") and line.count(" | ") == 3
    ]
    ends = {name.strip("|` "): end for name, iin, _, end in rows if iin.strip("` ").isdigit()}
    assert ends.keys() == SCENARIOS.keys()
    for name, scenario in SCENARIOS.items():
        assert f"`{scenario.status}`" in ends[name]
        code = scenario.last_failure or scenario.code
        assert not code or f"`{code}`" in ends[name]
        assert not scenario.clearance or f"`{scenario.clearance}`" in ends[name]
    for page in ("sandbox.md", "sandbox.ru.md"):
        text = (FOLDER / page).read_text(encoding="utf-8")
        people = re.findall(r"^\| `(\w+)` \| `(\d{12})` \|", text, re.MULTILINE)
        assert {iin: name for name, iin in people} == dict(SCRIPTED)


# What operators see and do: admin pages, add_lender, add_key.


@pytest.fixture
def operator(client: Client, db: None) -> Client:
    """A browser in which an operator gave both factors."""
    user = registered.person(
        email="o@example.kz", password="long enough to pass", full_name="O", role="operator"
    )
    client.force_login(user)
    session = client.session
    session["otp_device_id"] = registered.factor_of(user).persistent_id
    session.save()
    return client


def test_a_lenders_page_shows_its_keys_without_their_hashes(
    operator: Client, lender: Lender
) -> None:
    issued = keys.issue(lender, mode="test")
    page = operator.get(f"/admin/lenders/lender/{quote(lender.pk)}/change/").content.decode()
    assert issued.key.shown in page
    assert issued.key.sha256 not in page
    assert issued.secret not in page


def test_an_endpoint_and_a_delivery_are_only_looked_at(
    operator: Client, lender: Lender, receiver: Receiver
) -> None:
    endpoint, _ = endpoints.create(lender, mode="test", url=receiver.url, events=())
    now = timezone.now()
    delivery = Delivery.objects.create(
        endpoint=endpoint,
        lender=lender,
        mode="test",
        event_id="evt_1",
        type="endpoint.test",
        event_at=now,
        body=b"{}",
        created_at=now,
        due_at=now,
    )
    for model, pk in (("webhookendpoint", quote(endpoint.pk)), ("delivery", quote(delivery.pk))):
        page = operator.get(f"/admin/lenders/{model}/{pk}/change/")
        assert page.status_code == 200
        assert "sealed" not in page.content.decode()
        assert 'type="submit" value="Save"' not in page.content.decode()
        assert operator.get(f"/admin/lenders/{model}/add/").status_code == 403
        assert operator.post(f"/admin/lenders/{model}/{pk}/delete/").status_code == 403
    assert operator.post(f"/admin/lenders/lender/{quote(lender.pk)}/delete/").status_code == 403


KEPT = '[{"from": "2026-01-26", "profile": "KZ-2026-01"}]'


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("live_calendar", KEPT, ""),
        ("live_calendar", "[]", "The lender has live keys"),
        ("live_calendar", "soon", "Enter a valid JSON"),
        (
            "live_calendar",
            '[{"from": "2026-01-26", "profile": "KZ-2025-01"}]',
            "A profile asks for less than the law",
        ),
        (
            "live_calendar",
            '[{"from": "2026-01-26", "profile": "KZ-1999-01"}]',
            "There is no profile of this name",
        ),
        (
            "live_calendar",
            '[{"from": "2020-01-01", "profile": "KZ-2026-01"}]',
            "No law that is known here was in force",
        ),
        *(
            ("live_calendar", typed, "each profile counts from its day on")
            for typed in ("{}", "", '""', "0")
        ),
        ("name", "Қарыз & Co", ""),
        *(("name", typed, "errorlist") for typed in ("A\u3164B", "A\uffff", "A   B", "")),
        ("phone", "+77011234567", ""),
        *(("phone", typed, "errorlist") for typed in ("8 701 123 45 67", "1414", "")),
        *(
            ("return_urls", typed, "errorlist")
            for typed in (
                '["javascript:alert(1)"]',
                '["http://lender.example/back"]',
                '["https://lender.example/back?of=1"]',
                '["https://lender.example/", "https://lender.example/"]',
                '["//lender.example/"]',
                '{"https://lender.example/": 1}',
                "{}",
                '"https://lender.example/"',
            )
        ),
    ],
    ids=str,
)
def test_an_operator_keeps_what_a_lender_is_called_and_its_calendars(
    operator: Client, lender: Lender, field: str, typed: str, said: str
) -> None:
    ApiKey.objects.create(
        lender=lender,
        mode="live",
        sha256="0" * 64,
        created_at=timezone.now(),
        expires_at=timezone.now(),
    )
    form = {
        "name": lender.name,
        "phone": lender.phone,
        "return_urls": "[]",
        "test_calendar": json.dumps(lender.test_calendar),
        "live_calendar": KEPT,
        "keys-TOTAL_FORMS": "0",
        "keys-INITIAL_FORMS": "0",
    }
    before = getattr(lender, field)
    answer = operator.post(
        f"/admin/lenders/lender/{quote(lender.pk)}/change/", form | {field: typed}
    )
    lender.refresh_from_db()
    assert getattr(lender, field) == before
    if said:
        assert answer.status_code == 200
        assert said in answer.content.decode()
        return
    for act in ({"act": "propose", "reason": "Its letter of today"}, {"act": "confirm"}):
        assert operator.post(answer["Location"], act).status_code == 200
    lender.refresh_from_db()
    assert getattr(lender, field) == (json.loads(typed) if field == "live_calendar" else typed)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_days_and_times_are_written_one_way_and_are_astanas(
    operator: Client, lender: Lender, language: str
) -> None:
    keys.issue(lender, mode="test")
    operator.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    at = datetime(2026, 11, 24, 19, 30, tzinfo=UTC)
    Lender.objects.filter(pk=lender.pk).update(created_at=at)
    for address in ("/admin/lenders/lender/", f"/admin/lenders/lender/{quote(lender.pk)}/change/"):
        shown = operator.get(address).content.decode()
        assert list(one_format.faults(shown)) == []
        assert "25.11.2026 00:30" in one_format.text(shown)


# Commands of manage.py about lenders: add_lender, add_key.
BIN = "180440012349"
PHONE = ("--phone", "8 (727) 000-00-44")
PATH = "/v1/verifications"


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def run_checked(name: str, *words: str) -> None:
    """As `manage.py` runs it: after the system checks, unless the command asks for none."""
    command = load_command_class("lenders", name)
    options = vars(command.create_parser("manage.py", name).parse_args(words))
    command.execute(**options, stdout=StringIO())


def secret_in(text: str) -> str:
    found = re.search(r"tlg_(?:test|live)_[A-Za-z0-9_-]{43}", text)
    assert found
    return found[0]


@pytest.mark.parametrize(
    ("day", "law"), [("2022-05-01", "KZ-2021-04"), ("2025-02-01", "KZ-2025-01"), ("", "KZ-2025-09")]
)
def test_a_new_lender_begins_with_the_law_of_the_day(
    db: None, monkeypatch: pytest.MonkeyPatch, day: str, law: str
) -> None:
    if day:
        monkeypatch.setattr(clock, "now", lambda: datetime.fromisoformat(f"{day}T12:00:00+00:00"))
    run("add_lender", "Ақша LLP", "--bin", BIN, *PHONE)
    assert Lender.objects.get().test_calendar == profiles.calendar_of(law)


def test_a_new_lender_can_call_at_once(db: None) -> None:
    said = run(
        "add_lender",
        "Ақша LLP",
        "--bin",
        BIN,
        *PHONE,
        "--return-url",
        "https://lender.example/back",
    )
    lender = Lender.objects.get()
    assert (lender.name, lender.bin, lender.live_calendar) == ("Ақша LLP", BIN, [])
    assert lender.phone == "+77270000044"
    assert lender.return_urls == ["https://lender.example/back"]
    assert Caller(secret_in(said)).get(PATH).status_code == 200
    assert f"curl -H 'Authorization: Bearer {secret_in(said)}'" in said
    assert f"add_person EMAIL --name NAME --role reviewer --lender {lender.pk}" in said


@pytest.mark.parametrize(
    "words",
    [
        ("--bin", "180440012340"),
        ("--bin", "990101100010"),
        ("--bin", BIN, "--profile", "KZ-1999-01"),
        ("--bin", BIN, "--profile", "soon=KZ-2026-01"),
        ("--bin", BIN, "--profile", "KZ-2026-01", "--profile", "KZ-2021-04"),
        ("--bin", BIN, "--live-profile", "2026-01-26=KZ-2021-04"),
        ("--bin", BIN, "--return-url", "http://lender.example/"),
        ("--bin", BIN, "--return-url", "https://lender.example/?a=1"),
        ("--bin", BIN, "--phone", "1414"),
        ("--bin", BIN, "--phone", "+8 727 000 00 44"),
        ("--bin", BIN, "--phone", ""),
        *(("--name", name) for name in ("A\u3164B", "A\uffffB", "A  B", "A\u2800", "\u00a0A")),
    ],
    ids=str,
)
def test_a_lender_with_nonsense_is_not_added(db: None, words: tuple[str, ...]) -> None:
    is_named = words[0] == "--name"
    name, options = (words[1], ("--bin", BIN)) if is_named else ("Name", words)
    with pytest.raises(CommandError):
        run("add_lender", name, *(PHONE if "--phone" not in options else ()), *options)
    assert not Lender.objects.exists()


def test_profiles_are_held_from_the_days_named(db: None) -> None:
    words = (
        "--profile",
        "KZ-2021-04",
        "--profile",
        "2027-01-01=KZ-2026-01",
        "--live-profile",
        "2026-06-01=KZ-2026-01",
    )
    run("add_lender", "One", "--bin", BIN, *PHONE, *words)
    lender = Lender.objects.get()
    late = {"from": "2027-01-01", "profile": "KZ-2026-01"}
    assert lender.test_calendar == [{"from": "2021-04-30", "profile": "KZ-2021-04"}, late]
    assert lender.live_calendar == [{"from": "2026-06-01", "profile": "KZ-2026-01"}]


def test_a_key_is_replaced_while_the_old_one_still_works(db: None) -> None:
    old = secret_in(run("add_lender", "One", "--bin", BIN, *PHONE))
    old_id = ApiKey.objects.get().pk
    said = run(
        "add_key",
        BIN,
        "--replaces",
        old_id,
        "--scope",
        "verifications:read",
        "--cidr",
        "192.0.2.0/24",
    )
    assert f"{old_id} runs out at" in said
    assert Caller(old).get(PATH).status_code == Caller(secret_in(said)).get(PATH).status_code == 200
    assert ApiKey.objects.exclude(pk=old_id).get().scopes == ["verifications:read"]


def test_a_revoked_key_is_out(db: None) -> None:
    secret = secret_in(run("add_lender", "One", "--bin", BIN, *PHONE))
    key_id = ApiKey.objects.get().pk
    assert "revoked" in run("revoke_key", key_id)
    assert Caller(secret).get(PATH).json()["code"] == "key_revoked"
    assert "before" in run("revoke_key", key_id)


def test_a_key_ends_while_live_mode_is_incomplete(db: None, settings: Any) -> None:
    run("add_lender", "One", "--bin", BIN, *PHONE)
    settings.TULGA_MODES_LIVE, settings.TULGA_SOURCES = True, {}
    with pytest.raises(SystemCheckError):
        run_checked("add_key", BIN)
    run_checked("revoke_key", ApiKey.objects.get().pk)
    assert ApiKey.objects.get().revoked_at


@pytest.mark.parametrize(
    "words",
    [
        ("add_lender", "Two", "--bin", BIN, *PHONE),
        ("add_key", "len_none"),
        ("add_key", BIN, "--mode", "live"),
        ("add_key", BIN, "--scope", "everything"),
        ("add_key", BIN, "--cidr", "everywhere"),
        ("add_key", BIN, "--days", "0"),
        ("add_key", BIN, "--replaces", "key_none"),
        ("revoke_key", "key_none"),
    ],
    ids=str,
)
def test_a_command_with_nonsense_changes_nothing(db: None, words: tuple[str, ...]) -> None:
    run("add_lender", "One", "--bin", BIN, *PHONE)
    with pytest.raises(CommandError):
        run(*words)
    assert ApiKey.objects.count() == 1
