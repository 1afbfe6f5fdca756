"""What a lender and a borrower may do: open, cancel, choose, hand over by a link."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from insecure_sandbox.signing import sign_cms
from lenders.resources import verifications
from tests.scenes import staged
from tests.verification.checks_on_record import checks, write_over
from tests.verification.oversight import rows
from tests.verification.stories.story import IIN, begin, in_parallel, later, lender, opening, person
from verification import clock
from verification.access import answers, hand_over, links, mobile_signing, openings
from verification.access.tokens import LINKS, PHONES, SESSIONS, SIGNERS
from verification.case import contents, policy, stages
from verification.core import profiles
from verification.core.errors import BadInput, Conflict, LinkUnusable, Misconfigured, NotYourTurn
from verification.core.lender import LenderFacts
from verification.core.route import Route
from verification.evidence import store, vault
from verification.models import Access, Attempt, AuditEntry, EvidenceItem, Verification
from verification.oversight import case_file
from verification.routes import ROUTES
from verification.stages import code, statement
from verification.stages.confirmation import CONSENT
from verification.stages.confirmation.policy import CONSENT as TEXTS
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.worker.replay import Verdict, replay

# Opening, canceling, choosing: what a lender and a borrower may do, and what rows keep of it.


def facts(of):
    return LenderFacts(id=of.pk, name=of.name, bin=of.bin, phone=of.phone)


@pytest.mark.django_db(transaction=True)
def test_in_live_mode_nothing_is_opened_under_less_than_the_law_of_the_day(settings):
    settings.TULGA_ROUTES = ("eds", "biometric")
    of, given = lender(), replace(opening(), person=person("900101300017"))
    opened = openings.open_verification(
        lender=facts(of), mode="live", profile_id="KZ-2021-04", opening=given
    )
    row = Verification.objects.get(pk=opened.verification_id)
    assert (row.profile_id, row.combinations) == (
        profiles.in_force(clock.now().date()).id,
        [["eds", "biometric"]],
    )


@pytest.mark.django_db(transaction=True)
def test_no_personal_data_stands_in_any_row_in_the_clear():
    begin(lender())
    planted = [IIN, "ТЕСТОВ", "77011234567", "KZ86125KZT5004100100", "012345678"]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608
            rows = repr(
                [
                    [bytes(c) if isinstance(c, memoryview) else c for c in row]
                    for row in cursor.fetchall()
                ]
            )
            assert not [word for word in planted if word in rows], table


# The stages woven into every route take what a page may send, and refuse the rest as
# unreadable.
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
AGREED = {"agreed": True, "version": CURRENT, "language": "kk"}
WRONG: dict[str, tuple[object, ...]] = {
    "language": ([], {}, None, 1, "de", ""),
    "version": ([], {}, None, "2026-11"),
    "agreed": ([], "true", 1, None),
}


@pytest.mark.parametrize(
    "changes", [{name: wrong} for name, values in WRONG.items() for wrong in values]
)
def test_a_consent_that_cannot_be_read_is_none(changes):
    with pytest.raises(BadInput):
        CONSENT.accept({}, AGREED | changes, NOW)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_consent_is_taken_in_every_language_of_its_text(language):
    assert language in TEXTS.wordings[CURRENT]
    assert (
        b'"agreed":true'
        in CONSENT.accept({}, AGREED | {"language": language}, NOW).evidence["consent.answer"]
    )


def test_a_route_with_two_stages_of_one_name_is_refused(monkeypatch, settings):
    settings.TULGA_ROUTES = ["twice"]
    way = (code.STAGE, statement.STAGE, code.STAGE)
    twice = Route(name="twice", title="x", label="x", explanation="x", stages=way)
    monkeypatch.setitem(ROUTES, "twice", twice)
    with pytest.raises(Misconfigured, match="two stages of one name"):
        stages.installed("twice")


# What edges read of rows that another release wrote.
GONE = "code_of_an_earlier_release"


@pytest.mark.django_db(transaction=True)
@pytest.mark.forges
def test_a_code_that_is_gone_is_shown_as_it_stands() -> None:
    lender_of_case = rows.lender()
    case = rows.declined(lender_of_case)
    for check in [check for check in checks(verification=case) if check["code"]]:
        write_over(Attempt.objects.get(pk=check["attempt"]), check["check"], code=GONE)
    answer = verifications.read(
        lender_id=lender_of_case.pk, mode="test", verification_id=case, with_checks=True
    )
    (told,) = [check for check in answer["checks"] if check["code"]]
    assert (told["code"], told["retryable"]) == (GONE, False)
    assert (told["borrower_message"], told["lender_detail"]) == (None, None)
    shown = case_file.case_file(person_id="usr_1", verification_id=case)
    assert GONE in [check.code for check in shown.checks]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("installed", [["eds"], ["eds", "unheard_of"]])
def test_a_borrower_whose_other_route_is_gone_still_sees_their_page(
    settings: Settings, installed: list[str]
) -> None:
    settings.TULGA_ROUTES = ["eds", "live_face"]
    story = begin(lender())
    answers.choose_route(verification_id=story.id, route="eds")
    assert [choice.name for choice in story.page().routes] == ["live_face"]
    settings.TULGA_ROUTES = installed
    assert (story.page().page, story.page().routes) == ("consent", ())
    story.cancel()
    assert story.page().page == "finished"


@pytest.mark.django_db(transaction=True)
def test_an_end_is_final():
    story = begin(lender())
    story.cancel()
    with pytest.raises(Conflict):
        openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    with pytest.raises(NotYourTurn):
        answers.resume(verification_id=story.id)
    with pytest.raises(NotYourTurn):
        answers.choose_route(verification_id=story.id, route="eds")
    assert story.page().page == "finished"


# Links, the hand-over to a phone, eGov Mobile: what each secret opens, how often, what ends it.


PHONE = (
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Mobile"
    " Safari/537.36"
)
DESK = (
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0"
    " Safari/537.36 Edg/141.0"
)


class Desk:
    """A borrower at the statement, at a computer, and a person who scans its code."""

    def __init__(self, of=None):
        self.story = begin(of or lender())
        self.session = links.redeem(untrusted_token=self.story.token)
        self.story.to_statement()

    def mint(self):
        return hand_over.mint(untrusted_session=self.session).token

    def scanned(self):
        return hand_over.read(untrusted_code=self.mint(), untrusted_agent=PHONE)

    def numbered(self):
        """A phone that shows its number, and the number."""
        phone = self.scanned()
        hand_over.reply(untrusted_phone=phone, is_told=False)
        return phone, hand_over.waiting(untrusted_phone=phone).number

    def match(self, number):
        return hand_over.match(
            untrusted_session=self.session, untrusted_number=number, untrusted_agent=DESK
        )

    def entries(self):
        return list(
            AuditEntry.objects.filter(verification_id=self.story.id, type__contains="hand")
            .order_by("verification_sequence")
            .values_list("type", flat=True)
        )


@pytest.fixture
def desk():
    return staged("hand_over_desk", Desk)


def is_in(session):
    """Whether this token opens the borrower's page."""
    try:
        return bool(links.verification_of(untrusted_session=session))
    except LinkUnusable:
        return False


@pytest.mark.django_db(transaction=True)
def test_the_phone_goes_on_and_the_computer_does_not(desk):
    phone, number = desk.numbered()
    assert not is_in(phone)
    assert desk.match(number) is True
    assert (is_in(phone), is_in(desk.session)) == (True, False)
    assert hand_over.waiting(untrusted_phone=phone).has_session
    assert desk.story.page().page == "statement"
    assert desk.entries() == ["hand_over.minted", "hand_over.read", "verification.handed_over"]
    # Both browsers are on record in our words, and sealed in theirs.
    body = AuditEntry.objects.get(type="verification.handed_over").body
    assert (body["from"], body["to"]) == ("Edge, Windows", "Chrome, Android")
    item = EvidenceItem.objects.get(kind=hand_over.AGENTS)
    assert body["evidence"] == store.leaf_list([item])
    kept = json.loads(store.opening(contents.key_of(desk.story.row()), item).plain)
    assert (kept["from"], kept["to"]) == (DESK, PHONE)


@pytest.mark.django_db(transaction=True)
def test_what_a_browser_says_of_itself_never_stands_in_the_log(desk):
    told = "990101100010 \x00\ud800" + "я" * 10_000
    phone = hand_over.read(untrusted_code=desk.mint(), untrusted_agent=told)
    hand_over.reply(untrusted_phone=phone, is_told=False)
    number = hand_over.waiting(untrusted_phone=phone).number
    hand_over.match(untrusted_session=desk.session, untrusted_number=number, untrusted_agent=told)
    body = AuditEntry.objects.get(type="verification.handed_over").body
    assert (body["from"], body["to"]) == ("other, other", "other, other")
    assert EvidenceItem.objects.get(kind=hand_over.AGENTS).size < 3_000


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("told", [None, "", " ", "12345", "١٢٣٤", "x" * 100_000, "\x00", "\ud800"])
def test_a_wrong_number_opens_nothing_and_ends_the_code(desk, told):
    phone, number = desk.numbered()
    assert desk.match(str(int(number) % 9_999 + 1) if told is None else told) is False
    assert_over(desk, phone, number)
    assert (is_in(phone), is_in(desk.session)) == (False, True)
    assert desk.entries()[-1] == "hand_over.refused"
    assert desk.story.row().handed_over_at is None


def assert_over(desk, phone, number):
    """Neither the number nor the phone that shows it leads on."""
    with pytest.raises(LinkUnusable):
        desk.match(number)
    with pytest.raises(LinkUnusable):
        hand_over.waiting(untrusted_phone=phone)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ended", ["newer", "taken over", "canceled", "late"])
def test_a_number_and_a_waiting_phone_end_with_their_code(desk, ended):
    phone, number = desk.numbered()
    if ended == "newer":
        desk.mint()
    if ended == "taken over":
        link = links.successor(untrusted_session=desk.session).token
        desk.session, taken = links.redeem(untrusted_token=link), desk.session
        assert not is_in(taken)
    if ended == "canceled":
        desk.story.cancel()
    if ended == "late":
        PHONES.rows.update(expires_at=timezone.now())
    assert_over(desk, phone, number)


def time_left():
    until = PHONES.rows.latest("pk").expires_at
    assert until is not None
    return until - timezone.now()


@pytest.mark.django_db(transaction=True)
def test_a_code_lives_two_minutes_and_a_phone_five(desk):
    desk.mint()
    assert timedelta(seconds=60) < time_left() <= timedelta(seconds=120)
    desk.numbered()
    assert timedelta(seconds=240) < time_left() <= timedelta(seconds=300)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("used", ["unknown", "read", "newer", "late"])
def test_a_code_that_opens_nothing_tells_nothing_of_its_verification(desk, used):
    code = hand_over.mint(untrusted_session=desk.session).token
    if used == "read":
        hand_over.read(untrusted_code=code, untrusted_agent="")
    if used == "newer":
        desk.mint()
    if used == "late":
        PHONES.rows.update(expires_at=timezone.now() - timedelta(hours=1))
    with pytest.raises(LinkUnusable) as refused:
        hand_over.read(untrusted_code="x" * 43 if used == "unknown" else code, untrusted_agent="")
    assert refused.value.about is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ended", ["scanned", "number", "newer", "late", "taken over", "refused"])
def test_a_yes_counts_whatever_the_other_screen_made_of_the_code(desk, ended):
    phone = desk.scanned()
    if ended in ("number", "refused"):
        hand_over.reply(untrusted_phone=phone, is_told=False)
    if ended == "refused":
        desk.match("0")
    if ended == "newer":
        desk.mint()
    if ended == "late":
        PHONES.rows.update(expires_at=timezone.now() - timedelta(hours=1))
    if ended == "taken over":
        links.redeem(untrusted_token=links.successor(untrusted_session=desk.session).token)
    hand_over.reply(untrusted_phone=phone, is_told=True)
    desk.story.work()
    assert (desk.story.row().status, desk.story.row().code) == ("declined", "coercion_reported")
    assert AuditEntry.objects.get(type="hand_over.stopped").body["to"] == "Chrome, Android"
    assert AuditEntry.objects.get(type="verification.declined").body["cause"] == "hand_over"


@pytest.mark.django_db(transaction=True)
def test_a_link_of_the_first_screen_ends_with_the_hand_over(desk):
    link = links.successor(untrusted_session=desk.session).token
    phone, number = desk.numbered()
    desk.match(number)
    with pytest.raises(LinkUnusable):
        links.redeem(untrusted_token=link)
    assert is_in(phone)


@pytest.mark.django_db(transaction=True)
def test_a_strangers_phone_gets_in_by_a_guess_as_rarely_as_is_said(desk):
    # The borrower types whatever the attacker makes them type, without having seen his screen: one
    # try a code.
    phone, number = desk.numbered()
    assert len({hand_over.waiting(untrusted_phone=phone).number for _ in range(3)}) == 1
    assert number == vault.numbers_of(bytes(PHONES.rows.get().second_digest or b""))[0]
    drawn = [vault.numbers_of(sha256(b"%d" % phone).digest())[0] for phone in range(2_000)]
    assert all(1_000 <= int(one) <= 9_999 for one in drawn)
    # Of 2 000 draws out of 9 000 about 1 793 differ; a generator with a tenth of the numbers would
    # show at most 900.
    assert len(set(drawn)) > 1_700
    assert drawn.count(number) <= 5


@pytest.mark.django_db(transaction=True)
def test_secrets_are_kept_as_hashes_only(desk):
    code = desk.mint()
    phone = hand_over.read(untrusted_code=code, untrusted_agent=PHONE)
    row = PHONES.rows.get()
    kept = b"".join(bytes(column or b"") for column in (row.digest, row.second_digest, row.sealed))
    assert len(kept) > 64 + len(PHONE)
    code_of_app = mobile_signing.mint(
        untrusted_session=desk.session, turn=desk.story.page().turn
    ).token
    rows = Access.objects.values_list("digest", "second_digest")
    kept += b"".join(bytes(digest or b"") for digests in rows for digest in digests)
    for secret in (code, phone, PHONE, code_of_app, desk.session, desk.story.token):
        assert secret.encode() not in kept


@pytest.mark.django_db(transaction=True)
@pytest.mark.forges
def test_a_hand_over_counts_for_every_judgement_after_it_although_the_row_denies_it(
    desk, issued, trusted
):
    before = EvidenceItem.objects.filter(kind__endswith=".terms").count()
    desk.match(desk.numbered()[1])
    at = desk.story.row().handed_over_at
    Verification.objects.update(handed_over_at=None)
    desk.story.sign(issued("rsa"))
    desk.story.work()
    assert (desk.story.row().status, desk.story.row().handed_over_at) == ("verified", at)
    key = contents.key_of(desk.story.row())
    terms = EvidenceItem.objects.filter(kind__endswith=".terms").order_by("created_at", "pk")
    told = [json.loads(store.opening(key, item).plain)["handed_over"] for item in terms]
    assert told == [False] * before + [True]
    assert SESSIONS.rows.filter(spent_at=None).count() == 1
    assert replay(verification_id=desk.story.id)[-1].verdict is Verdict.SAME


# eGov Mobile's two secrets: what each opens, how often, and everything that ends them.


class Phone:
    """A borrower at the statement, with a session, and the app that scanned the code."""

    def __init__(self, of=None):
        self.story = begin(of or lender())
        self.session = links.redeem(untrusted_token=self.story.token)
        self.story.to_statement()
        self.turn = self.story.page().turn

    def mint(self):
        return mobile_signing.mint(untrusted_session=self.session, turn=self.turn).token

    def access(self):
        return mobile_signing.read(untrusted_code=self.mint()).access

    def signature(self, credential, content=None, attached=False):
        der = sign_cms(
            credential,
            content or self.story.statement(),
            attached=attached,
            signed_at=timezone.now(),
        )
        return base64.b64encode(der).decode()

    def progress(self):
        return mobile_signing.progress(verification_id=self.story.id, turn=self.turn)

    def entries(self):
        found = AuditEntry.objects.filter(
            verification_id=self.story.id, type__startswith="mobile_signing."
        )
        return [
            entry.type.removeprefix("mobile_signing.")
            for entry in found.order_by("verification_sequence")
        ]


@pytest.fixture
def phone():
    return staged("phone", Phone)


def _runs_out(phone):
    SIGNERS.rows.update(expires_at=timezone.now() - timedelta(seconds=1))


def _attempt_runs_out(phone):
    attempts = phone.story.row().attempts
    attempts.filter(status="open").update(expires_at=timezone.now() - timedelta(seconds=1))


def _goes_on_elsewhere(phone):
    minted = links.successor(untrusted_session=phone.session)
    links.redeem(untrusted_token=minted.token)


def _is_signed_in_ncalayer(phone):
    phone.story.answer(signature="AAAA")


def _is_canceled(phone):
    openings.cancel(lender_id=phone.story.lender.pk, mode="test", verification_id=phone.story.id)


def _makes_another_code(phone):
    phone.mint()


ENDS = [
    _runs_out,
    _attempt_runs_out,
    _goes_on_elsewhere,
    _is_signed_in_ncalayer,
    _is_canceled,
    _makes_another_code,
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("is_read", [False, True])
def test_a_code_and_a_token_that_was_handed_out_end_together(phone, issued, end, is_read):
    code, signature = phone.mint(), phone.signature(issued("rsa"))
    access = mobile_signing.read(untrusted_code=code).access if is_read else ""
    end(phone)
    before = EvidenceItem.objects.count()
    with pytest.raises(LinkUnusable) as refused:
        mobile_signing.read(untrusted_code=code)
    assert refused.value.code == "mobile_code_unusable"
    for act in (
        partial(mobile_signing.statement_page, untrusted_access=access),
        partial(mobile_signing.take, untrusted_access=access, untrusted_signature=signature),
        partial(mobile_signing.refuse, untrusted_access=access, code="egov_answer_malformed"),
    ):
        with pytest.raises(LinkUnusable):
            act()
    assert EvidenceItem.objects.count() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
def test_a_code_never_outlives_the_statement(phone):
    assert phone.progress() == ""
    minted = mobile_signing.mint(untrusted_session=phone.session, turn=phone.turn)
    assert phone.progress() == "waiting"
    lives = minted.expires_at - timezone.now()
    assert timedelta(0) <= timedelta(seconds=policy.MOBILE_CODE_SECONDS) - lives < timedelta(9)
    soon = timezone.now() + timedelta(seconds=60)
    phone.story.row().attempts.filter(status="open").update(expires_at=soon)
    assert mobile_signing.read(untrusted_code=minted.token).expires_at == soon
    assert phone.progress() == "read"
    _runs_out(phone)
    assert phone.progress() == "expired"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
def test_only_the_open_statement_of_ones_own_session_gets_a_code(phone):
    for turn in (phone.turn - 1, phone.turn + 1):
        with pytest.raises(NotYourTurn):
            mobile_signing.mint(untrusted_session=phone.session, turn=turn)
    earlier = begin(lender(number=2), "B-2")
    session = links.redeem(untrusted_token=earlier.token)
    with pytest.raises(NotYourTurn):  # consent is asked there, and no statement
        mobile_signing.mint(untrusted_session=session, turn=earlier.page().turn)
    SESSIONS.rows.filter(verification_id=phone.story.id).update(spent_at=timezone.now())
    with pytest.raises(LinkUnusable):
        phone.mint()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
def test_codes_of_one_turn_are_limited(phone, monkeypatch):
    monkeypatch.setattr(policy, "MOBILE_CODES_A_TURN", 2)
    for _ in range(2):
        assert phone.mint()
    with pytest.raises(Conflict) as refused:
        phone.mint()
    assert refused.value.code == "mobile_codes_exhausted"


# Links are spent once, and one browser at a time may answer.


@pytest.mark.django_db(transaction=True)
def test_of_many_browsers_that_spend_a_link_at_once_one_gets_a_session():
    story = begin(lender())

    def spend(_):
        try:
            return links.redeem(untrusted_token=story.token)
        except LinkUnusable:
            return None

    (session,) = filter(None, in_parallel(spend, 32))
    assert links.verification_of(untrusted_session=session) == story.id


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ended", ["late", "newer", "canceled"])
def test_a_link_that_has_ended_cannot_be_used(ended):
    story = begin(lender())
    if ended == "late":
        LINKS.rows.update(expires_at=later(-1))
    if ended == "newer":
        fresh = links.mint(lender_id=story.lender.pk, mode="test", verification_id=story.id)
        assert links.redeem(untrusted_token=fresh.token)
    if ended == "canceled":
        story.cancel()
    with pytest.raises(LinkUnusable):
        links.redeem(untrusted_token=story.token)


@pytest.mark.django_db(transaction=True)
def test_of_links_minted_at_once_one_is_left():
    story = begin(lender())

    def mint(_):
        return links.mint(lender_id=story.lender.pk, mode="test", verification_id=story.id)

    in_parallel(mint, 8)
    assert LINKS.rows.filter(spent_at=None, expires_at__gt=later(0)).count() == 1
