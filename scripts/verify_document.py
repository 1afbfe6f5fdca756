"""Verifies a signed document of an identification, on a machine without a network. Needs Python and
`cryptography`.

Usage: python verify_document.py FILE --jwks KEYS [--test] [--extract DIR]

KEYS is what the installation serves at /.well-known/jwks.json; get it once in a way that you trust,
and keep it.

Steps: 1 sizes · 2 one spelling, no byte more · 3 a key of KEYS for documents
· 4 the signature · 5 the mode of the key · 6 the type, and every picture's hash.
Exit 0: valid; 1: invalid; 2: unreadable.
"""

import argparse
import json
import sys
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FILE_MAX_BYTES = 16_000_000  # 50 frames of 40 KB, base64 twice, are 3.6 MB
KEYS_MAX_BYTES = 1_000_000
JWS_TYPE, TYPE, VERSION = "tulga-identification+jws", "tulga.identification", 1


class Unreadable(Exception):
    """The file is not in the form of a document."""


class Refused(Exception):
    """A document whose verification failed."""


def main() -> int:
    """Prints the document's content, or the reason of a failure."""
    parser = argparse.ArgumentParser(description="Verify a signed identification document offline.")
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--jwks", type=Path, required=True, metavar="KEYS", help="the installation's public keys"
    )
    parser.add_argument("--test", action="store_true", help="accept a document of test mode")
    parser.add_argument("--extract", type=Path, metavar="DIR", help="write its pictures into DIR")
    options = parser.parse_args()
    # A console without the letter "ұ" must not make a good document look bad.
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    try:
        document = verify(
            read(options.file, FILE_MAX_BYTES),
            read(options.jwks, KEYS_MAX_BYTES),
            test=options.test,
        )
        print(json.dumps(without_pictures(document), ensure_ascii=False, indent=1))
        if options.extract:
            extract(document, options.extract)
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


def verify(untrusted: bytes, keys: bytes, *, test: bool) -> dict[str, Any]:
    """The document, verified step by step.

    Raises: `Unreadable` or `Refused`.
    """
    jws = canonical(untrusted)  # 2
    if jws.keys() != {"payload", "protected", "signature"} or not all(
        isinstance(part, str) for part in jws.values()
    ):
        raise Unreadable("no flattened JSON Web Signature")
    header = canonical(from_base64(jws["protected"]))
    payload, signature = from_base64(jws["payload"]), from_base64(jws["signature"])
    if header.keys() != {"alg", "kid", "typ"} or (header["alg"], header["typ"]) != (
        "EdDSA",
        JWS_TYPE,
    ):
        raise Refused("signed in another way than documents are")
    public, mode = key_of(header["kid"], keys)  # 3
    try:
        public.verify(signature, f"{jws['protected']}.{jws['payload']}".encode())  # 4
    except InvalidSignature:
        raise Refused(
            "the signature does not hold: the document was changed, or is another key's"
        ) from None
    document = canonical(payload)
    if document.get("mode") != mode:  # 5
        raise Refused(f"a key for {mode} signed a document of another mode")
    if mode != "live" and not test:
        raise Refused("a test document: it identifies no person (--test accepts it)")
    if (document.get("type"), document.get("version")) != (TYPE, VERSION):  # 6
        raise Refused("another type or version than this program knows")
    if any(sha256(jpeg).hexdigest() != digest for digest, jpeg in pictures(document)):
        raise Refused("a picture is not the one of its hash")
    return document


def canonical(untrusted: bytes) -> dict[str, Any]:
    """A JSON object in canonical form, which is unique."""
    try:
        value = json.loads(untrusted)
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        value, text = None, b""
    if not isinstance(value, dict) or text != untrusted:
        raise Unreadable("no JSON object in canonical spelling")
    return value


def from_base64(untrusted: str) -> bytes:
    """The bytes of base64url without padding, in canonical form."""
    try:
        content = urlsafe_b64decode(untrusted + "=" * (-len(untrusted) % 4))
    except ValueError:
        content = b""
    if urlsafe_b64encode(content).rstrip(b"=").decode() != untrusted:
        raise Unreadable("no base64url")
    return content


def key_of(kid: object, keys: bytes) -> tuple[Ed25519PublicKey, str]:
    """The key of this id and its mode. The id is the key's own hash: RFC 7638."""
    try:
        key_object = next((key for key in json.loads(keys)["keys"] if key.get("kid") == kid), None)
        if key_object is None:
            raise Refused("signed by a key that is not among the given ones")
        required = {name: str(key_object[name]) for name in ("crv", "kty", "x")}
        hashed = sha256(json.dumps(required, separators=(",", ":")).encode()).digest()
        if hashed != from_base64(str(kid)) or (required["kty"], required["crv"]) != (
            "OKP",
            "Ed25519",
        ):
            raise Refused("the key is not the one of its id")
        return Ed25519PublicKey.from_public_bytes(from_base64(required["x"])), str(
            key_object["mode"]
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Unreadable("the keys are no JSON Web Key Set of ours") from None


def pictures(document: dict[str, Any]) -> list[tuple[str, bytes]]:
    """Hash and bytes of every picture; None for frames of which only the hash is left."""
    try:
        frames = [
            frame for command in document["live_image"]["commands"] for frame in command["frames"]
        ]
        present = [entry for entry in frames if entry["jpeg"] is not None]
        return [
            (str(entry["sha256"]), b64decode(entry["jpeg"], validate=True)) for entry in present
        ]
    except (ValueError, KeyError, TypeError):
        raise Unreadable("the pictures cannot be read") from None


def without_pictures(document: dict[str, Any]) -> dict[str, Any]:
    """The whole content, with pictures by their names only."""
    live = document["live_image"]
    commands = [
        {**command, "frames": [frame["name"] for frame in command["frames"]]}
        for command in live["commands"]
    ]
    return {**document, "live_image": {**live, "commands": commands}}


def extract(document: dict[str, Any], folder: Path) -> None:
    """Writes each picture under its number and hash: no name from the document names a file."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (digest, jpeg) in enumerate(pictures(document), start=1):
        (folder / f"{number:03}-{digest[:16]}.jpg").write_bytes(jpeg)


if __name__ == "__main__":
    sys.exit(main())
