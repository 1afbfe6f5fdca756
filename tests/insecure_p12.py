"""Reads the key stores of the authority's SDK for tests: PKCS #12 in BER with SHA-1, 3DES and
RC2-40.

Test only: weak ciphers, no check of the store's own MAC. Source: RFC 7292 (structure, §B.2 key
    derivation), RFC 2268.
"""

import hashlib
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from verification.engines.pki import der
from verification.engines.pki.der import Element

_DATA, _ENCRYPTED_DATA = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.6"
_3DES, _RC2_40 = "1.2.840.113549.1.12.1.3", "1.2.840.113549.1.12.1.6"
_SHROUDED_KEY, _CERTIFICATE = "1.2.840.113549.1.12.10.1.2", "1.2.840.113549.1.12.10.1.3"
_RC2_TABLE = bytes.fromhex(
    "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2"
    "179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82"
    "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626"
    "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7"
    "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec"
    "c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731"
    "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9"
    "0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad"
)


@dataclass(frozen=True)
class KeyStore:
    """`private_scalar`: the GOST private number; `certificate`: the leaf in DER; `others`: the rest
    of the chain.
    """

    private_scalar: int
    certificate: bytes
    others: tuple[bytes, ...]


def read_key_store(untrusted: bytes, *, password: str) -> KeyStore:
    """The key and the certificates of a PKCS #12 file with one GOST key."""
    store = der.read_tree(untrusted).children[1]
    keys: list[int] = []
    certificates: list[bytes] = []
    for info in der.read_tree(_octets(store.children[1].children[0])).children:
        for bag in der.read_tree(_safe_contents(info, password)).children:
            kind = der.oid(bag.children[0], "bag")
            inner = bag.children[1].children[0]
            if kind == _SHROUDED_KEY:
                keys.append(
                    _private_scalar(
                        _decrypt(inner.children[0], _octets(inner.children[1]), password)
                    )
                )
            elif kind == _CERTIFICATE:
                certificates.append(_octets(inner.children[1].children[0]))
    (key,) = keys
    return KeyStore(key, certificates[0], tuple(certificates[1:]))


def _octets(element: Element) -> bytes:
    return (
        b"".join(_octets(part) for part in element.children)
        if element.children
        else element.content
    )


def _safe_contents(info: Element, password: str) -> bytes:
    if der.oid(info.children[0], "content") == _DATA:
        return _octets(info.children[1].children[0])
    assert der.oid(info.children[0], "content") == _ENCRYPTED_DATA
    encrypted = info.children[1].children[0].children[1]
    return _decrypt(encrypted.children[1], _octets(encrypted.children[2]), password)


def _private_scalar(pkcs8: bytes) -> int:
    """The number in a PrivateKeyInfo of the authority: an OCTET STRING, the least significant byte
    first.
    """
    inner = der.read_tree(der.read_tree(pkcs8).children[2].content)
    return int.from_bytes(der.octets(inner, "private key"), "little")


def _decrypt(algorithm: Element, ciphertext: bytes, password: str) -> bytes:
    kind = der.oid(algorithm.children[0], "cipher")
    salt = algorithm.children[1].children[0].content
    rounds = der.integer(algorithm.children[1].children[1], "rounds")
    iv = _derive(password, salt, rounds, purpose=2, size=8)
    if kind == _3DES:
        key = _derive(password, salt, rounds, purpose=1, size=24)
        decryptor = Cipher(TripleDES(key), modes.CBC(iv)).decryptor()
        plain = decryptor.update(ciphertext) + decryptor.finalize()
    else:
        assert kind == _RC2_40
        plain = _rc2_cbc(_derive(password, salt, rounds, purpose=1, size=5), iv, ciphertext)
    return plain[: -plain[-1]]


def _derive(password: str, salt: bytes, rounds: int, *, purpose: int, size: int) -> bytes:
    """RFC 7292 §B.2 with SHA-1; `purpose` 1 is a key, 2 an initial vector."""
    secret = (password + "\0").encode("utf-16-be")
    state = b"".join(
        (text * (64 // len(text) + 1) * len(text))[: -(-len(text) // 64) * 64]
        for text in (salt, secret)
    )
    derived = b""
    while len(derived) < size:
        block = bytes([purpose]) * 64 + state
        for _ in range(rounds):
            block = hashlib.sha1(block).digest()  # noqa: S324
        derived += block
        step = int.from_bytes((block * 4)[:64], "big") + 1
        parts = (int.from_bytes(state[at : at + 64], "big") for at in range(0, len(state), 64))
        state = b"".join(((part + step) % (1 << 512)).to_bytes(64, "big") for part in parts)
    return derived[:size]


def _rc2_cbc(key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    expanded = _rc2_expand(key)
    plain = b""
    for at in range(0, len(ciphertext), 8):
        block = ciphertext[at : at + 8]
        plain += bytes(a ^ b for a, b in zip(_rc2_block(expanded, block), iv, strict=True))
        iv = block
    return plain


def _rc2_expand(key: bytes) -> list[int]:
    """RFC 2268 §2 with as many effective bits as the key has."""
    table = bytearray(key)
    while len(table) < 128:
        table.append(_RC2_TABLE[(table[-1] + table[-len(key)]) & 0xFF])
    table[128 - len(key)] = _RC2_TABLE[table[128 - len(key)]]
    for at in reversed(range(128 - len(key))):
        table[at] = _RC2_TABLE[table[at + 1] ^ table[at + len(key)]]
    return [table[at] | table[at + 1] << 8 for at in range(0, 128, 2)]


def _rc2_block(expanded: list[int], block: bytes) -> bytes:
    """RFC 2268 §4: sixteen mixing rounds undone, with a mashing round undone after the fifth and
    the eleventh.
    """
    r = [block[at] | block[at + 1] << 8 for at in range(0, 8, 2)]
    position = 63
    for done in range(16):
        for i, turn in ((3, 5), (2, 3), (1, 2), (0, 1)):
            r[i] = (r[i] >> turn | r[i] << (16 - turn)) & 0xFFFF
            mixed = expanded[position] + (r[i - 1] & r[i - 2]) + (~r[i - 1] & r[i - 3])
            r[i] = (r[i] - mixed) & 0xFFFF
            position -= 1
        if done in (4, 10):
            for i in (3, 2, 1, 0):
                r[i] = (r[i] - expanded[r[i - 1] & 63]) & 0xFFFF
    return b"".join(value.to_bytes(2, "little") for value in r)
