"""eGov Mobile's two secrets: what each opens, how often, and everything that ends them."""

import base64
from datetime import timedelta

import pytest
from django.utils import timezone

from insecure_sandbox.signing import sign_cms
from tests.scenes import staged
from tests.verification.stories.story import begin, lender
from verification.access import links, mobile_signing, openings
from verification.access.tokens import SESSIONS, SIGNERS
from verification.case import policy
from verification.core.errors import BadInput, Conflict, LinkUnusable, NotYourTurn
from verification.models import AuditEntry, EvidenceItem

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


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


@pytest.mark.parametrize("family", ["gost512", "rsa"])
@pytest.mark.parametrize("attached", [False, True])
def test_the_apps_signature_is_the_borrowers_answer(phone, issued, family, attached):
    access = phone.access()
    assert mobile_signing.statement_page(untrusted_access=access).turn == phone.turn
    signature = phone.signature(issued(family), attached=attached)
    mobile_signing.take(untrusted_access=access, untrusted_signature=signature)
    assert phone.progress() == "taken"
    phone.story.work()
    assert phone.story.row().status == "verified"
    assert phone.entries() == ["minted", "read", "taken"]


def test_somebody_elses_signature_is_taken_and_then_refused_by_the_checks(phone, issued):
    signature = phone.signature(issued("rsa", iin="990101100020"))
    mobile_signing.take(untrusted_access=phone.access(), untrusted_signature=signature)
    phone.story.work()
    assert phone.story.row().last_failure == "eds_iin_mismatch"


@pytest.mark.parametrize(
    ("alter", "attached"),
    [(b'"amount":"9', False), (b'"amount":"9', True), (b'"amount" :"', False)],
)
def test_a_signature_over_another_statement_takes_nothing_and_burns_nothing(
    phone, issued, alter, attached
):
    other = phone.story.statement().replace(b'"amount":"', alter)
    access, left = phone.access(), phone.story.page().attempt
    with pytest.raises(BadInput) as refused:
        mobile_signing.take(
            untrusted_access=access,
            untrusted_signature=phone.signature(issued("rsa"), other, attached),
        )
    assert refused.value.code == phone.progress() == "eds_statement_mismatch"
    assert (phone.story.page().page, phone.story.page().turn, phone.story.page().attempt) == (
        "statement",
        phone.turn,
        left,
    )
    assert not EvidenceItem.objects.filter(
        verification_id=phone.story.id, kind="statement.signature"
    ).exists()
    assert phone.entries() == ["minted", "read", "refused"]
    mobile_signing.take(
        untrusted_access=phone.access(), untrusted_signature=phone.signature(issued("rsa"))
    )
    phone.story.work()
    assert phone.story.row().status == "verified"


@pytest.mark.parametrize(
    "text", ["AAAA", "x", "<data/>", "\u0661", "-----BEGIN CMS-----\n", "A" * 100_000]
)
def test_what_is_no_signature_is_refused_and_ends_the_code(phone, text):
    access = phone.access()
    with pytest.raises(BadInput):
        mobile_signing.take(untrusted_access=access, untrusted_signature=text)
    assert phone.story.page().turn == phone.turn
    with pytest.raises(LinkUnusable):
        mobile_signing.statement_page(untrusted_access=access)


# What ends a code


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


@pytest.mark.parametrize("end", [None, *ENDS])
def test_a_code_and_its_token_live_until_something_ends_them(phone, issued, end):
    unread = Phone.mint(phone)
    if end:
        end(phone)
        with pytest.raises(LinkUnusable) as refused:
            mobile_signing.read(untrusted_code=unread)
        assert refused.value.code == "mobile_code_unusable"
        return
    assert mobile_signing.read(untrusted_code=unread).access


@pytest.mark.parametrize("end", ENDS)
def test_a_token_that_was_handed_out_dies_with_its_code(phone, issued, end):
    access, signature = phone.access(), phone.signature(issued("rsa"))
    end(phone)
    before = EvidenceItem.objects.count()
    for act in (
        lambda: mobile_signing.statement_page(untrusted_access=access),
        lambda: mobile_signing.take(untrusted_access=access, untrusted_signature=signature),
        lambda: mobile_signing.refuse(untrusted_access=access, code="egov_answer_malformed"),
    ):
        with pytest.raises(LinkUnusable):
            act()
    assert EvidenceItem.objects.count() == before


def test_a_code_is_read_once_and_a_token_takes_once(phone, issued):
    code = phone.mint()
    access = mobile_signing.read(untrusted_code=code).access
    with pytest.raises(LinkUnusable):
        mobile_signing.read(untrusted_code=code)
    signature = phone.signature(issued("rsa"))
    mobile_signing.take(untrusted_access=access, untrusted_signature=signature)
    with pytest.raises(LinkUnusable):
        mobile_signing.take(untrusted_access=access, untrusted_signature=signature)


def test_no_secret_opens_what_another_opens_and_none_is_kept(phone):
    code = phone.mint()
    access = mobile_signing.read(untrusted_code=code).access
    for secret in (code, access):
        assert len(base64.urlsafe_b64decode(secret + "=")) == 32
        for into in (
            lambda token: links.redeem(untrusted_token=token),
            lambda token: links.verification_of(untrusted_session=token),
            lambda token: links.successor(untrusted_session=token),
            lambda token: mobile_signing.mint(untrusted_session=token, turn=phone.turn),
            lambda token: mobile_signing.read(untrusted_code=token),
        ):
            with pytest.raises(LinkUnusable):
                into(secret)
        kept = SIGNERS.rows.get()
        assert kept.second_digest is not None
        assert secret.encode() not in (bytes(kept.digest), bytes(kept.second_digest))
    for token in (code, phone.session, phone.story.token, "", "x" * 65, "\ud800"):
        with pytest.raises(LinkUnusable):
            mobile_signing.statement_page(untrusted_access=token)


def test_the_times_are_those_of_the_policy_and_never_longer_than_the_statement(phone):
    before = timezone.now()
    minted = mobile_signing.mint(untrusted_session=phone.session, turn=phone.turn)
    assert (
        timedelta(0)
        <= minted.expires_at - before - timedelta(seconds=policy.MOBILE_CODE_SECONDS)
        < timedelta(9)
    )
    soon = timezone.now() + timedelta(seconds=60)
    phone.story.row().attempts.filter(status="open").update(expires_at=soon)
    assert mobile_signing.read(untrusted_code=minted.token).expires_at == soon


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


def test_codes_of_one_turn_are_limited(phone, monkeypatch):
    monkeypatch.setattr(policy, "MOBILE_CODES_A_TURN", 2)
    for _ in range(2):
        assert phone.mint()
    with pytest.raises(Conflict) as refused:
        phone.mint()
    assert refused.value.code == "mobile_codes_exhausted"


def test_the_page_is_told_how_its_newest_code_stands(phone):
    assert phone.progress() == ""
    code = phone.mint()
    assert phone.progress() == "waiting"
    mobile_signing.read(untrusted_code=code)
    assert phone.progress() == "read"
    phone.mint()
    assert phone.progress() == "waiting"
    _runs_out(phone)
    assert phone.progress() == "expired"
