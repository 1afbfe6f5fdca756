"""The regulator's pages: who may open them, what they show, and what never leaves them."""

import logging
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import translation
from pytest_django import Settings

from lenders.models import Lender
from people.models import User
from tests import registered
from tests.scenes import staged
from tests.verification import one_format
from tests.verification.log.rows import tamper
from tests.verification.oversight import rows
from verification.core.codes import REASONS
from verification.core.errors import BadInput
from verification.core.events import ENTRY_TYPES
from verification.core.ids import case_number
from verification.models import AuditEntry, EvidenceItem
from verification.oversight import counts, labels, search, urls
from verification.oversight.case_file import timeline
from verification.oversight.counts import Count
from verification.oversight.search import Step

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


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("who", ["visitor", "one_factor", "closed", "reviewer", "operator"])
def test_no_other_person_gets_in_or_leaves_a_trace(
    who: str, name: str, method: str, case_id: str
) -> None:
    client = {
        "visitor": Client,
        "one_factor": lambda: rows.signed_in(rows.person("regulator"), both_factors=False),
        "closed": lambda: closed(rows.signed_in(rows.person("regulator"))),
        "reviewer": lambda: rows.signed_in(rows.person("reviewer", lender=rows.lender())),
        "operator": lambda: rows.signed_in(rows.person("operator")),
    }[who]()
    response = getattr(client, method)(address(name, case_id), {"iin": rows.IIN, "mode": "test"})
    if who in ("visitor", "one_factor", "closed"):
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("people:login"))
    else:
        assert response.status_code == 403
    assert "consent_declined" not in response.content.decode()
    assert rows.reading_entries() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", READING_NAMES)
def test_a_regulator_reads_every_page_and_each_leaves_one_entry(
    name: str, case_id: str, reader: Client
) -> None:
    response = reader.get(address(name, case_id), {"mode": "test"})
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    (entry,) = rows.reading_entries()
    assert entry.body["person"].startswith("usr_")


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
def test_what_stands_in_an_address_is_not_searched_for(case_id: str, reader: Client) -> None:
    response = reader.get(SEARCH, {"iin": rows.IIN, "mode": "test"})
    assert case_id not in response.content.decode()
    assert rows.reading_entries() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", READING_NAMES)
def test_pages_that_read_do_so_by_get_only(name: str, case_id: str, reader: Client) -> None:
    assert reader.post(address(name, case_id)).status_code == 405
    assert rows.reading_entries() == []


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
def test_only_the_posted_form_itself_repeats_the_iin(case_id: str, reader: Client) -> None:
    page = posted(reader, iin=rows.IIN).content.decode()
    assert page.count(rows.IIN) == page.count(f'name="iin" value="{rows.IIN}"') == 1
    assert rows.IIN not in reader.get(address("case", case_id)).content.decode()


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
def test_further_pages_are_posted_and_show_every_case_once(reader: Client, settings: Any) -> None:
    settings.TULGA_MODES_LIVE = True
    registered.everybody("live")
    rows.by_passkey(reader)
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


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("runs_live", "says"), [(False, True), (True, False)])
def test_a_log_that_is_not_kept_says_so_instead_of_seeming_empty(
    runs_live: bool, says: bool, reader: Client, settings: Any
) -> None:
    """And nothing is put on record there, where no sequencer would order it."""
    settings.TULGA_MODES_LIVE = runs_live
    if runs_live:
        registered.everybody("live")
        rows.by_passkey(reader)
    before = AuditEntry.objects.filter(log="live").count()
    for response in (
        posted(reader, mode="live"),
        reader.get(address("counts", ""), {"mode": "live"}),
        reader.get(address("readings", ""), {"mode": "live"}),
    ):
        assert ("This installation has no live log" in response.content.decode()) is says
    assert "no live log" not in posted(reader, mode="test").content.decode()
    assert AuditEntry.objects.filter(log="live").count() - before == (0 if says else 3)


@pytest.mark.django_db(transaction=True)
def test_ids_of_html_elements_are_unique(case_id: str, reader: Client) -> None:
    for _ in range(51):
        rows.bare(rows.lender(), created_at=rows.at(2026, 11, 1))
    pages = [posted(reader, mode="live", iin=rows.IIN), reader.get(address("case", case_id))]
    pages += [reader.get(address("counts", case_id), {"mode": "test"})]
    for response in pages:
        found = [part.split('"')[0] for part in response.content.decode().split(' id="')[1:]]
        assert len(found) == len(set(found))


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
def test_an_unknown_case_is_a_404(reader: Client) -> None:
    for name in ("case", "proof", "leaf"):
        assert reader.get(address(name, "ver_" + "a" * 26)).status_code == 404
    assert reader.get(reverse("oversight:checkpoint", kwargs={"mode": "demo"})).status_code == 422
    assert rows.reading_entries() == []


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_not_there_yet_is_a_sentence(reader: Client) -> None:
    verification_id = rows.opened(rows.lender())
    for name in ("proof", "leaf"):
        response = reader.get(address(name, verification_id))
        assert response.status_code == 409
        assert "receipt_not_ready" in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_the_downloaded_files_verify(case_id: str, reader: Client) -> None:
    leaf, proof = reader.get(address("leaf", case_id)), reader.get(address("proof", case_id))
    assert proof["Content-Type"].startswith("text/plain")
    assert proof["Content-Disposition"].startswith("attachment")
    rows.verify_proof(proof.content.decode(), leaf=leaf.content)
    assert reader.get(address("checkpoint", case_id)).content.decode() in proof.content.decode()


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
def test_a_lenders_name_cannot_bring_markup_into_a_page(reader: Client) -> None:
    rows.bare(rows.lender("<script>alert(1)</script>"), created_at=rows.at(2026, 11, 1))
    assert "<script>alert" not in posted(reader, mode="live").content.decode()


# A regulator finds a case by the number that its borrower reads out on the telephone.


@pytest.mark.django_db(transaction=True)
def test_a_case_is_found_by_the_number_that_its_borrower_reads_out(settings: Settings) -> None:
    settings.TULGA_MODES_LIVE = True
    case, _ = (
        rows.bare(rows.lender(), created_at=rows.at(2026, 11, 1, minute=minute))
        for minute in (1, 2)
    )
    reader = rows.signed_in(rows.person("regulator"))
    found = reader.post("/oversight/", {"mode": "live", "case_number": case_number(case)}).context[
        "found"
    ]
    assert case in [line.row.verification_id for line in found]
    assert rows.reading_entries()[-1].body["asked"] == ["case_number"]
    nothing = reader.post("/oversight/", {"mode": "live", "case_number": "0000000000000"})
    assert not nothing.context["found"]


# The ends of the calendar are refused by name, not by a fault of ours.


@pytest.mark.django_db
@pytest.mark.parametrize(("field", "day"), [("date_from", date.min), ("date_to", date.max)])
def test_a_day_that_has_no_beginning_or_end_is_refused_by_name(field, day):
    with pytest.raises(BadInput) as caught:
        search.search(person_id="usr_a", question=search.Question(mode="test", **{field: day}))
    assert (caught.value.code, caught.value.pointer) == ("date_out_of_range", field)


@pytest.mark.django_db
def test_the_days_beside_them_are_searched():
    question = search.Question(mode="test", date_from=date(1, 1, 2), date_to=date(9999, 12, 30))
    assert search.search(person_id="usr_a", question=question).data == ()


# Days and times on the regulator's pages are written as everywhere.


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_days_and_times_are_written_one_way(language: str) -> None:
    case_id = staged("declined", lambda: rows.declined(rows.lender()))
    reader = rows.signed_in(rows.person("regulator"))
    reader.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    asked = [reader.post("/oversight/", {"mode": "test"}), reader.get("/oversight/readings/")]
    shown = [*asked, reader.get(f"/oversight/cases/{case_id}/")]
    assert [response.status_code for response in shown] == [200, 200, 200]
    assert [
        fault for response in shown for fault in one_format.faults(response.content.decode())
    ] == []


# An end that a row alone says: what counts is what others are told; a regulator sees the row's
# word beside it.


def found(reader: Client, **asked: str) -> str:
    return reader.post("/oversight/", {"mode": "test", **asked}).content.decode()


@pytest.mark.django_db(transaction=True)
def test_an_end_that_is_not_in_the_log_is_shown_as_such_and_found_by_no_outcome() -> None:
    case, reader = rows.declined(rows.lender()), rows.signed_in(rows.person("regulator"))
    page, said = reverse("oversight:case", args=[case]), "not in the log yet"
    for shown in (found(reader), reader.get(page).content.decode()):
        assert said not in shown
    rows.forged(case)
    for shown in (found(reader), reader.get(page).content.decode()):
        assert f"Verified: {said}" in shown
        assert "code_of_a_forger" not in shown
        assert "Declined" in shown, "which the log has"
    assert case not in found(reader, outcome="verified")
    counts = reader.get(reverse("oversight:counts"), {"mode": "test"}).content.decode()
    assert "counted by their rows" in counts


# The regulator reads words for every entry of the log, and of a case's evidence the ids that
# entries list.


AT = datetime(2026, 11, 1, tzinfo=UTC)


def note(entry_type: str, **body: Any) -> str:
    """What the timeline says of an entry besides its name."""
    (line,) = timeline(
        [Step(at=AT, type=entry_type, sequence=1, log_index=1, body=body, leaf_hash="")]
    )
    return line.note


def test_every_type_of_entry_has_words_and_no_words_are_left_over() -> None:
    assert set(labels.ENTRIES) == set(ENTRY_TYPES)


def test_a_hand_over_says_from_which_browser_to_which() -> None:
    said = note("verification.handed_over", **{"from": "Chrome, Windows", "to": "Safari, iPhone"})
    assert said == "Chrome, Windows → Safari, iPhone"


def test_a_destruction_says_of_what_and_how_many() -> None:
    said = note(
        "evidence.destroyed",
        route="biometric",
        stage="live_capture",
        number=19,
        destroyed=["evd_a"],
    )
    assert said == "biometric · live_capture · × 19"


def test_other_entries_say_neither() -> None:
    assert note("link.minted", number=19, to="Safari, iPhone") == ""


@pytest.mark.django_db(transaction=True)
def test_evidence_stands_by_the_id_that_its_entry_lists() -> None:
    case_id = rows.declined(rows.lender())
    reader = rows.signed_in(rows.person("regulator"))
    page = reader.get(
        reverse("oversight:case", kwargs={"verification_id": case_id})
    ).content.decode()
    (_before, shown) = page.split('id="evidence"')
    kept = list(EvidenceItem.objects.filter(verification_id=case_id).values_list("pk", flat=True))
    assert kept
    assert all(f">{one}<" in shown for one in kept)
    judged = AuditEntry.objects.get(verification_id=case_id, type="attempt.judged")
    assert {one["id"] for one in judged.body["evidence"]} <= set(kept)


# Monthly counts as drawings: every number is in them once, and nothing depends on colour or
# language.


MONTHS = counts.months_from(date(2025, 11, 1), number=3)

COUNTS = (
    Count(MONTHS[0], "eds", "verified", "", 7),
    Count(MONTHS[0], "eds", "declined", "eds_iin_mismatch", 2),
    Count(MONTHS[2], "", "open", "", 1),
    Count(MONTHS[2], "eds", "open", "", 1),
)


def test_months_follow_each_other_over_the_end_of_a_year() -> None:
    assert (date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1)) == MONTHS


def test_a_month_without_verifications_is_shown_as_zero() -> None:
    chart = counts.by_outcome(COUNTS, months=MONTHS)
    assert [row.total for row in chart.rows] == [9, 0, 2]
    assert chart.rows[1].month == MONTHS[1]


def test_bars_lie_end_to_end_and_are_as_long_as_their_numbers() -> None:
    chart = counts.by_outcome(COUNTS, months=MONTHS)
    verified, declined, *_rest = chart.rows[0].segments
    unit = (counts.RIGHT - counts.LEFT) / 9
    assert float(verified.width) == pytest.approx(7 * unit, abs=0.01)
    assert float(declined.width) == pytest.approx(2 * unit, abs=0.01)
    assert float(declined.x) == pytest.approx(counts.LEFT + 7 * unit, abs=0.01)


def test_all_that_has_not_ended_is_one_kind() -> None:
    chart = counts.by_outcome(COUNTS, months=MONTHS)
    assert {series.key: series.total for series in chart.series}["open"] == 2


def test_no_two_kinds_of_bar_look_alike() -> None:
    many = tuple(Count(MONTHS[0], "eds", "declined", code, 1) for code in list(REASONS)[:9])
    for chart in counts.charts_of(many, months=MONTHS):
        looks = [series.look for series in chart.series]
        assert len(looks) == len(set(looks))


def test_a_route_nobody_chose_yet_and_one_no_longer_known_are_counted() -> None:
    numbers = (*COUNTS, Count(MONTHS[1], "palm", "verified", "", 4))
    totals = {series.key: series.total for series in counts.by_route(numbers, months=MONTHS).series}
    assert (totals["none"], totals["palm"], totals["eds"]) == (1, 4, 10)


def test_a_renewal_does_not_count_as_a_second_verification() -> None:
    numbers = (
        *COUNTS,
        Count(MONTHS[1], "renewal", "verified", "", 3),
        Count(MONTHS[1], "renewal", "open", "", 2),
    )
    outcome, route, _reason, anew = counts.charts_of(numbers, months=MONTHS)
    assert outcome == counts.by_outcome(COUNTS, months=MONTHS)
    assert "renewal" not in {series.key for series in route.series}
    assert (route.total, anew.total) == (11, 5)
    assert {one.key: one.total for one in anew.series if one.total} == {"verified": 3, "open": 2}


def test_rare_reasons_share_one_bar_and_are_all_counted() -> None:
    codes = sorted(REASONS)[:7]
    numbers = tuple(
        Count(MONTHS[0], "eds", "declined", code, 10 - place) for place, code in enumerate(codes)
    )
    chart = counts.by_reason(numbers, months=MONTHS)
    assert [series.key for series in chart.series] == [*codes[:5], "other"]
    assert chart.series[-1].total == 5 + 4
    assert chart.total == sum(count.number for count in numbers)


def test_counting_nothing_draws_empty_months() -> None:
    for chart in counts.charts_of((), months=MONTHS):
        assert (chart.total, len(chart.rows)) == (0, 3)
    assert counts.by_reason((), months=MONTHS).series == ()


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_drawing_has_words_and_the_same_coordinates_in_every_language(language: str) -> None:
    chart = counts.by_outcome(COUNTS, months=MONTHS)
    with translation.override(language):
        svg = render_to_string("oversight/chart.html", {"chart": chart})
    assert svg.count("<title") == 1 + 3  # of the drawing, and of each bar that is not zero
    assert 'role="img"' in svg
    assert f'width="{chart.rows[0].segments[0].width}"' in svg
    assert "171,11" not in svg


def test_a_name_in_a_drawing_is_escaped() -> None:
    numbers = (Count(MONTHS[0], "<script>", "verified", "", 1),)
    svg = render_to_string(
        "oversight/chart.html", {"chart": counts.by_route(numbers, months=MONTHS)}
    )
    assert "<script>" not in svg
    assert "&lt;script&gt;" in svg


@pytest.mark.django_db(transaction=True)
def test_a_lender_is_listed_as_stated_whatever_its_row_says(reader: Client) -> None:
    """Who changes rows for one look hides no lender from a search, and adds none."""
    lender, other = rows.lender("Stated LLP"), rows.lender("Renamed LLP", number=1)
    with transaction.atomic():
        Lender.objects.filter(pk=lender.pk)._raw_delete("default")
        Lender.objects.filter(pk=other.pk).update(name="National Bank")
        Lender.objects.create(name="Unstated LLP", bin="180440012349", phone="+77270000044")
        choices, page = search.lender_choices(), reader.get(SEARCH).content.decode()
        transaction.set_rollback(True)
    assert choices == ((other.pk, "Renamed LLP"), (lender.pk, "Stated LLP"))
    assert "Stated LLP" in page
    assert "National Bank" not in page
