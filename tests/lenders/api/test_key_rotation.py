"""All that rests on the key-encryption key moves to a new one while requests go on, and the old key
then opens nothing.
"""

import secrets
import zlib
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test import Client

from config import sealed
from config.sealed import SEALED
from lenders.models import IdempotentRequest
from operators import proposals
from operators.models import Proposal
from people.enrolment import current_code, enrol
from people.models import SecondFactor, User
from tests.lenders.samples import opening
from tests.people.enrolled import PASSWORD
from tests.verification.log.judged import findings
from tests.verification.stories.story import IIN, at_statement, begin, in_parallel, order
from tests.verification.subject import people
from verification import clock
from verification.core.errors import Misconfigured
from verification.core.ids import case_number, secret_digest
from verification.evidence import erasure, vault
from verification.models import DataKey, Verification

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

OPEN = "/v1/verifications"
REQUESTS = 24
_OTHERWISE = {
    "in clear": "lenders_delivery.body verification_receipt.jws",
    "a random number": "lenders_idempotentrequest.fence",
    "a hash": (
        "lenders_idempotentrequest.key_sha256 lenders_idempotentrequest.request_sha256"
        " verification_auditleaf.leaf_hash verification_audittile.hashes"
        " verification_access.digest verification_access.second_digest"
        " verification_subjectrequest.digest"
        " verification_evidenceitem.commitment"
        " verification_evidenceitem.sealed_sha256 verification_sharedevidence.sha256"
        " verification_verification.profile_sha256"
    ),
    "a keyed hash": (
        "verification_attempt.borrower_index verification_clearance.account_index"
        " verification_clearance.iin_index verification_evidenceitem.seen_index"
        " verification_quotause.value_index verification_verification.borrower_index"
    ),
    "under the key of its case": (
        "verification_access.sealed verification_attempt.sealed_memory"
        " verification_evidenceitem.lent_key verification_verification.sealed_case"
    ),
    "under its own key, which is wrapped beside it": (
        "people_secondfactor.sealed_key verification_evidenceitem.sealed"
    ),
    "a box for workers": "verification_evidenceitem.wrapped_key",
    "a box for the sender": (
        "lenders_webhookendpoint.sealed_previous_secret lenders_webhookendpoint.sealed_secret"
        " lenders_webhookendpoint.sealed_signing_key"
    ),
    "a salt": "operators_proposal.reason_salt people_user.salt",
}
"""Every other column of bytes, by what it holds."""


@dataclass(frozen=True)
class World:
    """What was written under the old key, and the secrets in it."""

    answer: bytes
    case: str
    unfinished: object
    person: User
    draft: Proposal
    asking: Client
    secrets: frozenset[bytes]


@pytest.fixture
def new_kek(settings):
    """Another key beside the old one, from now on. Gives the old one, and takes it away."""
    old = settings.TULGA_KEY_ENCRYPTION_KEYS
    [number] = old

    def bring():
        settings.TULGA_KEY_ENCRYPTION_KEYS = old | {number + 1: secrets.token_bytes(32)}
        return old[number]

    def take_away():
        rest = settings.TULGA_KEY_ENCRYPTION_KEYS
        settings.TULGA_KEY_ENCRYPTION_KEYS = {number + 1: rest[number + 1]}

    return bring, take_away


def opened(api, key="first"):
    answer = api.post(OPEN, opening(client_reference=key), key=key)
    assert answer.status_code == 201
    return answer


@pytest.fixture
def world(api, lender, issued, story):
    unfinished = at_statement(lender, "B-1")
    answer = opened(api)
    person, given = enrol(email="r@example.kz", full_name="R", role="regulator", password=PASSWORD)
    operator, _ = enrol(email="o@example.kz", full_name="O", role="operator", password=PASSWORD)
    invited = User(email="n@example.kz", full_name="N", role="operator")
    draft = proposals.draft_invitation(invited, ("email", "full_name", "role"), by=operator)
    asking = people.asking()
    people.sign(asking, issued())
    order()
    keys = {
        vault.open(verification_id=row.pk, lender_id=row.lender_id).secret
        for row in Verification.objects.all()
    }
    token = answer.json()["url"].partition("#")[2].encode()
    assert len(token) > 16
    code = vault.unseal(proposals.scope_of(draft), bytes(draft.sealed_code))
    known = keys | {given.factor.key(), IIN.encode(), token, code}
    return World(answer.content, story.id, unfinished, person, draft, asking, frozenset(known))


def rotate(*asked):
    lines = StringIO()
    call_command("rotate_keys", *asked, stdout=lines)
    return lines.getvalue()


def values():
    """Every stored value of bytes, as an attacker has it."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608
            for row in cursor.fetchall():
                yield from (bytes(value) for value in row if isinstance(value, bytes | memoryview))


def insecure_plain(key, value):
    """What an attacker makes of a value who has a key, and asks for no authentication: so no place
    needs to be known.
    """
    for start in (0, 2):
        text = value[start:]
        if text[:1] == b"\2" and len(text) > 29:
            counter = CTR(text[1:13] + b"\0\0\0\2")
            plain = Cipher(AES(key), counter).decryptor().update(text[13:-16])
            yield plain[1:]
            with suppress(zlib.error):
                yield zlib.decompress(plain[1:], wbits=-zlib.MAX_WBITS)


def taken(key, known):
    """Which of the secrets a key opens in the dump, by itself or through keys that it opens."""
    dump = list(values())
    first = {plain for value in dump for plain in insecure_plain(key, value)}
    second = {
        plain
        for inner in first
        if len(inner) == 32
        for value in dump
        for plain in insecure_plain(inner, value)
    }
    return {secret for secret in known if any(secret in plain for plain in first | second)}


def test_one_place_names_every_column_under_the_key():
    """A new column of bytes belongs into the table of the rotation, or above with what it holds."""
    otherwise = {name for names in _OTHERWISE.values() for name in names.split()}
    there = {
        f"{model._meta.db_table}.{column.column}"
        for room in ("lenders", "operators", "people", "verification")
        for model in apps.get_app_config(room).get_models()
        for column in model._meta.concrete_fields
        if isinstance(column, models.BinaryField)
    }
    assert there == {place.name for place in SEALED} | otherwise
    assert not {place.name for place in SEALED} & otherwise


def test_every_secret_under_the_old_key_moves_while_requests_go_on(
    api, lender, world, new_kek, issued, settings
):
    """Played as an attacker with the old key, and a dump of before and of after."""
    bring, take_away = new_kek
    old = bring()
    assert taken(old, world.secrets) == world.secrets
    with pytest.raises(CommandError, match=r"kek-1 opens \d+ of verification_datakey"):
        rotate("--check")
    lines = []

    def live(number):
        if number < 2:  # two at once
            lines.append(rotate("--batch", "2"))
        elif number % 3 == 0:
            assert api.post(OPEN, opening(client_reference="first"), key="first").content == (
                world.answer
            )
        elif number % 3 == 1:
            opened(api, f"later-{number}")
        else:
            assert api.get(f"{OPEN}/{world.case}").json()["status"] == "verified"

    in_parallel(live, REQUESTS, threads=8)
    assert "kek-1 opens nothing: take kek-1.key away." in rotate("--check")
    assert all("kek-1 opens nothing" in text for text in lines)
    take_away()
    assert taken(old, world.secrets) == set()
    # The API, pages of people, operators and borrowers, and workers.
    repeated = api.post(OPEN, opening(client_reference="first"), key="first")
    assert (repeated.content, repeated["Idempotent-Replayed"]) == (world.answer, "true")
    assert api.get(f"{OPEN}/{world.case}/receipt").status_code == 200
    world.unfinished.sign_to_end(issued())
    assert world.unfinished.row().status == "verified"
    client, factor = Client(), SecondFactor.objects.get(user=world.person)
    fields = {"email": world.person.email, "password": PASSWORD, "code": current_code(factor)}
    assert client.post("/people/sign-in/", fields).status_code == 302
    assert client.get("/oversight/").status_code == 200
    draft = Proposal.objects.get(pk=world.draft.pk)
    code = vault.unseal(proposals.scope_of(draft), bytes(draft.sealed_code)).decode()
    assert secret_digest(code).hex() == draft.changes["invitation"]
    people.work()
    assert case_number(world.case) in people.page(world.asking)
    order()
    assert findings() == [], "no statement of a person changed with the rotation"


def test_a_case_that_is_erased_meanwhile_stays_erased(world, new_kek, monkeypatch):
    """The erasure falls between the reading of its key and the writing."""
    new_kek[0]()
    reseal, erased = vault.reseal, list[erasure.Erased]()

    def late(secret, *, scope):
        if scope.endswith(world.case) and not erased:
            erased.append(erasure.erase(world.case, at=clock.now()))
        return reseal(secret, scope=scope)

    with monkeypatch.context() as between:
        between.setattr(vault, "reseal", late)
        rotate()
    assert erased
    key = DataKey.objects.get(pk=world.case)
    assert (key.wrapped_key, key.destroyed_at is None) == (None, False)
    assert "kek-1 opens nothing" in rotate()


def keks():
    """The keys that wrap the keys of cases, by number."""
    return [
        vault.version_of(bytes(wrapped or b""))
        for wrapped in DataKey.objects.values_list("wrapped_key", flat=True)
    ]


def test_it_may_stop_and_is_repeated(world, new_kek, monkeypatch):
    bring, _ = new_kek
    bring()
    batches = sealed.walk(SEALED[0], moves=True, batch=1)
    assert [next(batches).moved for _ in range(2)] == [1, 2]
    assert sorted(keks())[-2:] == [2, 2]
    assert min(keks()) == 1
    number = len(keks())
    assert f"verification_datakey.wrapped_key: {number - 2} moved of {number}" in rotate()
    assert f"verification_datakey.wrapped_key: 0 moved of {number}" in rotate()


def test_what_rests_on_the_old_key_is_named_with_its_cause(
    api, world, new_kek, settings, monkeypatch
):
    bring, _ = new_kek
    old = settings.TULGA_KEY_ENCRYPTION_KEYS
    assert "kek-1 is the only key here" in rotate()
    bring()
    both = settings.TULGA_KEY_ENCRYPTION_KEYS
    rotate()
    # A process that was not restarted.
    settings.TULGA_KEY_ENCRYPTION_KEYS = old
    begin(world.unfinished.lender, "C-1", iin=IIN)
    opened(api, "third")
    settings.TULGA_KEY_ENCRYPTION_KEYS = both
    with pytest.raises(CommandError) as refused:
        rotate("--check")
    assert "kek-1 opens 2 of verification_datakey.wrapped_key: run this without --check" in str(
        refused.value
    )
    assert "kek-1 opens 1 of lenders_idempotentrequest.sealed_answer" in str(refused.value)
    assert "the last is deleted by " in str(refused.value)
    # One whose place was changed.
    SecondFactor.objects.filter(user=world.person).update(
        wrapped_key=b"\0\1" + secrets.token_bytes(61)
    )
    with pytest.raises(CommandError, match="some do not open at their place, such as ") as refused:
        rotate()
    assert "verification_datakey" not in str(refused.value)
    settings.TULGA_KEY_ENCRYPTION_KEYS = old
    with pytest.raises(CommandError, match=r"kek-2 opens .* is not in .*: restore it"):
        rotate("--check")


def test_each_process_moves_what_its_role_may_change(world, new_kek, settings):
    bring, _ = new_kek
    bring()
    settings.TULGA_PROCESS_ROLES = {"web": "w", "worker": "k", "tick": "t", "sender": "s"}
    settings.TULGA_PROCESS = "web"
    with pytest.raises(CommandError, match=r"datakey.wrapped_key: run this as worker$"):
        rotate()
    assert set(keks()) == {1}
    [answer] = IdempotentRequest.objects.all()
    assert vault.version_of(bytes(answer.sealed_answer or b"")) == 2
    settings.TULGA_PROCESS = "worker"
    lines = rotate()
    assert "kek-1 opens nothing of these. Run this as web now" in lines
    assert "people_secondfactor" not in lines.partition("Run this")[0]
    settings.TULGA_PROCESS = "web"
    assert "kek-1 opens nothing: take kek-1.key away." in rotate()
    settings.TULGA_PROCESS = "tick"
    with pytest.raises(Misconfigured, match="tick holds no key-encryption key"):
        rotate()
