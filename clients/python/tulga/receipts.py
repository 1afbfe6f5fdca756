"""The receipt of a decision, verified offline by the steps of scripts/verify_receipt.py. Pure.

1. Size.
2. Its key, certified if a root is given.
3. Its signature, mode and type.
4. The log's entry names this receipt and agrees with it.
5. The log's key signed the checkpoint.
6. The entry is in the log.
7. The person it is about.
"""

import hmac
import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from tulga import checkpoints
from tulga.errors import Refused
from tulga.fields import value_of
from tulga.narrowing import members
from tulga.resources import Receipt
from tulga.signed import from_base64, is_certified, is_signed, key_set, parsed, require

ANSWER_MAX_BYTES = (
    4_000_000  # a receipt names every piece of evidence but pictures: some tens of kilobytes
)
PROOF_HASHES_MAX = 63  # C2SP tlog-proof
JWS_TYPE, TYPE, VERSION = "tulga-receipt+jws", "tulga.receipt", 1
PROOF_TYPE, TEXTS = "c2sp.org/tlog-proof@v1", ("leaf", "proof", "checkpoint")


def verify(
    answer: bytes,
    keys: bytes,
    *,
    root: bytes | None = None,
    test: bool = False,
    about: Mapping[str, str | None] = {},
) -> Receipt:
    """The receipt in the answer of `get_receipt`, verified with the keys of `get_keys`.

    root: the operator's root.pub; without it you must have received the keys in a trusted way.
    test: also accept one of test mode.
    about: its required subject, by `iin` and `payout_account`.

    Raises: `Refused`, `BadAnswer`.
    """
    require(len(answer) <= ANSWER_MAX_BYTES, "the answer is too large")  # 1
    said = parsed(answer, "the answer")
    jws, log = said.get("receipt"), members(said.get("log"))
    if (
        not isinstance(jws, str)
        or log is None
        or not all(isinstance(log.get(one), str) for one in TEXTS)
    ):
        raise Refused("no answer with a receipt and its place in the log")
    receipt = _signed(jws, key_set(keys, "keys"), root)
    require(test or receipt.get("mode") == "live", "a test receipt: it identifies no person")
    leaf = str(log["leaf"]).encode()
    _is_named(parsed(leaf, "the entry", is_canonical=True), receipt, jws)  # 4
    index, hashes, note = _proof_of(log)
    key = checkpoints.log_key(keys, mode=receipt["mode"], root=root)
    checkpoint = checkpoints.verify(note, key=key)  # 5
    led_to = checkpoints.root_over(leaf, index=index, size=checkpoint.size, hashes=hashes)  # 6
    require(
        led_to == checkpoint.root, "the proof does not lead from the entry to the signed checkpoint"
    )
    for name in (name for name, plain in about.items() if plain is not None):
        _is_about(receipt, said.get("openings"), name, str(about[name]))  # 7
    told: Receipt = value_of(Receipt, receipt, "receipt")
    return told


def _signed(jws: str, keys: list[dict[str, Any]], root: bytes | None) -> dict[str, Any]:
    """The payload of a compact JSON Web Signature by one of these keys."""
    parts = jws.split(".")
    require(len(parts) == 3, "not a compact JSON Web Signature")
    header, payload, signature = (from_base64(part, url=True) for part in parts)
    protected = parsed(header, "the header", is_canonical=True)
    require(
        protected == {"alg": "EdDSA", "kid": protected.get("kid"), "typ": JWS_TYPE},
        "signed in another way",
    )
    found = next((key for key in keys if key.get("kid") == protected["kid"]), None)
    if found is None:
        raise Refused("signed by a key that is not among the given ones")
    spelled = str(found.get("x"))
    required = json.dumps(
        {"crv": "Ed25519", "kty": "OKP", "x": spelled}, separators=(",", ":")
    )  # RFC 7638
    thumbprint = sha256(required.encode()).digest()
    require(
        from_base64(str(protected["kid"]), url=True) == thumbprint,
        "the key is not the one of its id",
    )
    public = from_base64(spelled, url=True)
    is_certified(found, public, kind="document", root=root)  # 2
    is_signed(public, signature, f"{parts[0]}.{parts[1]}".encode(), "receipt")  # 3
    receipt = parsed(payload, "the receipt", is_canonical=True)
    require(
        receipt.get("mode") == found.get("mode"), "a key of one mode signed a receipt of another"
    )
    require(
        (receipt.get("type"), receipt.get("version")) == (TYPE, VERSION),
        "another type or version than is known",
    )
    return receipt


def _is_named(entry: dict[str, Any], receipt: dict[str, Any], jws: str) -> None:
    """Raises: `Refused` unless the entry names this receipt and agrees with its decision."""
    body = members(entry.get("body"))
    if body is None or body.get("receipt") != sha256(jws.encode()).hexdigest():
        raise Refused("the entry of the log names another receipt")
    is_about = all(
        entry.get(name) == receipt.get(name) for name in ("mode", "verification", "lender")
    )
    require(is_about, "the entry of the log is about another verification")
    if entry.get("type") == "receipt.issued":  # a cancellation by the lender has no worker's entry
        is_same = receipt.get("status") == "canceled"
    else:
        law = {"id": body.get("profile"), "sha256": body.get("profile_sha256")}
        told = (
            f"verification.{receipt.get('status')}",
            *(receipt.get(name) for name in ("decided_at", "code")),
        )
        is_same = (entry.get("type"), entry.get("at"), body.get("code") or None, law) == (
            *told,
            receipt.get("profile"),
        )
    require(is_same, "the entry of the log is about another decision")


def _proof_of(log: dict[str, Any]) -> tuple[int, list[bytes], str]:
    """The place, the hashes and the checkpoint of a tlog-proof, which must equal those given
    beside it.
    """
    head, blank, note = log["proof"].partition("\n\n")
    lines = head.split("\n")
    found = re.fullmatch(f"index ({checkpoints.SIZE})", lines[1] if len(lines) > 1 else "")
    if not blank or lines[0] != PROOF_TYPE or found is None or len(lines) > PROOF_HASHES_MAX + 2:
        raise Refused("a proof in an unknown form")
    index, beside = int(found[1]), log.get("index")
    is_beside = type(beside) is int and index == beside and note == log["checkpoint"]
    require(is_beside, "the proof has another place or checkpoint than the answer")
    return index, [from_base64(line, 32) for line in lines[2:]], note


def _is_about(receipt: dict[str, Any], openings: object, name: str, plain: str) -> None:
    """Raises: `Refused` if the commitment under a name does not match the given value."""
    committed = members(receipt.get("commitments"))
    salt = (members(openings) or {}).get(name)
    if committed is None or not isinstance(salt, str) or not re.fullmatch(r"[0-9a-f]{32}", salt):
        raise Refused(f"the salt of the commitment to the {name} is missing")
    made = hmac.digest(bytes.fromhex(salt), plain.encode(errors="replace"), "sha256").hex()
    require(
        made == committed.get(name),
        f"the receipt is about another {name}, or has another salt",
    )
