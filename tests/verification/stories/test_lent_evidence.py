"""Evidence is the workers': web opens what a worker lends, while it lends it, and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.conf import settings

from lenders import keys
from lenders.models import ApiKey
from tests.verification.borrower.visits import browser
from tests.verification.log import owned_web
from tests.verification.log.judged import erase
from tests.verification.log.rows import order_all
from tests.verification.review import desk
from tests.verification.stories import insecure_capture, insecure_glance
from tests.verification.stories.conftest import Issued
from tests.verification.stories.document_reading import listed
from tests.verification.stories.insecure_capture import Script, played, script
from tests.verification.stories.insecure_glance import glanced, one_voted, people, voted
from tests.verification.stories.processes import as_web, with_worker
from tests.verification.stories.story import (
    OTHER_IIN,
    Story,
    at_statement,
    begin,
    lender,
    swept,
    wait_until,
)
from verification import clock
from verification.artifacts import reading
from verification.case import contents, policy, steps
from verification.core.certificates import box_key_of
from verification.core.errors import Conflict, EvidenceUnreadable
from verification.core.ids import check_digit
from verification.evidence import boxes, erasure, store, vault
from verification.evidence.inspection import Unchecked, verify_page
from verification.evidence.vault import Key
from verification.log import entries
from verification.models import AuditEntry, EvidenceItem, Verification
from verification.review import voting
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.worker import replay
from verification.worker.replay import Verdict

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
    pytest.mark.forges,
]
CASES = 50
__all__ = ("script",)


def items_of(story: Story) -> list[EvidenceItem]:
    """The originals of a case: all but the scores, which web may read."""
    items = EvidenceItem.objects.filter(verification_id=story.id)
    return list(items.exclude(kind__endswith=".scores").order_by("pk"))


def key_of(story: Story) -> Key:
    return contents.key_of(story.row())


# The attack


def secrets_of_web(key: Key) -> Iterator[bytes]:
    """Every secret of 32 bytes that web holds."""
    yield from (key.secret, bytes.fromhex(settings.SECRET_KEY))
    for numbered in (settings.TULGA_KEY_ENCRYPTION_KEYS, settings.TULGA_INDEX_KEYS):
        yield from numbered.values()
    for numbered in settings.TULGA_SIGNING_KEYS["door"].values():
        yield from numbered.values()


def plain(key: Key, wrapped: bytes, item: EvidenceItem) -> bytes | None:
    """The original, if these bytes are its key under the key of its case."""
    place = {"table": "EvidenceItem", "field": f"{item.pk}:{item.kind}"}
    with suppress(EvidenceUnreadable):
        own = key.unwrap(wrapped, table=place["table"], field=f"{place['field']}:key")
        return own.unseal(store.sealed_bytes(item), **place).plain
    return None


def stolen(story: Story, item: EvidenceItem, *, lent: bytes) -> list[bytes]:
    """What web's keys and the rows give of an item, by each way; `lent`: what web was lent of
    another case.
    """
    key, found = key_of(story), list[bytes | None]()
    # 1 The product's own way, also with the key of another item in its place.
    for lent_key in (item.lent_key, lent, item.wrapped_key):
        with suppress(EvidenceUnreadable):
            row = EvidenceItem.objects.get(pk=item.pk)
            row.lent_key = lent_key
            found.append(store.opening(key, row).plain)
    # 2 The bytes of the row, cut anywhere where a wrapped key might begin.
    boxed = bytes(item.wrapped_key or b"")
    found += [plain(key, boxed[at:], item) for at in (0, 2, 3, 3 + boxes.KEY_BYTES)]
    # 3 The box, by every secret that web has, and as a box that web sealed itself.
    place = ["box", *key._place("EvidenceItem", f"{item.pk}:{item.kind}:key"), 1]
    for secret in secrets_of_web(key):
        with suppress(EvidenceUnreadable):
            found.append(plain(key, boxes.open(secret, boxed[2:], place=place), item))
        found.append(plain(key, secret, item))
    return [content for content in found if content is not None]


def opened(stories: list[Story], way: Callable[[Story, EvidenceItem], Any]) -> int:
    """Of how many cases this way opens any original."""
    return sum(any(way(story, item) for item in items_of(story)) for story in stories)


def iins() -> Iterator[str]:
    """Invented people, one a case: a borrower has one open attempt at a time."""
    for number in count(1000):
        eleven = f"9901019{number}"
        if (digit := check_digit(eleven)) != "x":
            yield eleven + digit


def every_ending(monkeypatch: pytest.MonkeyPatch, issued: Issued) -> tuple[list[Story], Story]:
    """So many cases, open, canceled, declined and verified, by signature, face and people; and one
    that is in review.
    """
    of, person, cases = lender(), iins(), list[Story]()
    for number in range(10):
        cases.append(at_statement(of, f"open-{number}", iin=next(person)))
    for number in range(8):
        story = at_statement(of, f"canceled-{number}", iin=next(person))
        story.cancel()
        story.work()
        cases.append(story)
    for number in range(12):
        iin = next(person)
        story = at_statement(of, f"signed-{number}", iin=iin)
        story.sign_to_end(issued(iin=OTHER_IIN if number % 3 == 0 else iin))
        cases.append(story)
    with monkeypatch.context() as patched:
        patched.setattr(settings, "TULGA_ROUTES", ["biometric"])
        script = insecure_capture.put_in(patched)
        for number, word in enumerate(["clear"] * 6 + ["nothing"] * 2):
            script.word = word
            cases.append(played(of, f"filmed-{number}", iin=next(person)))
    with monkeypatch.context() as patched:
        patched.setattr(settings, "TULGA_ROUTES", list(insecure_glance.ROUTES))
        insecure_glance.put_in(patched)
        for number in range(11):
            story = glanced("clear", "grey", of=of, reference=f"seen-{number}", iin=next(person))
            if number < 8:
                voted(story, passes=number % 2 == 0)
            else:
                story.cancel()
                story.work()
            cases.append(story)
        in_review = glanced("clear", "grey", of=of, reference="in-review", iin=next(person))
    declined = begin(of, "no-consent", iin=next(person))
    declined.reply(agreed=False, version=CURRENT, language="ru")
    return [*cases, declined], in_review


def test_a_wholly_owned_web_opens_evidence_of_0_of_50_cases_not_in_review(
    monkeypatch: pytest.MonkeyPatch, issued: Issued
) -> None:
    cases, in_review = every_ending(monkeypatch, issued)
    order_all()
    assert len(cases) == CASES
    statuses = {story.row().status for story in cases}
    assert statuses >= {"requires_input", "canceled", "declined", "verified"}
    assert in_review.row().status == "in_review"
    kinds = {item.kind for story in cases for item in items_of(story)}
    assert kinds >= {
        *("live_capture.photo", "live_capture.document", "nod.frame.0"),
        *("statement.signature", "statement.text", "glance.photo", "review.reason.1"),
    }
    lent = next(bytes(item.lent_key) for item in items_of(in_review) if item.lent_key)
    with as_web():
        assert opened(cases, lambda story, item: stolen(story, item, lent=lent)) == 0
        # Not for lack of the case: its key, its memory and its scores are web's.
        assert all(contents.read(story.row(), key_of(story)).case for story in cases)
    assert opened(cases, lambda story, item: store.opening(key_of(story), item).plain) == CASES


# In review


SHOWN = {"nod.photo", "nod.frame.0", "nod.terms"}
"""What the desk shows of the attempt in review, and the terms of its judgement."""


def readable(story: Story) -> set[str]:
    """The kinds that this process opens."""
    found = set[str]()
    for item in items_of(story):
        with suppress(EvidenceUnreadable):
            store.opening(key_of(story), item)
            found.add(item.kind)
    return found


@pytest.fixture
def in_review(monkeypatch: pytest.MonkeyPatch) -> Story:
    """A case that waits for two people."""
    monkeypatch.setattr(settings, "TULGA_ROUTES", list(insecure_glance.ROUTES))
    insecure_glance.put_in(monkeypatch)
    return glanced("clear", "grey")


def test_in_review_web_opens_what_is_lent_and_nothing_else(in_review: Story) -> None:
    one_voted(in_review)
    kinds = {item.kind for item in items_of(in_review)}
    assert kinds >= {"glance.photo", "nod.answer", "consent.answer", "review.reason.1"}
    with as_web():
        assert readable(in_review) == SHOWN
        others = [item for item in items_of(in_review) if item.kind not in SHOWN]
        lent = next(bytes(item.lent_key) for item in items_of(in_review) if item.lent_key)
        assert not any(stolen(in_review, item, lent=lent) for item in others)


def test_the_desk_shows_a_case_by_what_is_lent(in_review: Story) -> None:
    with as_web():
        client = desk.at_desk(in_review.lender)
        assert client.get(desk.address("case", in_review)).status_code == 200
        for kind in ("nod.photo", "nod.frame.0"):
            picture = client.get(desk.address("picture", in_review, kind=kind))
            assert (picture.status_code, picture["Content-Type"]) == (200, "image/jpeg")
        of_another = client.get(desk.address("picture", in_review, kind="glance.photo"))
        assert of_another.status_code == 404


def canceled(story: Story) -> None:
    story.cancel()
    story.work()


def timed_out(story: Story) -> None:
    row = story.row()
    assert row.in_review_since is not None
    wait_until(row.in_review_since + timedelta(seconds=policy.REVIEW_SECONDS))
    swept()


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (voted, "requires_input"),  # another route follows
        (lambda story: voted(story, passes=False), "declined"),
        (canceled, "canceled"),
        (timed_out, "expired"),
    ],
)
def test_whatever_ends_a_review_takes_all_back(
    in_review: Story, end: Callable[[Story], Any], status: str
) -> None:
    end(in_review)
    assert in_review.row().status == status
    assert not store.lent_of(in_review.id).exists()
    with as_web():
        assert readable(in_review) == set()
    assert readable(in_review) >= SHOWN


def test_a_second_review_lends_the_second_attempt_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "TULGA_ROUTES", list(insecure_glance.ROUTES))
    insecure_glance.put_in(monkeypatch)
    story = glanced("grey")
    with as_web():
        assert readable(story) == {"glance.photo", "glance.frame.0", "glance.terms"}
    voted(story)
    insecure_glance.see(story, "grey")
    with as_web():
        assert readable(story) == SHOWN


def test_pictures_that_were_taken_back_are_a_conflict_and_no_fault(in_review: Story) -> None:
    [reviewer, _] = people(in_review)
    store.take_back(in_review.id)
    with as_web():
        with pytest.raises(Conflict) as refused:
            voting.look(reviewer=reviewer, verification_id=in_review.id)
        assert refused.value.code == "not_in_review"
        item = EvidenceItem.objects.get(verification_id=in_review.id, kind="nod.photo")
        with pytest.raises(EvidenceUnreadable):
            voting.picture(reviewer=reviewer, verification_id=in_review.id, evidence_id=item.pk)


# Keys


def test_a_lent_or_boxed_key_opens_its_own_item_alone(in_review: Story) -> None:
    items, key = items_of(in_review), key_of(in_review)
    first, *others = [item for item in items if item.kind in SHOWN]
    first = EvidenceItem.objects.get(pk=first.pk)
    for other in others:
        swapped = EvidenceItem.objects.get(pk=other.pk)
        swapped.wrapped_key = first.wrapped_key
        with pytest.raises(EvidenceUnreadable):
            store.opening(key, swapped)
        swapped = EvidenceItem.objects.get(pk=other.pk)
        swapped.lent_key = first.lent_key
        with as_web(), pytest.raises(EvidenceUnreadable):
            store.opening(key, swapped)


@pytest.mark.parametrize("change", ["kind", "pk", "verification"])
def test_a_box_is_bound_to_item_kind_and_case(in_review: Story, change: str) -> None:
    item = next(item for item in items_of(in_review) if item.kind == "nod.photo")
    key = key_of(in_review)
    if change == "verification":
        key = Key(verification_id="ver_x", lender_id=key.lender_id, secret=key.secret)
    else:
        setattr(item, change, "nod.frame.0" if change == "kind" else "evd_x")
    with pytest.raises(EvidenceUnreadable):
        store.opening(key, item)
    with pytest.raises(EvidenceUnreadable):
        store.lend(key, [item])
    with as_web(), pytest.raises(EvidenceUnreadable):
        store.opening(key, item)


@pytest.mark.parametrize(
    "box",
    [
        lambda box: b"",
        lambda box: box[:2],
        lambda box: b"\x00\x09" + box[2:],
        lambda box: b"\x00\x02" + box[2:],
        lambda box: box[:-1],
        lambda box: box + b"\0",
        lambda box: box[:2] + bytes(len(box) - 2),
        lambda box: box[:-1] + bytes([box[-1] ^ 1]),
    ],
)
def test_a_box_of_another_version_or_form_does_not_open(
    in_review: Story, settings: Any, box: Callable[[bytes], bytes]
) -> None:
    settings.TULGA_EVIDENCE_KEYS = dict(settings.TULGA_EVIDENCE_KEYS) | {2: b"k" * 32}
    item = items_of(in_review)[0]
    item.wrapped_key = box(bytes(item.wrapped_key or b""))
    for opens in (store.opening, lambda key, item: store.lend(key, [item])):
        with pytest.raises(EvidenceUnreadable):
            opens(key_of(in_review), item)


def test_after_a_rotation_old_boxes_open_and_new_ones_have_the_new_key(settings: Any) -> None:
    story = at_statement()
    before = items_of(story)
    settings.TULGA_EVIDENCE_KEYS = dict(settings.TULGA_EVIDENCE_KEYS) | {2: b"k" * 32}
    public = {2: box_key_of(b"k" * 32)}
    settings.TULGA_EVIDENCE_PUBLIC_KEYS = dict(settings.TULGA_EVIDENCE_PUBLIC_KEYS) | public
    fresh = store.put(key_of(story), b"later", kind="a.b")
    assert bytes(fresh.wrapped_key or b"")[:2] == b"\0\2"
    assert all(store.opening(key_of(story), item) for item in [*before, fresh])
    settings.TULGA_EVIDENCE_KEYS = {2: b"k" * 32}
    assert store.opening(key_of(story), fresh).plain == b"later"
    with pytest.raises(EvidenceUnreadable, match="has no version 1"):
        store.opening(key_of(story), before[0])


def test_no_key_opens_what_was_destroyed(in_review: Story) -> None:
    key, items = key_of(in_review), items_of(in_review)
    gone = [item for item in items if item.kind in SHOWN]
    store.destroy(gone, at=clock.now())
    assert not store.lent_of(in_review.id).exists()
    for item in EvidenceItem.objects.filter(pk__in=[item.pk for item in gone]):
        assert (item.wrapped_key, item.lent_key) == (None, None)
        with pytest.raises(EvidenceUnreadable):
            store.opening(key, item)
        with pytest.raises(EvidenceUnreadable):
            store.lend(key, [item])


def test_with_the_key_of_a_case_all_evidence_goes(
    in_review: Story,
) -> None:
    items = items_of(in_review)
    other = vault.make(verification_id=in_review.id, lender_id=in_review.lender.pk)
    erasure.erase(in_review.id, at=clock.now())
    with pytest.raises(EvidenceUnreadable):
        key_of(in_review)
    lent = [bytes(item.lent_key) for item in items if item.lent_key]
    assert lent  # a worker would take it back; it opens nothing
    for item in items:
        with pytest.raises(EvidenceUnreadable):
            store.opening(other, item)
        assert not any(plain(other, wrapped, item) for wrapped in lent)


# The audit


def findings(story: Story) -> list[tuple[str, str]]:
    pages = verify_page("test", entries.of_cases, [story.id])
    return [(one.code, one.field) for one in pages if not isinstance(one, Unchecked)]


def test_a_key_that_is_lent_after_the_end_is_named(in_review: Story) -> None:
    assert findings(in_review) == []
    item = next(item for item in items_of(in_review) if item.lent_key)
    voted(in_review)
    assert findings(in_review) == []
    EvidenceItem.objects.filter(pk=item.pk).update(lent_key=item.lent_key)
    assert findings(in_review) == [("evidence_lent", "lent_key")]
    # A step that is put off for long hides it no more than none.
    later = clock.now() + timedelta(hours=1)
    Verification.objects.filter(pk=in_review.id).update(step="lend", due_at=later)
    assert findings(in_review) == [("evidence_lent", "lent_key")]
    with as_web():
        assert ("evidence_lent", "lent_key") in findings(in_review)


def test_what_reviewers_do_not_need_may_not_be_lent(in_review: Story) -> None:
    item = EvidenceItem.objects.get(verification_id=in_review.id, kind="glance.photo")
    store.lend(key_of(in_review), [item])
    assert findings(in_review) == [("evidence_lent", "lent_key")]


def test_a_lent_key_of_other_bytes_is_named(in_review: Story) -> None:
    item = EvidenceItem.objects.get(verification_id=in_review.id, kind="nod.photo")
    EvidenceItem.objects.filter(pk=item.pk).update(lent_key=b"other")
    assert findings(in_review) == [("evidence", "lent_key")]


def test_what_has_no_key_here_is_counted_and_its_files_are_verified(in_review: Story) -> None:
    with as_web():
        counted = Unchecked()
        for one in verify_page("test", entries.of_cases, [in_review.id]):
            assert isinstance(one, Unchecked)
            counted.add(one)
        assert (
            counted.originals == EvidenceItem.objects.filter(verification_id=in_review.id).count()
        )
        assert str(counted) == f"{counted.originals} originals not opened: no evidence keys here"
        EvidenceItem.objects.filter(kind="nod.photo").update(sealed_sha256="0" * 64, sealed=None)
        assert ("evidence", "sealed_sha256") in findings(in_review)


def test_a_replay_without_the_key_says_that_it_cannot(issued: Issued) -> None:
    story = at_statement()
    story.sign_to_end(issued())
    with as_web():
        replays = replay.replay(verification_id=story.id)
    assert {one.verdict for one in replays} == {Verdict.CANNOT}
    assert {one.code for one in replays} == {store.NOT_LENT}
    assert {one.verdict for one in replay.replay(verification_id=story.id)} == {Verdict.SAME}


# Documents


@pytest.fixture
def filmed(script: Script) -> Story:
    """A verified borrower, with the document of one attempt."""
    story = played()
    order_all()
    return story


@pytest.fixture
def api_key(filmed: Story) -> ApiKey:
    """A key of the lender."""
    return keys.issue(filmed.lender, mode="test").key


def download(story: Story, key: ApiKey | str) -> bytes:
    [document] = listed(story)
    return reading.read_document(
        lender_id=story.lender.pk,
        mode="test",
        verification_id=story.id,
        attempt_id=document.attempt_id,
        key_id=key if isinstance(key, str) else key.pk,
    )


def over() -> None:
    """What was asked for until now is lent no longer."""
    wait_until(clock.now() + timedelta(seconds=policy.LENT_SECONDS))


def loans(story: Story) -> list[dict[str, Any]]:
    """What workers recorded of loans."""
    lent = AuditEntry.objects.filter(type="document.lent", body__verification=story.id)
    return [entry.body for entry in lent.order_by("at")]


def test_a_worker_lends_a_document_for_seconds_on_record(
    filmed: Story, api_key: ApiKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = download(filmed, api_key)
    over()
    with with_worker(monkeypatch, filmed) as waits:
        assert download(filmed, api_key) == whole
        assert waits
        assert readable(filmed) == {"live_capture.document"}
        # The next reader within these seconds does not wait, and is on record, too.
        del waits[:]
        assert download(filmed, api_key) == whole
        assert waits == []
    assert findings(filmed) == []  # the step that takes it back is due
    [loan] = loans(filmed)
    request = AuditEntry.objects.get(pk=loan["request"])
    [document] = listed(filmed)
    assert (request.type, request.body["key"]) == ("document.read", api_key.pk)
    assert (loan["document"], loan["attempt"]) == (document.id, document.attempt_id)
    assert filmed.row().step == steps.LEND
    over()
    filmed.work()
    assert (filmed.row().step, list(store.lent_of(filmed.id))) == ("", [])
    assert len(loans(filmed)) == 1
    order_all()
    assert findings(filmed) == []


def test_a_list_of_documents_opens_none(filmed: Story) -> None:
    whole = listed(filmed)
    with as_web():
        assert listed(filmed) == whole
    [document] = whole
    assert (document.outcome, document.code, document.number) == ("passed", None, 3)
    content = download(filmed, "key_a")
    assert vault.commitment(bytes.fromhex(document.salt or ""), content) == document.commitment


def test_without_a_worker_a_document_is_not_ready(
    filmed: Story, api_key: ApiKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "LENT_WAIT_SECONDS", 0.2)
    with as_web(), pytest.raises(Conflict) as refused:
        download(filmed, api_key)
    assert (refused.value.code, loans(filmed)) == ("document_not_ready", [])
    assert filmed.row().step == steps.LEND
    # The worker that comes later lends nothing; a new request is served.
    over()
    filmed.work()
    assert (filmed.row().step, loans(filmed)) == ("", [])
    with with_worker(monkeypatch, filmed):
        assert download(filmed, api_key)


def test_a_step_that_is_due_is_not_lost_by_a_request(
    filmed: Story, api_key: ApiKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "LENT_WAIT_SECONDS", 0.2)
    Verification.objects.filter(pk=filmed.id).update(step=steps.CLEAR, due_at=clock.now())
    with as_web(), pytest.raises(Conflict):
        download(filmed, api_key)
    assert filmed.row().step == steps.CLEAR


def test_another_step_takes_back_what_was_lent(
    filmed: Story, api_key: ApiKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    with with_worker(monkeypatch, filmed):
        download(filmed, api_key)
    assert store.lent_of(filmed.id).exists()
    Verification.objects.filter(pk=filmed.id).update(step=steps.CLEAR, due_at=clock.now())
    filmed.work()
    assert not store.lent_of(filmed.id).exists()


def ended(key: ApiKey) -> ApiKey:
    keys.revoke(key)
    return key


def test_a_worker_lends_for_no_key_that_does_not_count(
    filmed: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An owned web signs any request; whose key counts, the statements say."""
    monkeypatch.setattr(policy, "LENT_WAIT_SECONDS", 0.2)
    late = keys.issue(filmed.lender, mode="test").key
    keys.retire(late, seconds=0)
    for key in (
        "key_unknown",
        keys.issue(lender("Other", number=500), mode="test").key,
        keys.issue(filmed.lender, mode="test", scopes=["events:read"]).key,
        ended(keys.issue(filmed.lender, mode="test").key),
        late,
        filmed.lender.pk,
    ):
        with with_worker(monkeypatch, filmed), pytest.raises(Conflict) as refused:
            download(filmed, key)
        assert refused.value.code == "document_not_ready"
    assert (loans(filmed), list(store.lent_of(filmed.id))) == ([], [])


def ask(story: Story, key: ApiKey, item: EvidenceItem, *, by: str = "", **more: Any) -> None:
    """A request as an owned web writes it, and a worker's step."""
    body = {"verification": story.id, "attempt": item.attempt_id, "document": item.pk}
    body |= {"key": key.pk, **more}
    with as_web():
        row = story.row()
        owned_web.look(row, "document.read", body, lender=by or row.lender_id)
        steps.ask_to_lend(story.id)
    story.work(rounds=1)


def test_a_worker_lends_documents_and_signed_files_and_no_other_evidence(
    filmed: Story, api_key: ApiKey
) -> None:
    """An owned web asks for each item of a case, under each name, and as another lender."""
    other = lender("Other", number=500).pk
    for item in items_of(filmed):
        for what in ({}, {"what": "statement"}, {"what": "signature"}, {"what": "terms"}):
            ask(filmed, api_key, item, by=other, **what)
            if item.kind != "live_capture.document":
                ask(filmed, api_key, item, **what)
    assert (loans(filmed), list(store.lent_of(filmed.id))) == ([], [])
    [document] = [item for item in items_of(filmed) if item.kind == "live_capture.document"]
    ask(filmed, api_key, document)
    assert [loan["document"] for loan in loans(filmed)] == [document.pk]


def test_a_request_that_web_did_not_sign_lends_nothing(filmed: Story, api_key: ApiKey) -> None:
    [document] = [item for item in items_of(filmed) if item.kind == "live_capture.document"]
    ask(filmed, api_key, document)
    request = AuditEntry.objects.get(pk=loans(filmed)[0]["request"])
    store.take_back(filmed.id)
    forged = {name: value for name, value in request.body.items() if name != "signed"}
    AuditEntry.objects.create(
        log="test", type="document.read", at=clock.now(), lender_id=filmed.lender.pk, body=forged
    )
    wait_until(clock.now() + timedelta(seconds=policy.LENT_SECONDS - 2))
    AuditEntry.objects.create(
        log="test", type="document.read", at=clock.now(), lender_id=filmed.lender.pk, body=forged
    )
    wait_until(clock.now() + timedelta(seconds=3))
    filmed.work()
    assert (len(loans(filmed)), list(store.lent_of(filmed.id))) == (1, [])


def test_a_request_of_tomorrow_lends_nothing_until_then(filmed: Story, api_key: ApiKey) -> None:
    [document] = [item for item in items_of(filmed) if item.kind == "live_capture.document"]
    ask(filmed, api_key, document, at=clock.now() + timedelta(days=1))
    assert (loans(filmed), filmed.row().step) == ([], "")


def test_an_erased_case_lends_nothing(filmed: Story, api_key: ApiKey) -> None:
    [document] = [item for item in items_of(filmed) if item.kind == "live_capture.document"]
    erase(filmed)
    ask(filmed, api_key, document)
    assert list(store.lent_of(filmed.id)) == []


@pytest.fixture
def signer(issued: Issued) -> Story:
    """A borrower who signed, and whose end is shown."""
    story = at_statement()
    browser(story)
    story.sign_to_end(issued())
    order_all()
    return story


@pytest.mark.parametrize("file", reading.SIGNED_FILES)
def test_a_worker_lends_the_signed_files_to_lender_and_borrower(
    signer: Story, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    key = keys.issue(signer.lender, mode="test").key
    of_lender = {"lender_id": signer.lender.pk, "mode": "test", "verification_id": signer.id}
    whole = reading.read_for_lender(**of_lender, file=file, key_id=key.pk)
    over()
    with with_worker(monkeypatch, signer):
        assert reading.read_for_lender(**of_lender, file=file, key_id=key.pk) == whole
    assert len(loans(signer)) == 1
    over()
    signer.work()
    with with_worker(monkeypatch, signer):
        session = signer.session()
        given = reading.read_for_borrower(verification_id=signer.id, file=file, session=session)
        assert given == whole
    assert len(loans(signer)) == 2


def test_two_files_asked_for_at_once_are_lent_together(
    signer: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = keys.issue(signer.lender, mode="test").key
    of_lender = {"lender_id": signer.lender.pk, "mode": "test", "verification_id": signer.id}
    with with_worker(monkeypatch, signer):
        for file in reading.SIGNED_FILES:
            assert reading.read_for_lender(**of_lender, file=file, key_id=key.pk).content
        assert readable(signer) == {"statement.text", "statement.signature"}
