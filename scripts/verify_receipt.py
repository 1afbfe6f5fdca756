"""Verifies the receipt of a decision, on a machine without a network. Needs Python and
`cryptography`.

Usage: python verify_receipt.py FILE --jwks KEYS [--root ROOT] [--test] [--iin IIN] [--account IBAN]

FILE is the answer of GET /v1/verifications/{id}/receipt. KEYS is what the installation serves at
/.well-known/jwks.json. ROOT is the file of the operator's public root key; with it, KEYS may come
from anywhere. Without ROOT, get KEYS once in a way that you trust, and keep it.

Steps: 1 sizes · 2 the receipt's key,
certified if there is a root · 3 its signature, mode, type · 4 the log's entry names this receipt
and says the same · 5 the log's key signed the checkpoint · 6 the entry is in the log · 7 the
commitments of the values given.
Exit 0: valid; 1: invalid; 2: unreadable.
"""

import argparse
import hmac
import json
import re
import sys
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FILE_MAX_BYTES = (
    4_000_000  # a receipt names every piece of evidence but pictures: some tens of kilobytes
)
KEYS_MAX_BYTES = 1_000_000
PROOF_HASHES_MAX = 63  # C2SP tlog-proof
JWS_TYPE, TYPE, VERSION = "tulga-receipt+jws", "tulga.receipt", 1
CERTIFIED = "tulga-certificate-v1"
PROOF_TYPE = "c2sp.org/tlog-proof@v1"
OPENED = ("iin", "payout_account")


class Unreadable(Exception):
    """The input is not in the form of a receipt, of keys or of a root."""


class Refused(Exception):
    """A receipt whose verification failed."""


def main() -> int:
    """Prints the receipt's content, or the reason of a failure."""
    parser = argparse.ArgumentParser(description="Verify the receipt of a decision offline.")
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--jwks", type=Path, required=True, metavar="KEYS", help="the installation's public keys"
    )
    parser.add_argument(
        "--root", type=Path, help="the operator's root.pub, which must have certified the keys"
    )
    parser.add_argument("--test", action="store_true", help="accept a receipt of test mode")
    parser.add_argument("--iin", help="the borrower it must be about")
    parser.add_argument("--account", metavar="IBAN", help="the payout account it must be about")
    options = parser.parse_args()
    # A console without the letter "ұ" must not make a good receipt look bad.
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    try:
        root = read(options.root, KEYS_MAX_BYTES) if options.root else None
        answer, keys = read(options.file, FILE_MAX_BYTES), read(options.jwks, KEYS_MAX_BYTES)
        about = {"iin": options.iin, "payout_account": options.account}
        print(
            json.dumps(
                verify(answer, keys, root=root, test=options.test, about=about),
                ensure_ascii=False,
                indent=1,
            )
        )
    except (Refused, Unreadable, OSError) as fault:
        print(f"{type(fault).__name__}: {fault}", file=sys.stderr)
        return 1 if isinstance(fault, Refused) else 2
    return 0


def read(path: Path, most: int) -> bytes:
    """The file's bytes. 1: limited in size."""
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise Unreadable(f"{path.name} has more than {most} bytes")
    return content


def verify(
    answer: bytes,
    keys: bytes,
    *,
    root: bytes | None = None,
    test: bool = False,
    about: Mapping[str, str | None] = {},
) -> dict[str, Any]:
    """The receipt, verified step by step. about: its required subject, by `OPENED`.

    Raises: `Unreadable` or `Refused`.
    """
    body = parsed(answer, "the answer")
    jws, log = body.get("receipt"), body.get("log")
    if not isinstance(jws, str) or not isinstance(log, dict):
        raise Unreadable("no answer with a receipt and its place in the log")
    public = None if root is None else from_base64(parsed(root, "the root").get("public"), 32)
    receipt = signed_receipt(jws, key_set(keys, "keys"), public)
    if receipt.get("mode") != "live" and not test:
        raise Refused("a test receipt: it identifies no person (--test accepts it)")
    names_receipt(canonical(text_of(log, "leaf").encode()), receipt, jws)  # 4
    index, hashes, note = proof_of(log)
    size, top = checkpoint_of(
        note, log_key(receipt["mode"], key_set(keys, "log_keys"), public)
    )  # 5
    if root_over(text_of(log, "leaf").encode(), index=index, size=size, hashes=hashes) != top:  # 6
        raise Refused("the proof does not lead from the entry to the signed checkpoint")
    is_about(receipt, body.get("openings"), about)  # 7
    return receipt


def signed_receipt(jws: str, keys: list[dict[str, Any]], root: bytes | None) -> dict[str, Any]:
    """The payload of a compact JSON Web Signature by one of these keys."""
    parts = jws.split(".")
    if len(parts) != 3:
        raise Unreadable("no compact JSON Web Signature")
    header, payload, signature = (from_base64url(part) for part in parts)
    protected = canonical(header)
    if protected.keys() != {"alg", "kid", "typ"} or (protected["alg"], protected["typ"]) != (
        "EdDSA",
        JWS_TYPE,
    ):
        raise Refused("signed in another way than receipts are")
    key_object = next((key for key in keys if key.get("kid") == protected["kid"]), None)
    if key_object is None:
        raise Refused("signed by a key that is not among the given ones")
    text = str(key_object.get("x"))
    required = json.dumps(
        {"crv": "Ed25519", "kty": "OKP", "x": text}, separators=(",", ":")
    )  # RFC 7638
    if from_base64url(str(protected["kid"])) != sha256(required.encode()).digest():
        raise Refused("the key is not the one of its id")
    public = from_base64url(text)
    is_certified(key_object, public, kind="document", root=root)  # 2
    is_signed(public, signature, f"{parts[0]}.{parts[1]}".encode(), "receipt")  # 3
    receipt = canonical(payload)
    if receipt.get("mode") != key_object.get("mode"):
        raise Refused("a key of one mode signed a receipt of another")
    if (receipt.get("type"), receipt.get("version")) != (TYPE, VERSION):
        raise Refused("another type or version than this program knows")
    return receipt


def names_receipt(entry: dict[str, Any], receipt: dict[str, Any], jws: str) -> None:
    """Raises: `Refused` unless the entry names this receipt and agrees with its decision."""
    body = entry.get("body")
    if not isinstance(body, dict) or body.get("receipt") != sha256(jws.encode()).hexdigest():
        raise Refused("the entry of the log names another receipt")
    if any(entry.get(name) != receipt.get(name) for name in ("mode", "verification", "lender")):
        raise Refused("the entry of the log is about another verification")
    if entry.get("type") == "receipt.issued":  # a cancellation by the lender has no worker's entry
        is_same = receipt.get("status") == "canceled"
    else:
        law = {"id": body.get("profile"), "sha256": body.get("profile_sha256")}
        claim = (entry.get("type"), entry.get("at"), body.get("code") or None, law)
        expected = (
            f"verification.{receipt.get('status')}",
            *(receipt.get(name) for name in ("decided_at", "code")),
        )
        is_same = claim == (*expected, receipt.get("profile"))
    if not is_same:
        raise Refused("the entry of the log is about another decision")


def proof_of(log: dict[str, Any]) -> tuple[int, list[bytes], str]:
    """The place, the hashes and the checkpoint of a tlog-proof, which must equal those given
    beside it.
    """
    head, blank, note = text_of(log, "proof").partition("\n\n")
    lines = head.split("\n")
    match = re.fullmatch(r"index (0|[1-9][0-9]{0,18})", lines[1] if len(lines) > 1 else "")
    if not blank or lines[0] != PROOF_TYPE or match is None or len(lines) > PROOF_HASHES_MAX + 2:
        raise Unreadable("no proof that this program knows")
    index, stated = int(match[1]), log.get("index")
    if type(stated) is not int or index != stated or note != text_of(log, "checkpoint"):
        raise Refused("the proof is of another place or checkpoint than is said beside it")
    return index, [from_base64(line, 32) for line in lines[2:]], note


def checkpoint_of(note: str, public: bytes) -> tuple[int, bytes]:
    """Size and root in a C2SP checkpoint signed by the log's key."""
    text, blank, tail = note.rpartition("\n\n")
    lines, signatures = text.split("\n"), tail.split("\n")[:-1]
    size = lines[1] if len(lines) == 3 else ""
    if (
        not blank
        or not tail.endswith("\n")
        or re.fullmatch(r"0|[1-9][0-9]{0,18}", size) is None
        or not lines[0]
    ):
        raise Unreadable("no checkpoint")
    name = sha256(f"{lines[0]}\n".encode() + b"\x01" + public).digest()[:4]
    begins = f"\u2014 {lines[0]} "
    decoded = [
        from_base64(line.removeprefix(begins), 68) for line in signatures if line.startswith(begins)
    ]
    of_log = [line[4:] for line in decoded if line[:4] == name]
    if len(of_log) != 1:
        raise Refused("the checkpoint is not signed by the log's key")
    is_signed(public, of_log[0], f"{text}\n".encode(), "checkpoint")
    return int(size), from_base64(lines[2], 32)


def root_over(leaf: bytes, *, index: int, size: int, hashes: list[bytes]) -> bytes | None:
    """The root to which a proof leads from a leaf; None if the length is wrong. Source: RFC
    9162, 2.1.3.2.
    """
    if index >= size:
        return None
    number, last, value = index, size - 1, sha256(b"\x00" + leaf).digest()
    for sibling in hashes:
        if last == 0:
            return None
        if number & 1 or number == last:
            value = sha256(b"\x01" + sibling + value).digest()
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            value = sha256(b"\x01" + value + sibling).digest()
        number, last = number >> 1, last >> 1
    return None if last else value


def is_about(receipt: dict[str, Any], openings: object, about: Mapping[str, str | None]) -> None:
    """Raises: `Refused` if a required commitment does not match the given value."""
    for name in OPENED:
        if (value := about.get(name)) is None:
            continue
        committed = receipt.get("commitments")
        if not isinstance(openings, dict) or not isinstance(committed, dict):
            raise Refused(f"there is nothing that opens the commitment to the {name}")
        salt = openings.get(name)
        if not isinstance(salt, str) or re.fullmatch(r"[0-9a-f]{32}", salt) is None:
            raise Unreadable(f"the salt of the {name} is no 16 bytes in hex")
        if hmac.digest(
            bytes.fromhex(salt), value.encode(errors="replace"), "sha256"
        ).hex() != committed.get(name):
            raise Refused(f"the receipt is about another {name}, or the salt is another's")


def log_key(mode: str, keys: list[dict[str, Any]], root: bytes | None) -> bytes:
    """The public key of a mode's log."""
    matching = [key for key in keys if key.get("mode") == mode]
    if len(matching) != 1:
        raise Refused(f"the given keys have {len(matching)} of the {mode} log, not one")
    public = from_base64url(str(matching[0].get("x")))
    is_certified(matching[0], public, kind="log", root=root)
    return public


def is_certified(key: dict[str, Any], public: bytes, *, kind: str, root: bytes | None) -> None:
    """Raises: `Refused` unless the root certified a key for this, or no root was given."""
    if root is None:
        return
    mode, number = str(key.get("mode")), key.get("number")
    claim = {
        "kind": kind,
        "mode": mode,
        "number": number if type(number) is int else None,
        "public": public.hex(),
    }
    message = json.dumps(
        {"context": CERTIFIED, **claim}, sort_keys=True, separators=(",", ":")
    ).encode()
    is_signed(
        root,
        from_base64(key.get("certificate"), 64),
        message,
        f"root's certificate of the {kind} key",
    )


def is_signed(public: bytes, signature: bytes, message: bytes, subject: str) -> None:
    """Raises: `Refused` unless this key signed the message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except ValueError:
        raise Unreadable(
            f"the key that should have signed the {subject} is no Ed25519 key"
        ) from None
    except InvalidSignature:
        raise Refused(
            f"the signature of the {subject} does not hold: it was changed, or is another key's"
        ) from None


def key_set(keys: bytes, name: str) -> list[dict[str, Any]]:
    """The keys under a name of the set."""
    value = parsed(keys, "the key set").get(name)
    if not isinstance(value, list) or not all(isinstance(key, dict) for key in value):
        raise Unreadable(f"the keys are no set of ours with {name}")
    return value


def text_of(log: dict[str, Any], name: str) -> str:
    """A text beside the receipt that is encodable."""
    value = log.get(name)
    if not isinstance(value, str) or any("\ud800" <= character <= "\udfff" for character in value):
        raise Unreadable(f"the {name} beside the receipt is no text")
    return value


def parsed(untrusted: bytes, subject: str) -> dict[str, Any]:
    """A JSON object in any form."""
    try:
        value = json.loads(untrusted)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Unreadable(f"{subject} is no JSON object")
    return value


def canonical(untrusted: bytes) -> dict[str, Any]:
    """A JSON object in canonical form, which is unique."""
    value = parsed(untrusted, "what was signed")
    try:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        text = b""
    if text != untrusted:
        raise Unreadable("no JSON object in canonical spelling")
    return value


def from_base64url(untrusted: str) -> bytes:
    """The bytes of base64url without padding, in canonical form."""
    try:
        content = urlsafe_b64decode(untrusted + "=" * (-len(untrusted) % 4))
    except ValueError:
        content = b""
    if urlsafe_b64encode(content).rstrip(b"=").decode() != untrusted:
        raise Unreadable("no base64url")
    return content


def from_base64(untrusted: object, length: int) -> bytes:
    """So many bytes of base64, in canonical form."""
    try:
        content = b64decode(str(untrusted), validate=True)
    except ValueError:
        content = b""
    if len(content) != length or b64encode(content).decode() != untrusted:
        raise Unreadable(f"no {length} bytes of base64")
    return content


if __name__ == "__main__":
    sys.exit(main())
