"""Signed notes and checkpoints of the log. Pure.

A note is text, a blank line and signature lines. A checkpoint is a note of three lines: origin,
size, root.
We write and accept no extension lines, and sign with Ed25519 only.
Source: C2SP signed-note, C2SP tlog-checkpoint.
"""

import binascii
import hashlib
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from verification.core.errors import BadInput, LogInconsistent
from verification.log import policy
from verification.log.tree import HASH_BYTES

# C2SP signed-note: the signature type, which is hashed into a key's id.
ED25519: Final = b"\x01"
# C2SP signed-note: each signature line begins with an em dash and a space.
_DASH: Final = "\u2014 "
_KEY_ID_BYTES: Final = 4
_PUBLIC_KEY_BYTES: Final = 32


@dataclass(frozen=True)
class VerificationKey:
    """The public key of a log under its name. `id`: the four bytes that name it in a signature
    line.
    """

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise ValueError(
                "a key name must not be empty or have spaces, plus signs or control characters"
            )
        if len(self.public) != _PUBLIC_KEY_BYTES:
            raise ValueError(f"an Ed25519 public key has {_PUBLIC_KEY_BYTES} bytes")

    @property
    def id(self) -> bytes:
        """SHA-256(name LF type key), the first four bytes. Source: C2SP signed-note."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[
            :_KEY_ID_BYTES
        ]

    def __str__(self) -> str:
        """The key in verifiers' form: `name+id+base64(type key)`."""
        return f"{self.name}+{self.id.hex()}+{b64encode(ED25519 + self.public).decode()}"


@dataclass(frozen=True)
class SigningKey:
    """The private key of a log under its name; printing it shows the name only."""

    name: str
    seed: bytes = field(repr=False)

    @property
    def public(self) -> VerificationKey:
        """The key that verifies its signatures."""
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        return VerificationKey(name=self.name, public=private.public_key().public_bytes_raw())


@dataclass(frozen=True)
class Checkpoint:
    """The size of a log and the root over all its leaves."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, untrusted: str) -> Self:
        """The checkpoint in the text of a note.

        Raises: `BadInput` for any other form.
        """
        lines = untrusted.split("\n")
        if len(lines) != 4 or lines[3]:
            raise BadInput("a checkpoint has exactly three lines")
        if not lines[0]:
            raise BadInput("a checkpoint has an origin")
        return cls(origin=lines[0], size=parse_decimal(lines[1]), root=parse_hash(lines[2]))


@dataclass(frozen=True)
class Signature:
    """One signature line: the claimed name, the key's id, and the signature's bytes."""

    name: str
    key_id: bytes
    value: bytes


@dataclass(frozen=True)
class Note:
    """A parsed note, untrusted until a known key verifies it."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, untrusted: str) -> Self:
        """Splits text from signatures.

        Raises: `BadInput` for a note outside C2SP signed-note.
        """
        # In bytes, including half characters, which are refused next.
        if len(untrusted.encode(errors="replace")) > policy.NOTE_BYTES:
            raise BadInput("the note is too large")
        # Half of a surrogate pair is one character in Python and not UTF-8: the signed bytes could
        # not be derived.
        if any(
            (character < " " and character != "\n") or "\ud800" <= character <= "\udfff"
            for character in untrusted
        ):
            raise BadInput("the note has control characters or is no valid Unicode")
        # The last blank line divides: the text may contain blank lines, the signatures may not.
        text, blank, tail = untrusted.rpartition("\n\n")
        if not blank or not tail.endswith("\n"):
            raise BadInput("the note has no signatures, or its last line does not end")
        lines = tail[:-1].split("\n")
        if len(lines) > policy.NOTE_SIGNATURES:
            raise BadInput("the note has too many signatures")
        signatures = []
        for line in lines:
            name, space, encoded = line.removeprefix(_DASH).rpartition(" ")
            if not line.startswith(_DASH):
                raise BadInput("a signature line begins with an em dash and a space")
            if not space or not is_key_name(name):
                raise BadInput("a signature line has a key name and a signature")
            value = parse_base64(encoded)
            if len(value) <= _KEY_ID_BYTES:
                raise BadInput("a signature is longer than its key id")
            signatures.append(
                Signature(name=name, key_id=value[:_KEY_ID_BYTES], value=value[_KEY_ID_BYTES:])
            )
        return cls(text=f"{text}\n", signatures=tuple(signatures))


def sign(checkpoint: Checkpoint, *, key: SigningKey) -> str:
    """The checkpoint as a signed note."""
    value = Ed25519PrivateKey.from_private_bytes(key.seed).sign(checkpoint.text.encode())
    return f"{checkpoint.text}\n{_DASH}{key.name} {b64encode(key.public.id + value).decode()}\n"


def open_checkpoint(untrusted: str, *, key: VerificationKey) -> Checkpoint:
    """The checkpoint in a note, if this key signed it and the origin is the key's name.

    Signatures of other keys are skipped.

    Raises: `BadInput` for an unreadable note or checkpoint, `LogInconsistent` for a failed
    verification.
    """
    note = Note.parse(untrusted)
    # Witnesses may sign as well (C2SP tlog-cosignature): their signatures are neither needed nor
    # harmful.
    mine = [
        signature
        for signature in note.signatures
        if (signature.name, signature.key_id) == (key.name, key.id)
    ]
    if len(mine) != 1:
        raise LogInconsistent(f"the note has {len(mine)} signatures of {key.name}, not one")
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(mine[0].value, note.text.encode())
    except InvalidSignature:
        raise LogInconsistent(f"the signature of {key.name} does not verify") from None
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != key.name:
        raise LogInconsistent("the checkpoint is of another log")
    return checkpoint


def is_key_name(text: str) -> bool:
    """Whether a text can be a key name: not empty, no Unicode spaces, no plus sign, nothing
    below U+0020.
    """
    return bool(text) and not any(
        character.isspace() or character < " " or character == "+" for character in text
    )


def parse_decimal(untrusted: str) -> int:
    """A number up to `policy.SIZE` in ASCII digits without leading zeros.

    Raises: `BadInput` otherwise.
    """
    if not (untrusted.isascii() and untrusted.isdecimal()) or len(untrusted) > len(
        str(policy.SIZE)
    ):
        raise BadInput("a number has 1 to 19 decimal digits")
    if (untrusted[0] == "0" and untrusted != "0") or int(untrusted) > policy.SIZE:
        raise BadInput("a number has no leading zeros and is below 2⁶³")
    return int(untrusted)


def parse_hash(untrusted: str) -> bytes:
    """A SHA-256 hash from its base64.

    Raises: `BadInput` otherwise.
    """
    value = parse_base64(untrusted)
    if len(value) != HASH_BYTES:
        raise BadInput(f"a hash has {HASH_BYTES} bytes")
    return value


def parse_base64(untrusted: str) -> bytes:
    """Bytes from standard base64 in its canonical form.

    Raises: `BadInput` otherwise.
    """
    try:
        value = b64decode(untrusted, validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("not base64") from None
    # Unused bits in the last character give up to sixteen spellings of the same bytes.
    if b64encode(value).decode() != untrusted:
        raise BadInput("base64 that is not in canonical form")
    return value
