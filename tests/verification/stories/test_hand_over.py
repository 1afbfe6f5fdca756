"""The hand-over to a phone: what each secret opens, how often, and everything that ends it."""

import json
from datetime import timedelta
from hashlib import sha256

import pytest
from django.utils import timezone

from tests.scenes import staged
from tests.verification.log.judged import findings
from tests.verification.stories.story import begin, lender, swept
from verification.access import hand_over, links, openings
from verification.access.tokens import PHONES, SESSIONS
from verification.case import contents, policy
from verification.core.errors import Conflict, LinkUnusable
from verification.evidence import store, vault
from verification.models import AuditEntry, EvidenceItem, Verification
from verification.worker.replay import Verdict, replay

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = (
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Mobile"
    " Safari/537.36"
)
DESK = (
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0"
    " Safari/537.36 Edg/141.0"
)


class Desk:
    """A borrower at the statement, at a computer, and whoever scans its code."""

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


def test_the_phone_goes_on_and_the_computer_does_not(desk):
    phone, number = desk.numbered()
    assert not is_in(phone)
    assert desk.match(number) is True
    assert (is_in(phone), is_in(desk.session)) == (True, False)
    assert hand_over.waiting(untrusted_phone=phone).has_session
    assert desk.story.page().page == "statement"
    assert desk.story.row().handed_over_at is not None
    assert desk.entries() == ["hand_over.minted", "hand_over.read", "verification.handed_over"]


def test_both_browsers_are_on_record_in_words_of_ours_and_sealed_in_their_own(desk):
    desk.match(desk.numbered()[1])
    body = AuditEntry.objects.get(type="verification.handed_over").body
    assert (body["from"], body["to"]) == ("Edge, Windows", "Chrome, Android")
    item = EvidenceItem.objects.get(kind=hand_over.AGENTS)
    assert body["evidence"] == store.leaf_list([item])
    kept = json.loads(store.opening(contents.key_of(desk.story.row()), item).plain)
    assert (kept["from"], kept["to"]) == (DESK, PHONE)


def test_what_a_browser_says_of_itself_never_stands_in_the_log(desk):
    told = "990101100010 \x00\ud800" + "я" * 10_000
    phone = hand_over.read(untrusted_code=desk.mint(), untrusted_agent=told)
    hand_over.reply(untrusted_phone=phone, is_told=False)
    number = hand_over.waiting(untrusted_phone=phone).number
    hand_over.match(untrusted_session=desk.session, untrusted_number=number, untrusted_agent=told)
    body = AuditEntry.objects.get(type="verification.handed_over").body
    assert (body["from"], body["to"]) == ("other, other", "other, other")
    assert EvidenceItem.objects.get(kind=hand_over.AGENTS).size < 3_000


def test_the_code_is_read_once_and_the_phone_alone_has_what_it_opens(desk):
    code = desk.mint()
    phone = hand_over.read(untrusted_code=code, untrusted_agent=PHONE)
    with pytest.raises(LinkUnusable):
        hand_over.read(untrusted_code=code, untrusted_agent=PHONE)
    waiting = hand_over.waiting(untrusted_phone=phone)
    # The question comes before any number.
    assert (waiting.verification_id, waiting.number, waiting.has_session) == (
        desk.story.id,
        "",
        False,
    )
    with pytest.raises(LinkUnusable):
        desk.match("")
    assert not is_in(phone)
    assert not is_in(code)


def test_a_wrong_number_lets_nobody_in_and_ends_the_code(desk):
    phone, number = desk.numbered()
    assert desk.match(str(int(number) % 9_999 + 1)) is False
    for late in (lambda: desk.match(number), lambda: hand_over.waiting(untrusted_phone=phone)):
        with pytest.raises(LinkUnusable):
            late()
    assert (is_in(phone), is_in(desk.session)) == (False, True)
    assert desk.entries()[-1] == "hand_over.refused"
    assert desk.story.row().handed_over_at is None


@pytest.mark.parametrize("told", ["", " ", "12345", "١٢٣٤", "x" * 100_000, "\x00", "\ud800"])
def test_what_is_no_number_is_a_wrong_one(desk, told):
    desk.numbered()
    assert desk.match(told) is False


def test_somebody_who_tells_what_to_press_ends_the_verification(desk):
    phone = desk.scanned()
    hand_over.reply(untrusted_phone=phone, is_told=True)
    desk.story.work()
    row = desk.story.row()
    assert (row.status, row.code) == ("declined", "coercion_reported")
    assert AuditEntry.objects.get(type="verification.declined").body["cause"] == "hand_over"
    assert hand_over.waiting(untrusted_phone=phone).is_stopped
    with pytest.raises(LinkUnusable):
        hand_over.reply(untrusted_phone=phone, is_told=False)
    with pytest.raises(LinkUnusable):
        hand_over.mint(untrusted_session=desk.session)


def test_a_no_counts_once_and_the_number_stays(desk):
    phone, number = desk.numbered()
    with pytest.raises(LinkUnusable):
        hand_over.reply(untrusted_phone=phone, is_told=False)
    assert hand_over.waiting(untrusted_phone=phone).number == number
    assert desk.story.row().status == "requires_input"


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


@pytest.mark.parametrize("ended", ["number", "newer", "late", "taken over", "refused"])
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


def test_a_link_of_the_first_screen_ends_with_the_hand_over(desk):
    link = links.successor(untrusted_session=desk.session).token
    phone, number = desk.numbered()
    desk.match(number)
    with pytest.raises(LinkUnusable):
        links.redeem(untrusted_token=link)
    assert is_in(phone)


@pytest.mark.parametrize("at", [None, "2020-01-01T00:00:00Z"])
def test_a_hand_over_that_the_row_denies_is_named(desk, at):
    desk.match(desk.numbered()[1])
    swept()
    assert findings() == []
    Verification.objects.update(handed_over_at=at)
    assert [(one["code"], one["field"]) for one in findings()] == [
        ("row_differs", "handed_over_at")
    ]


@pytest.mark.forges
def test_a_hand_over_that_the_row_denies_counts_all_the_same(desk, issued, trusted):
    desk.match(desk.numbered()[1])
    at = Verification.objects.values_list("handed_over_at", flat=True).get()
    Verification.objects.update(handed_over_at=None)
    desk.story.sign(issued("rsa"))
    desk.story.work()
    assert (desk.story.row().status, desk.story.row().handed_over_at) == ("verified", at)
    item = EvidenceItem.objects.get(kind="statement.terms")
    assert (
        json.loads(store.opening(contents.key_of(desk.story.row()), item).plain)["handed_over"]
        is True
    )
    assert replay(verification_id=desk.story.id)[-1].verdict is Verdict.SAME


def test_a_code_lives_two_minutes_and_a_phone_five(desk):
    at = timezone.now()
    code = desk.mint()
    until = PHONES.rows.values_list("expires_at", flat=True)
    assert abs((until.get() or at) - at - timedelta(seconds=120)) < timedelta(seconds=10)
    PHONES.rows.update(expires_at=at)
    with pytest.raises(LinkUnusable):
        hand_over.read(untrusted_code=code, untrusted_agent=PHONE)
    phone, number = desk.numbered()
    left = (until.latest("pk") or at) - timezone.now()
    assert timedelta(seconds=240) < left <= timedelta(seconds=300)
    PHONES.rows.update(expires_at=timezone.now())
    for late in (lambda: desk.match(number), lambda: hand_over.waiting(untrusted_phone=phone)):
        with pytest.raises(LinkUnusable):
            late()
    assert is_in(desk.session)


def test_a_newer_code_ends_the_one_before(desk):
    phone, number = desk.numbered()
    desk.mint()
    for late in (lambda: desk.match(number), lambda: hand_over.waiting(untrusted_phone=phone)):
        with pytest.raises(LinkUnusable):
            late()


def test_a_session_that_was_taken_over_takes_its_codes_along(desk):
    phone, number = desk.numbered()
    other = links.redeem(untrusted_token=links.successor(untrusted_session=desk.session).token)
    with pytest.raises(LinkUnusable):
        desk.match(number)
    with pytest.raises(LinkUnusable):
        hand_over.match(untrusted_session=other, untrusted_number=number, untrusted_agent=DESK)
    with pytest.raises(LinkUnusable):
        hand_over.waiting(untrusted_phone=phone)


def test_a_verification_that_has_ended_hands_nothing_over(desk):
    phone, number = desk.numbered()
    openings.cancel(lender_id=desk.story.lender.pk, mode="test", verification_id=desk.story.id)
    for late in (lambda: desk.match(number), lambda: hand_over.waiting(untrusted_phone=phone)):
        with pytest.raises(LinkUnusable):
            late()


def test_a_verification_gives_few_codes_so_guesses_are_few(desk):
    for _ in range(policy.HAND_OVERS_MAX):
        desk.mint()
    with pytest.raises(Conflict) as refused:
        desk.mint()
    assert refused.value.code == "phone_codes_exhausted"


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


def test_secrets_are_kept_as_hashes_only(desk):
    code = desk.mint()
    phone = hand_over.read(untrusted_code=code, untrusted_agent=PHONE)
    row = PHONES.rows.get()
    kept = b"".join(bytes(column or b"") for column in (row.digest, row.second_digest, row.sealed))
    assert len(kept) > 64 + len(PHONE)
    for secret in (code, phone, PHONE):
        assert secret.encode() not in kept


def test_a_hand_over_counts_for_every_judgement_after_it_and_not_for_those_before(
    desk, issued, trusted
):
    before = EvidenceItem.objects.filter(kind__endswith=".terms").count()
    desk.match(desk.numbered()[1])
    assert AuditEntry.objects.filter(type="attempt.judged").count() == before
    desk.story.sign(issued("rsa"))
    desk.story.work()
    key = contents.key_of(desk.story.row())
    said = [
        json.loads(store.opening(key, item).plain)["handed_over"]
        for item in EvidenceItem.objects.filter(kind__endswith=".terms").order_by(
            "created_at", "pk"
        )
    ]
    assert said == [False] * before + [True]
    # A signature names its signer wherever it was made.
    assert desk.story.row().status == "verified"
    assert SESSIONS.rows.filter(spent_at=None).count() == 1
