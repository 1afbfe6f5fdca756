"""The regulator's pages: who may open them, what they show, and what never leaves them."""

import logging
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from people.models import User
from tests.scenes import staged
from tests.verification.log.rows import tamper
from tests.verification.oversight import rows
from verification.models import AuditEntry
from verification.oversight import urls

pytestmark = pytest.mark.django_db(transaction=True)

SEARCH = "/oversight/"


@pytest.fixture
def case_id() -> str:
    """A real verification, declined and ordered."""
    return staged("declined", lambda: rows.declined(rows.lender()))


@pytest.fixture
def regulator() -> Any:
    """Somebody who may read."""
    return rows.person("regulator")


@pytest.fixture
def reader(regulator: Any) -> Client:
    """The regulator's session, both factors given."""
    return rows.signed_in(regulator)


def address(name: str, case_id: str) -> str:
    """The address of a page by its name."""
    arguments: dict[str, dict[str, str]] = {
        "case": {"verification_id": case_id},
        "proof": {"verification_id": case_id},
        "leaf": {"verification_id": case_id},
        "checkpoint": {"mode": "test"},
    }
    return reverse(f"oversight:{name}", kwargs=arguments.get(name))


NAMES = tuple(str(pattern.name) for pattern in urls.urlpatterns)
# GET of the search page is the empty form: it reads nothing.
READING_NAMES = tuple(name for name in NAMES if name != "search")


def posted(client: Client, **asked: str) -> Any:
    """The answer to a search."""
    return client.post(SEARCH, {"mode": "test", **asked})


def closed(client: Client) -> Client:
    """The session of a person whose account was closed since."""
    User.objects.update(is_active=False)
    return client


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("who", ["nobody", "one_factor", "closed", "reviewer", "operator"])
def test_no_other_person_gets_in_or_leaves_a_trace(
    who: str, name: str, method: str, case_id: str
) -> None:
    client = {
        "nobody": Client,
        "one_factor": lambda: rows.signed_in(rows.person("regulator"), both_factors=False),
        "closed": lambda: closed(rows.signed_in(rows.person("regulator"))),
        "reviewer": lambda: rows.signed_in(rows.person("reviewer", lender=rows.lender())),
        "operator": lambda: rows.signed_in(rows.person("operator")),
    }[who]()
    response = getattr(client, method)(address(name, case_id), {"iin": rows.IIN, "mode": "test"})
    if who in ("nobody", "one_factor", "closed"):
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("people:login"))
    else:
        assert response.status_code == 403
    assert "consent_declined" not in response.content.decode()
    assert rows.reading_entries() == []


@pytest.mark.parametrize("name", READING_NAMES)
def test_a_regulator_reads_every_page_and_each_leaves_one_entry(
    name: str, case_id: str, reader: Client
) -> None:
    response = reader.get(address(name, case_id), {"mode": "test"})
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    (entry,) = rows.reading_entries()
    assert entry.body["person"].startswith("usr_")


def test_the_empty_form_reads_nothing_and_a_search_leaves_one_entry(
    case_id: str, reader: Client
) -> None:
    assert reader.get(SEARCH).status_code == 200
    assert rows.reading_entries() == []
    response = posted(reader, iin=rows.IIN)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert case_id in response.content.decode()
    assert len(rows.reading_entries()) == 1
    other = posted(reader, iin=rows.OTHER_IIN).content.decode()
    assert (case_id in other, "Nothing found" in other) == (False, True)


def test_what_stands_in_an_address_is_not_searched_for(case_id: str, reader: Client) -> None:
    response = reader.get(SEARCH, {"iin": rows.IIN, "mode": "test"})
    assert case_id not in response.content.decode()
    assert rows.reading_entries() == []


@pytest.mark.parametrize("name", READING_NAMES)
def test_pages_that_read_do_so_by_get_only(name: str, case_id: str, reader: Client) -> None:
    assert reader.post(address(name, case_id)).status_code == 405
    assert rows.reading_entries() == []


def test_the_iin_enters_no_address_header_session_cookie_or_log(
    case_id: str,
    reader: Client,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    responses = [
        posted(reader, iin=rows.IIN),
        posted(reader, iin=rows.IIN, lender="nonsense"),
        posted(reader, iin=rows.IIN, after="nonsense"),
        posted(reader, iin=f"{rows.IIN} "),
        reader.get(address("case", case_id)),
        reader.get(address("readings", case_id), {"mode": "test"}),
    ]
    for response in responses:
        assert rows.IIN not in str(response.headers)
        assert rows.IIN not in response.request["PATH_INFO"] + response.request["QUERY_STRING"]
    assert rows.IIN not in str(dict(reader.session))
    assert rows.IIN not in str(reader.cookies)
    # The debug log of SQL is Django's own and off outside of DEBUG; it too sees the index only.
    assert rows.IIN not in caplog.text
    assert rows.IIN not in "".join(capfd.readouterr())
    assert rows.IIN not in str([entry.body for entry in rows.reading_entries()])


def test_only_the_posted_form_itself_repeats_the_iin(case_id: str, reader: Client) -> None:
    page = posted(reader, iin=rows.IIN).content.decode()
    assert page.count(rows.IIN) == page.count(f'name="iin" value="{rows.IIN}"') == 1
    assert rows.IIN not in reader.get(address("case", case_id)).content.decode()


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"iin": "990101100011"}, "iin_malformed"),
        ({"iin": "9" * 40}, "iin_malformed"),
        ({"case_number": "1795-895-717"}, "case_number_malformed"),
        ({"lender": "len_nobody"}, "lender_unknown"),
        ({"date_from": "01.11.2026"}, "date_from_malformed"),
        ({"date_from": "2026-11-02", "date_to": "2026-11-01"}, "dates_reversed"),
        ({"date_to": "9999-12-31"}, "date_out_of_range"),
        ({"route": "palm"}, "route_unknown"),
        ({"outcome": "<b>"}, "outcome_unknown"),
        ({"mode": "demo"}, "mode_unknown"),
        ({"mode": ""}, "mode_missing"),
        ({"after": "ver_\0"}, "cursor_unknown"),
    ],
)
def test_a_mistake_is_a_sentence_with_a_stable_code_and_reads_nothing(
    asked: dict[str, str], code: str, reader: Client
) -> None:
    response = posted(reader, **asked)
    assert response.status_code == 422
    assert f"<code>{code}</code>" in response.content.decode()
    assert rows.reading_entries() == []


@pytest.mark.parametrize("name", ["counts", "readings"])
@pytest.mark.parametrize(
    ("asked", "code"), [({"mode": "demo"}, "mode_unknown"), ({"months": "13"}, "months_unknown")]
)
def test_a_period_that_is_not_offered_reads_nothing(
    name: str, asked: dict[str, str], code: str, reader: Client
) -> None:
    response = reader.get(reverse(f"oversight:{name}"), asked)
    assert response.status_code == 422
    assert f"<code>{code}</code>" in response.content.decode()
    assert rows.reading_entries() == []


def test_further_pages_are_posted_and_show_every_case_once(reader: Client, settings: Any) -> None:
    settings.TULGA_MODES_LIVE = True
    expected = {
        rows.bare(rows.lender(), created_at=rows.at(2026, 11, 1, minute=n % 60)) for n in range(51)
    }
    first = posted(reader, mode="live", iin=rows.IIN)
    following = first.context["following"]
    fields = {field.html_name: field.value() for field in following} | {
        "after": following.data["after"]
    }
    page = first.content.decode()
    assert all(f'name="{name}" value="{value}"' in page for name, value in fields.items() if value)
    second = reader.post(SEARCH, fields)
    seen = [
        line.row.verification_id
        for response in (first, second)
        for line in response.context["found"]
    ]
    assert len(seen) == 51
    assert set(seen) == expected
    assert second.context["following"] is None


@pytest.mark.parametrize(("runs_live", "says"), [(False, True), (True, False)])
def test_a_log_that_is_not_kept_says_so_instead_of_seeming_empty(
    runs_live: bool, says: bool, reader: Client, settings: Any
) -> None:
    """And nothing is put on record there, which nobody would ever order."""
    settings.TULGA_MODES_LIVE = runs_live
    for response in (
        posted(reader, mode="live"),
        reader.get(address("counts", ""), {"mode": "live"}),
        reader.get(address("readings", ""), {"mode": "live"}),
    ):
        assert ("This installation has no live log" in response.content.decode()) is says
    assert "no live log" not in posted(reader, mode="test").content.decode()
    assert AuditEntry.objects.filter(log="live").count() == (0 if says else 3)


def test_ids_of_html_elements_are_unique(case_id: str, reader: Client) -> None:
    for _ in range(51):
        rows.bare(rows.lender(), created_at=rows.at(2026, 11, 1))
    pages = [posted(reader, mode="live", iin=rows.IIN), reader.get(address("case", case_id))]
    pages += [reader.get(address("counts", case_id), {"mode": "test"})]
    for response in pages:
        found = [part.split('"')[0] for part in response.content.decode().split(' id="')[1:]]
        assert len(found) == len(set(found))


def test_a_case_page_shows_log_places_hashes_and_reasons(case_id: str, reader: Client) -> None:
    response = reader.get(address("case", case_id))
    page, file = response.content.decode(), response.context["file"]
    for step in file.steps:
        assert step.leaf_hash in page
    for item in file.evidence:
        assert item.sealed_sha256 in page
    assert "The borrower did not consent." in page
    assert file.profile_sha256 in page
    assert "Test case" in page


def test_an_unknown_case_is_a_404(reader: Client) -> None:
    for name in ("case", "proof", "leaf"):
        assert reader.get(address(name, "ver_" + "a" * 26)).status_code == 404
    assert reader.get(reverse("oversight:checkpoint", kwargs={"mode": "demo"})).status_code == 422
    assert rows.reading_entries() == []


def test_a_file_that_is_not_there_yet_is_a_sentence(reader: Client) -> None:
    verification_id = rows.opened(rows.lender())
    for name in ("proof", "leaf"):
        response = reader.get(address(name, verification_id))
        assert response.status_code == 409
        assert "receipt_not_ready" in response.content.decode()


def test_the_downloaded_files_verify(case_id: str, reader: Client) -> None:
    leaf, proof = reader.get(address("leaf", case_id)), reader.get(address("proof", case_id))
    assert proof["Content-Type"].startswith("text/plain")
    assert proof["Content-Disposition"].startswith("attachment")
    rows.verify_proof(proof.content.decode(), leaf=leaf.content)
    assert reader.get(address("checkpoint", case_id)).content.decode() in proof.content.decode()


@pytest.mark.parametrize("body", ['{"v":1,"code":"another"}', '{"v":0.5}'])
def test_an_altered_decision_is_not_handed_out_as_what_was_hashed(
    case_id: str, reader: Client, body: str
) -> None:
    altered = (
        "UPDATE verification_auditentry SET body = %s WHERE verification_id = %s AND type LIKE"
        " 'verification.d%%'"
    )
    tamper((altered, (body, case_id)))
    response = reader.get(address("leaf", case_id))
    assert response.status_code == 500
    assert "not what was hashed" in response.content.decode()


def test_a_lenders_name_cannot_bring_markup_into_a_page(reader: Client) -> None:
    rows.bare(rows.lender("<script>alert(1)</script>"), created_at=rows.at(2026, 11, 1))
    assert "<script>alert" not in posted(reader, mode="live").content.decode()
