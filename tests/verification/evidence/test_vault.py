"""Sealed bytes open with their key, at their place, until the key is destroyed; an index finds and
does not tell.
"""

import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from tests.verification.evidence.rows import NOON, add_key
from verification.core.certificates import box_key_of
from verification.core.errors import EvidenceUnreadable, Misconfigured
from verification.evidence import erasure, policy, vault
from verification.evidence.vault import Key
from verification.models import DataKey

KEY = Key(verification_id="ver_a", lender_id="len_a", secret=bytes(range(32)))
IIN = "850101300123"


def sealed(plain: bytes = b"plain") -> bytes:
    return KEY.seal(plain, table="Attempt", field="sealed_memory").data


@given(st.binary(max_size=200))
def test_what_was_sealed_unseals(plain: bytes) -> None:
    assert KEY.unseal(sealed(plain), table="Attempt", field="sealed_memory").plain == plain


@pytest.mark.parametrize(
    ("plain", "most"),
    [(b'{"a":1}', 53), (b'{"check":"a"}' * 9, 70), (bytes(policy.PACKED_MAX + 1), 8239)],
)
def test_text_takes_fewer_bytes_and_what_is_large_is_left_as_it_is(plain: bytes, most: int) -> None:
    assert len(sealed(plain)) <= most
    assert KEY.unseal(sealed(plain), table="Attempt", field="sealed_memory").plain == plain
    assert (len(sealed(plain)) > len(plain)) is (
        len(plain) < policy.PACKED_MIN or len(plain) > policy.PACKED_MAX
    )


def test_a_wrapped_key_opens_at_its_place_alone() -> None:
    own, wrapped = KEY.make_own(table="t", field="f")
    assert KEY.unwrap(wrapped, table="t", field="f") == own
    for other, place in ((KEY, "g"), (own, "f")):
        with pytest.raises(EvidenceUnreadable):
            other.unwrap(wrapped, table="t", field=place)


def test_equal_bytes_give_different_seals_and_commitments() -> None:
    first, second = (KEY.seal(IIN.encode(), table="t", field="f") for _ in range(2))
    assert first.data != second.data
    assert first.commitment != second.commitment
    assert IIN.encode() not in first.data


def test_a_commitment_opens_with_its_salt_only() -> None:
    seal = KEY.seal(b"plain", table="t", field="f")
    opening = KEY.unseal(seal.data, table="t", field="f")
    assert opening.plain == b"plain"
    assert len(opening.salt) == 16
    assert seal.commitment == hmac.new(opening.salt, b"plain", "sha256").hexdigest()
    assert seal.commitment != vault.commitment(bytes(16), b"plain")


@pytest.mark.parametrize(
    "swap",
    [
        lambda: replace(KEY, secret=bytes(32)).unseal(
            sealed(), table="Attempt", field="sealed_memory"
        ),
        lambda: replace(KEY, lender_id="len_b").unseal(
            sealed(), table="Attempt", field="sealed_memory"
        ),
        lambda: replace(KEY, verification_id="ver_b").unseal(
            sealed(), table="Attempt", field="sealed_memory"
        ),
        lambda: KEY.unseal(sealed(), table="Verification", field="sealed_memory"),
        lambda: KEY.unseal(sealed(), table="Attempt", field="sealed_case"),
        lambda: KEY.unseal(sealed(), table="Attemptsealed", field="_memory"),
    ],
)
def test_sealed_bytes_open_nowhere_but_at_their_place(swap: Callable[[], bytes]) -> None:
    with pytest.raises(EvidenceUnreadable):
        swap()


@given(position=st.integers(0, len(sealed()) - 1), bit=st.integers(0, 7))
def test_no_sealed_bytes_with_a_flipped_bit_open(position: int, bit: int) -> None:
    damaged = bytearray(sealed())
    damaged[position] ^= 1 << bit
    with pytest.raises(EvidenceUnreadable):
        KEY.unseal(bytes(damaged), table="Attempt", field="sealed_memory")


@given(st.binary(max_size=80))
def test_bytes_that_were_never_sealed_are_unreadable(untrusted: bytes) -> None:
    with pytest.raises(EvidenceUnreadable):
        KEY.unseal(untrusted, table="Attempt", field="sealed_memory")


def test_sealed_bytes_that_were_cut_are_unreadable() -> None:
    whole = sealed()
    for length in range(len(whole)):
        with pytest.raises(EvidenceUnreadable):
            KEY.unseal(whole[:length], table="Attempt", field="sealed_memory")
    assert KEY.unseal(whole, table="Attempt", field="sealed_memory").plain == b"plain"


def test_printing_a_key_or_an_opening_shows_no_secret() -> None:
    opening = KEY.unseal(sealed(b"plain text"), table="Attempt", field="sealed_memory")
    assert "ver_a" in repr(KEY)
    for secret in (repr(KEY.secret), "plain text", repr(opening.salt)):
        assert secret not in repr(KEY) + repr(opening)


@pytest.mark.django_db
def test_a_kept_key_opens_again(key: Key) -> None:
    opened = vault.open(verification_id=key.verification_id, lender_id=key.lender_id)
    assert opened == key
    assert key.secret not in bytes(DataKey.objects.get().wrapped_key or b"")


@pytest.mark.django_db
def test_a_verification_has_one_key(key: Key) -> None:
    with pytest.raises(IntegrityError):
        vault.keep(vault.make(verification_id=key.verification_id, lender_id=key.lender_id))


@pytest.mark.django_db
def test_a_kept_key_opens_for_its_verification_and_lender_only() -> None:
    first, second = add_key(), add_key()
    with pytest.raises(EvidenceUnreadable):
        vault.open(verification_id=first.verification_id, lender_id="len_another")
    with pytest.raises(EvidenceUnreadable, match="has no key"):
        vault.open(verification_id="ver_none", lender_id=first.lender_id)
    wrapped = DataKey.objects.get(pk=first.verification_id).wrapped_key
    DataKey.objects.filter(pk=second.verification_id).update(wrapped_key=wrapped)
    with pytest.raises(EvidenceUnreadable):
        vault.open(verification_id=second.verification_id, lender_id=second.lender_id)


@pytest.mark.django_db
def test_a_destroyed_key_is_gone_for_ever(key: Key) -> None:
    for at in (NOON, NOON + timedelta(days=1)):
        erasure.erase(key.verification_id, at=at)
    row = DataKey.objects.get()
    assert (row.wrapped_key, row.destroyed_at) == (None, NOON)
    with pytest.raises(EvidenceUnreadable, match="was destroyed"):
        vault.open(verification_id=key.verification_id, lender_id=key.lender_id)


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"destroyed_at": NOON}, {"wrapped_key": None}])
def test_a_key_that_counts_as_destroyed_or_is_gone_does_not_open(
    key: Key, change: dict[str, object]
) -> None:
    DataKey.objects.update(**change)
    with pytest.raises(EvidenceUnreadable, match="was destroyed"):
        vault.open(verification_id=key.verification_id, lender_id=key.lender_id)


@pytest.mark.django_db
def test_what_is_sealed_anew_opens_under_the_newest_key_alone(settings: Settings) -> None:
    old = settings.TULGA_KEY_ENCRYPTION_KEYS
    key, newest = add_key(), max(old) + 1
    row = DataKey.objects.get(pk=key.verification_id)
    settings.TULGA_KEY_ENCRYPTION_KEYS = old | {newest: bytes(range(32))}
    assert vault.unwrap(row, lender_id=key.lender_id) == key
    row.wrapped_key = vault.reseal(bytes(row.wrapped_key or b""), scope=vault.scope_of_key(row))
    settings.TULGA_KEY_ENCRYPTION_KEYS = {newest: bytes(range(32))}
    assert vault.unwrap(row, lender_id=key.lender_id) == key
    assert vault.version_of(bytes(row.wrapped_key)) == newest
    settings.TULGA_KEY_ENCRYPTION_KEYS = old
    with pytest.raises(Misconfigured, match=f"has no version {newest}"):
        vault.unwrap(row, lender_id=key.lender_id)


def test_an_envelope_opens_at_its_place_and_its_seal_outlives_a_rotation(
    settings: Settings,
) -> None:
    old = settings.TULGA_KEY_ENCRYPTION_KEYS
    sealed, wrapped = vault.seal_in_envelope("factor:a", b"plain")
    settings.TULGA_KEY_ENCRYPTION_KEYS = old | {max(old) + 1: bytes(range(32))}
    later = vault.reseal(wrapped, scope=vault.scope_of_envelope("factor:a"))
    settings.TULGA_KEY_ENCRYPTION_KEYS = {max(old) + 1: bytes(range(32))}
    assert vault.unseal_in_envelope("factor:a", sealed, later) == b"plain"
    other_seal, other_wrap = vault.seal_in_envelope("factor:b", b"plain")
    for scope, seal, wrap in (
        ("factor:b", sealed, later),
        ("factor:a", other_seal, later),
        ("factor:a", sealed, other_wrap),
        ("factor:a", sealed, wrapped),
    ):
        with pytest.raises(EvidenceUnreadable):
            vault.unseal_in_envelope(scope, seal, wrap)


@pytest.mark.django_db
def test_a_key_under_a_kek_that_is_gone_says_which(key: Key, settings: Settings) -> None:
    settings.TULGA_KEY_ENCRYPTION_KEYS = {99: bytes(32)}
    with pytest.raises(Misconfigured, match="has no version"):
        vault.open(verification_id=key.verification_id, lender_id=key.lender_id)


@pytest.mark.parametrize("keys", [{}, {1: b"short"}])
def test_nothing_works_without_keys_of_the_right_length(
    settings: Settings, keys: dict[int, bytes]
) -> None:
    settings.TULGA_INDEX_KEYS = keys
    with pytest.raises(Misconfigured, match="TULGA_INDEX_KEYS"):
        vault.blind_index(purpose="iin", value=IIN)


def test_a_blind_index_is_equal_for_equal_values_of_one_purpose(settings: Settings) -> None:
    settings.TULGA_INDEX_KEYS = {1: bytes(range(32))}
    index = vault.blind_index(purpose="iin", value=IIN)
    assert index == vault.blind_index(purpose="iin", value=IIN)
    assert index == {1: hmac.new(bytes(range(32)), b"iin\x00" + IIN.encode(), "sha256").digest()}
    others = [("iin", "850101300124"), ("phone", IIN), ("iin" + IIN[0], IIN[1:])]
    assert index not in [
        vault.blind_index(purpose=purpose, value=value) for purpose, value in others
    ]


def test_a_search_tries_every_index_key_that_rows_may_carry(settings: Settings) -> None:
    settings.TULGA_INDEX_KEYS = {1: bytes(32)}
    before = vault.blind_index(purpose="iin", value=IIN)
    settings.TULGA_INDEX_KEYS = {1: bytes(32), 2: bytes(range(32))}
    now = vault.blind_index(purpose="iin", value=IIN)
    assert list(now) == [2, 1]
    assert now[1] == before[1] != now[2]


def test_a_secret_opens_under_its_scope_only_and_survives_rotation(settings: Settings) -> None:
    settings.TULGA_KEY_ENCRYPTION_KEYS = {1: bytes(32)}
    sealed_secret = vault.seal_secret(b"whsec", scope="endpoint:a")
    assert b"whsec" not in sealed_secret
    settings.TULGA_KEY_ENCRYPTION_KEYS = {1: bytes(32), 2: bytes(range(32))}
    assert vault.unseal_secret(sealed_secret, scope="endpoint:a") == b"whsec"
    assert (
        vault.unseal_secret(vault.seal_secret(b"", scope="endpoint:a"), scope="endpoint:a") == b""
    )
    with pytest.raises(EvidenceUnreadable):
        vault.unseal_secret(sealed_secret, scope="endpoint:b")
    with pytest.raises(EvidenceUnreadable):
        vault.unseal_secret(b"\x00\x02" + sealed_secret[2:], scope="endpoint:a")
    settings.TULGA_KEY_ENCRYPTION_KEYS = {2: bytes(range(32))}
    with pytest.raises(EvidenceUnreadable, match="version 1"):
        vault.unseal_secret(sealed_secret, scope="endpoint:a")


def test_a_secret_for_the_sender_opens_under_its_scope_and_survives_rotation(
    settings: Settings,
) -> None:
    old, new = bytes(range(32)), bytes(range(1, 33))
    settings.TULGA_WEBHOOK_PUBLIC_KEYS = {1: box_key_of(old)}
    settings.TULGA_WEBHOOK_KEYS = {1: old, 2: new}  # the sender gets its new key first
    before = vault.seal_for_sender("endpoint:a", b"whsec")
    settings.TULGA_WEBHOOK_PUBLIC_KEYS |= {2: box_key_of(new)}
    now = vault.seal_for_sender("endpoint:a", b"whsec")
    assert (before[:2], now[:2]) == (b"\x00\x01", b"\x00\x02")
    for sealed_secret in (before, now):
        assert vault.unseal_for_sender("endpoint:a", sealed_secret) == b"whsec"
        with pytest.raises(EvidenceUnreadable, match="at this place"):
            vault.unseal_for_sender("endpoint:b", sealed_secret)
    settings.TULGA_WEBHOOK_KEYS = {1: old, 2: old}
    with pytest.raises(EvidenceUnreadable, match="at this place"):
        vault.unseal_for_sender("endpoint:a", b"\x00\x02" + before[2:])


@pytest.mark.parametrize(
    "untrusted", [b"", b"\x00", b"\x00\x01", b"\x00\x01\x01", b"\x00\x01" + bytes(2000)]
)
def test_what_was_not_sealed_for_the_sender_does_not_open(untrusted: bytes) -> None:
    with pytest.raises(EvidenceUnreadable):
        vault.unseal_for_sender("endpoint:a", untrusted)


def test_without_the_senders_key_a_secret_neither_opens_nor_seals(settings: Settings) -> None:
    sealed_secret = vault.seal_for_sender("endpoint:a", b"whsec")
    settings.TULGA_WEBHOOK_KEYS = {2: bytes(32)}
    with pytest.raises(EvidenceUnreadable, match="version 1"):
        vault.unseal_for_sender("endpoint:a", sealed_secret)
    settings.TULGA_WEBHOOK_KEYS = settings.TULGA_WEBHOOK_PUBLIC_KEYS = {}
    with pytest.raises(Misconfigured):
        vault.unseal_for_sender("endpoint:a", sealed_secret)
    with pytest.raises(Misconfigured):
        vault.seal_for_sender("endpoint:a", b"whsec")


@pytest.mark.django_db
def test_the_words_of_a_capture_are_destroyed_by_its_attempts_and_nobody_elses_are_looked_at() -> (
    None
):
    with CaptureQueriesContext(connection) as asked:
        erasure.erase(add_key().verification_id, at=NOON)
    [words] = [
        one["sql"]
        for one in asked
        if one["sql"].startswith('DELETE FROM "verification_captureword"')
    ]
    assert 'WHERE "verification_captureword"."attempt_id" IN (SELECT' in words
