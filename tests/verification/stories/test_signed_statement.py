"""A signature is known again by its value; the statement changes its language before it is signed,
or not at all.
"""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from insecure_sandbox import timestamping
from insecure_sandbox.credential import Credential
from insecure_sandbox.signing import sign_cms
from lenders.resources import verifications
from tests.verification.borrower.visits import NOW, browser, text
from tests.verification.stories.story import (
    OTHER_IIN,
    Story,
    at_statement,
    begin,
    lender,
    order,
    wait_until,
)
from verification.access import links, mobile_signing
from verification.case import contents, steps
from verification.core.errors import BadInput, LinkUnusable, NotYourTurn
from verification.core.statement_text import KIND, is_text, read
from verification.evidence import store
from verification.models import Attempt, EvidenceItem
from verification.sources import timestamp_authority
from verification.stages import statement
from verification.stages.statement.policy import POLICY

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

Issued = Callable[..., Credential]


def codes(story: Story) -> dict[str, str]:
    """What the checks of the last judged attempt said that did not pass."""
    answer = verifications.read(
        lender_id=story.lender.pk, mode="test", verification_id=story.id, with_checks=True
    )
    checks = answer["checks"]
    last = max(check["attempt"] for check in checks)
    return {
        check["name"]: check["code"]
        for check in checks
        if check["attempt"] == last and check["code"]
    }


def other_lines(der: bytes) -> str:
    return base64.encodebytes(der).decode().replace("\n", "\r\n ")


def in_pem(der: bytes) -> str:
    return f"-----BEGIN CMS-----\n{base64.encodebytes(der).decode()}-----END CMS-----\n"


def with_more_inside(der: bytes) -> str:
    """An unsigned attribute more: whoever holds a signature may add one."""
    return base64.b64encode(timestamping.with_tokens(der, b"\x30\x00")).decode()


def indefinite(der: bytes) -> str:
    """The outermost length in another form of BER."""
    body = der[2 + (der[1] & 0x7F) :]
    return base64.b64encode(der[:1] + b"\x80" + body + b"\0\0").decode()


WRAPPINGS = [other_lines, in_pem, with_more_inside, indefinite]


@pytest.mark.parametrize("wrap", WRAPPINGS)
def test_a_replay_is_known_by_the_signatures_value_whatever_is_around_it(
    issued: Issued, wrap: Callable[[bytes], str]
) -> None:
    first, second = at_statement(), at_statement(lender("B", number=2), "B-1", iin=OTHER_IIN)
    signature = sign_cms(issued(), first.statement(), signed_at=datetime.now(UTC))
    first.answer(signature=base64.b64encode(signature).decode())
    first.work()
    assert first.row().status == "verified"
    second.answer(signature=wrap(signature))
    second.work()
    assert codes(second)["eds.statement"] == "eds_signature_replayed"
    fresh = sign_cms(issued(iin=OTHER_IIN), second.statement(), signed_at=datetime.now(UTC))
    second.answer(signature=wrap(fresh))
    second.work()
    assert second.row().status == "verified"


@pytest.mark.parametrize("wrap", [lambda der: base64.b64encode(der).decode(), *WRAPPINGS])
def test_who_presents_a_strangers_signature_first_does_not_make_the_strangers_own_a_replay(
    issued: Issued, wrap: Callable[[bytes], str]
) -> None:
    victim, thief = at_statement(), at_statement(lender("B", number=2), "B-1", iin=OTHER_IIN)
    signature = sign_cms(issued(), victim.statement(), signed_at=datetime.now(UTC))
    thief.answer(signature=wrap(signature))
    thief.work()
    assert codes(thief)["eds.content"] == "eds_statement_mismatch"
    assert "eds.statement" not in codes(thief)
    victim.answer(signature=base64.b64encode(signature).decode())
    victim.work()
    assert victim.row().status == "verified"


def test_of_a_value_only_its_own_statements_is_remembered(issued: Issued) -> None:
    story = at_statement()
    story.sign(issued(), content=b"another text")
    story.work()
    story.sign(issued())
    story.work()
    kept = EvidenceItem.objects.filter(verification_id=story.id, kind__endswith="_value").order_by(
        "created_at"
    )
    remembered = [(item.kind, item.seen_index is not None) for item in kept]
    assert remembered == [("statement.other_value", False), ("statement.own_value", True)]
    indexed = EvidenceItem.objects.filter(verification_id=story.id).exclude(seen_index=None)
    assert {item.kind for item in indexed} == {"statement.own_value"}


def test_the_statement_is_in_the_language_the_borrower_consented_in() -> None:
    story = begin(lender())
    version = story.page().data["version"]
    story.answer(agreed=True, version=version, language="kk")
    story.work()
    story.answer(somebody_tells_me=False)
    story.work()
    assert (story.page().locale, read(story.statement())["language"]) == ("ru", "kk")


def test_in_another_language_it_is_another_statement_and_the_one_before_is_nobodys(
    issued: Issued,
) -> None:
    story = at_statement()
    before, page = story.statement(), story.page()
    code = mobile_signing.mint(
        turn=page.turn, untrusted_session=links.redeem(untrusted_token=story.token)
    ).token
    access = mobile_signing.read(untrusted_code=code).access
    story.answer(language="kk")
    story.work()
    after = story.statement()
    said, was = read(after), read(before)
    assert (was["language"], said["language"], story.page().data["statement"]["language"]) == (
        "ru",
        "kk",
        "kk",
    )
    assert said["nonce"] != was["nonce"]
    # Who had the first one open answers a turn that is over, on the page and in the app.
    late = base64.b64encode(sign_cms(issued(), before, signed_at=datetime.now(UTC))).decode()
    with pytest.raises(NotYourTurn):
        story.answer_turn(page.turn, {"signature": late})
    with pytest.raises(LinkUnusable):
        mobile_signing.statement_page(untrusted_access=access)
    story.answer(
        signature=base64.b64encode(sign_cms(issued(), after, signed_at=datetime.now(UTC))).decode()
    )
    story.work()
    assert story.row().status == "verified"
    assert Attempt.objects.filter(verification=story.id, stage="statement").count() == 1


def test_a_signature_over_the_statement_in_the_language_before_is_over_another_text(
    issued: Issued,
) -> None:
    story = at_statement()
    before = story.statement()
    story.answer(language="en")
    story.work()
    story.sign(issued(), content=before)
    story.work()
    assert codes(story) == {"eds.content": "eds_statement_mismatch"}


def test_the_language_is_one_we_have_comes_without_a_signature_and_changes_five_times_at_most(
    issued: Issued,
) -> None:
    story = at_statement()
    signed = base64.b64encode(
        sign_cms(issued(), story.statement(), signed_at=datetime.now(UTC))
    ).decode()
    for wrong in (
        {"language": "de"},
        {"language": ""},
        {"language": ["kk"]},
        {"language": "kk", "signature": signed},
    ):
        with pytest.raises(BadInput):
            story.answer(**wrong)
    for number in range(POLICY.language_changes):
        story.answer(language=("kk", "ru")[number % 2])
        story.work()
    with pytest.raises(BadInput):
        story.answer(language="en")
    story.sign(issued())
    story.work()
    assert story.row().status == "verified"


def test_the_language_changes_five_times_in_each_attempt_and_is_not_offered_after(
    issued: Issued,
) -> None:
    story = at_statement()
    client, offer = browser(story), 'class="button" type="submit" name="language"'
    client.cookies["django_language"] = "en"
    for attempt in (1, 2):
        assert offer in text(client.get(NOW))
        assert story.page().attempt == attempt
        for number in range(POLICY.language_changes):
            assert story.page().data["may_change_language"]
            story.answer(language=("kk", "ru")[number % 2])
            story.work()
        assert offer not in text(client.get(NOW))
        with pytest.raises(BadInput):
            story.answer(language="en")
        # The first fails and leaves two.
        story.sign(issued(**({"iin": OTHER_IIN} if attempt == 1 else {})))
        story.work()
    assert story.row().status == "verified"
    second = Attempt.objects.filter(stage="statement").latest("turn")
    kinds = {kind for kind in second.evidence.values_list("kind", flat=True) if is_text(kind)}
    assert kinds == {KIND, *(f"{KIND}.{number + 1}" for number in range(POLICY.language_changes))}


def test_a_time_stamp_that_was_asked_for_and_never_came_ends_in_failed_and_burns_nothing(
    issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(vars(POLICY), "asks_timestamp", True)
    monkeypatch.setitem(vars(statement.STAGE), "policy_in_use", lambda: POLICY)
    monkeypatch.setattr(
        timestamp_authority, "in_use", lambda mode: SimpleNamespace(timestamp=lambda *_, **__: b"")
    )
    story = at_statement()
    story.sign(issued())
    tried = 0
    while (row := story.row()).step == steps.JUDGE:
        wait_until(row.due_at)
        story.work(rounds=1)
        tried += 1
    order()
    row = story.row()
    assert (row.status, row.code, tried > 1) == ("failed", "retries_exhausted", True)
    assert not Attempt.objects.filter(verification=story.id, burnt=True).exists()


@pytest.mark.parametrize("token", [b"\x30\x00", b"\x04\x01\x00"])
def test_a_time_stamp_inside_that_proves_nothing_declines_nobody_and_the_report_says_so(
    issued: Issued, token: bytes
) -> None:
    story = at_statement()
    signed = timestamping.with_tokens(
        sign_cms(issued(), story.statement(), signed_at=datetime.now(UTC)), token
    )
    story.answer(signature=base64.b64encode(signed).decode())
    story.work()
    assert story.row().status == "verified"
    (item,) = EvidenceItem.objects.filter(verification_id=story.id, kind="statement.report")
    report = json.loads(store.opening(contents.key_of(story.row()), item).plain)
    (stamp,) = [one for one in report["checks"] if one["name"] == "eds.timestamp"]
    assert (report["status"], report["times"]["tsp"]) == ("TOTAL-PASSED", "")
    assert (stamp["outcome"], stamp["detail"]["unproven"]) == ("PASS", "eds_timestamp_invalid")
