"""Keys from a directory: a folder per process, read once at start; a missing key has no substitute.

    root/root.key       certifies the others; belongs off every machine that runs a process
    web/                django, kek-N, index-N, door-MODE-N
    worker/             kek-N, index-N, code-N, evidence-N, decision-MODE-N, document-MODE-N
    tick/               log-MODE
    sender/             webhook-N, sender-MODE-N
    public/             root.pub, webhook-N.pub, evidence-N.pub, and for each signing key
                        KIND-MODE-N.pub, certified by the root

A process reads its own folder and the public one. Signatures of uncertified keys do not count.
Web seals the secrets of webhooks to webhook-N.pub, and only the sender's webhook-N.key opens them.
The keys of evidence are sealed to evidence-N.pub, and only workers' evidence-N.key opens them.
"""

import base64
import json
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from verification.core.certificates import (
    BOX_KINDS,
    PROCESSES,
    PUBLIC_BYTES,
    Certified,
    box_key_of,
    public_of,
    read_certified,
)
from verification.core.errors import Misconfigured

KEY_BYTES = 32
"""Length of every key: 256 bits, for AES-256, HMAC-SHA256 and an Ed25519 seed."""
EVERY = "every"
"""One process with all roles, as under test. Live mode refuses it."""

_NUMBER = "[1-9][0-9]{0,3}"
_SIGNING = rf"log-(?:test|live)|(?:document|decision|door|sender)-(?:test|live)-{_NUMBER}"
_NAME = re.compile(rf"django|(?:kek|index|webhook|code|evidence)-{_NUMBER}|{_SIGNING}")
_NAMES = (
    "django.key, kek-N.key, index-N.key, webhook-N.key, code-N.key, evidence-N.key,"
    " log-MODE.key, document-MODE-N.key, decision-MODE-N.key, door-MODE-N.key, sender-MODE-N.key"
)
_PUBLIC_NAME = re.compile(_SIGNING)
_BOX_PUBLIC_NAME = re.compile(rf"({'|'.join(BOX_KINDS)})-({_NUMBER})")

Numbered = dict[str, dict[int, bytes]]
"""By mode, then by number."""


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The keys of a process. Without a member, functions that need it refuse."""

    secret_key: str = ""
    encryption: dict[int, bytes] = field(default_factory=dict)
    index: dict[int, bytes] = field(default_factory=dict)
    webhook: dict[int, bytes] = field(default_factory=dict)
    webhook_public: dict[int, bytes] = field(default_factory=dict)
    evidence: dict[int, bytes] = field(default_factory=dict)
    evidence_public: dict[int, bytes] = field(default_factory=dict)
    code: dict[int, bytes] = field(default_factory=dict)
    signing: dict[str, Numbered] = field(default_factory=dict)
    """Seeds by kind; the log's have the number 0."""
    root: bytes = b""
    certified: tuple[Certified, ...] = ()
    """Every public key here that the root certified."""
    uncertified: tuple[str, ...] = ()
    """Names of this process's own signing keys without the root's certificate."""
    made_by_demo: frozenset[str] = frozenset()


def read_keys(directory: Path, *, process: str) -> Keys:
    """The keys that a process may hold.

    A missing directory gives no keys: settings can be imported, and each use of a key refuses.

    Raises: `Misconfigured` for a file that is not a key, or that others may read.
    """
    if process not in (EVERY, *PROCESSES):
        raise Misconfigured(
            f"TULGA_PROCESS names no process.\nIt must be one of: {', '.join(PROCESSES)}"
        )
    root, certified, public_halves = _read_public(directory / "public")
    keys = Keys(
        root=root,
        certified=certified,
        webhook_public=public_halves["webhook"],
        evidence_public=public_halves["evidence"],
    )
    secret_key, made_by_demo = "", set()
    numbered = {
        "kek": keys.encryption,
        "index": keys.index,
        "webhook": keys.webhook,
        "evidence": keys.evidence,
        "code": keys.code,
    }
    for folder in PROCESSES if process == EVERY else [process]:
        for path in sorted((directory / folder).glob("*.key")):
            key, made_by = _read(path, kinds=PROCESSES[folder])
            kind, *place = path.stem.split("-")
            if kind == "django":
                secret_key = key.hex()
            elif kind in numbered:
                numbered[kind][int(place[0])] = key
            else:
                keys.signing.setdefault(kind, {}).setdefault(place[0], {})[
                    int((place[1:] or "0")[0])
                ] = key
            if made_by == "demo":
                made_by_demo.add(path.name)
    for kind, halves in public_halves.items():
        for number, private in numbered[kind].items():
            if halves.get(number) not in (None, box_key_of(private)):
                name = f"{kind}-{number}"
                raise Misconfigured(
                    f"{name}.pub is not the public half of {name}.key.\nRestore the pair from your"
                    " copy: what is sealed to that half would not open."
                )
    public_keys = {row.name: row.public for row in certified}
    signing = {
        Certified(kind, mode, number, b"").name: seed
        for kind, modes in keys.signing.items()
        for mode, seeds in modes.items()
        for number, seed in seeds.items()
    }
    uncertified = tuple(
        sorted(
            name for name, seed in signing.items() if public_keys.get(name, b"") != public_of(seed)
        )
    )
    return replace(
        keys, secret_key=secret_key, made_by_demo=frozenset(made_by_demo), uncertified=uncertified
    )


def readable_beside(directory: Path, *, process: str) -> list[str]:
    """Other processes' private keys that this process could read, by path under the directory;
    there must be none.
    """
    kinds = PROCESSES.get(process, ())
    readable = []
    for folder in ("root", *PROCESSES):
        if folder != process and os.access(directory / folder, os.R_OK | os.X_OK):
            paths = (
                path
                for path in (directory / folder).glob("*.key")
                if path.stem.partition("-")[0] not in kinds
            )
            readable += [f"{folder}/{path.name}" for path in paths if os.access(path, os.R_OK)]
    return sorted(readable)


def _read_public(
    folder: Path,
) -> tuple[bytes, tuple[Certified, ...], dict[str, dict[int, bytes]]]:
    """The root's public key, empty if absent; the keys that it certified; and by kind and number
    the public keys to which boxes are sealed.
    """
    path = folder / "root.pub"
    root = b""
    try:
        if path.exists():
            root = _public_key(path)
    except PermissionError:
        raise Misconfigured(
            f"{path} cannot be read.\nLet this process's user into that folder."
        ) from None
    certified, public_halves = [], {kind: dict[int, bytes]() for kind in BOX_KINDS}
    for path in sorted(path for path in folder.glob("*.pub") if path.name != "root.pub"):
        if name := _BOX_PUBLIC_NAME.fullmatch(path.stem):
            public_halves[name[1]][int(name[2])] = _public_key(path)
            continue
        content = _content(path, kind="public key")
        # A key without a certificate is ignored.
        key = read_certified({"certificate": "", **content}, mode=str(content.get("mode")))
        if key is None or _PUBLIC_NAME.fullmatch(path.stem) is None or key.name != path.stem:
            raise Misconfigured(f"{path} is not a public key file: manage.py make_keys writes them")
        if key.is_certified(root):
            certified.append(key)
    return root, tuple(certified), public_halves


def _public_key(path: Path) -> bytes:
    """The raw public key of a file without a certificate: the root's, or one of boxes."""
    kind, content = path.stem.partition("-")[0], _content(path, kind="public key")
    try:
        public = base64.b64decode(content["public"], validate=True)
        if content["kind"] != kind or len(public) != PUBLIC_BYTES:
            raise ValueError
    except (KeyError, TypeError, ValueError):
        raise Misconfigured(
            f"{path} is not a public key file of kind {kind}: manage.py make_keys writes them"
        ) from None
    return public


def _content(path: Path, *, kind: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes().decode("ascii"))
    except OSError as error:
        raise Misconfigured(
            f"{path} cannot be read ({error.strerror}).\nMake it this process's user's own."
        ) from None
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise Misconfigured(f"{path} is not a file of a {kind}: manage.py make_keys writes them")
    return content


def _read(path: Path, *, kinds: tuple[str, ...]) -> tuple[bytes, str]:
    """One file's key and maker. Errors name the file only, never a byte of it."""
    if _NAME.fullmatch(path.stem) is None:
        raise Misconfigured(f"{path} is not a key's name: {_NAMES}")
    if path.stem.partition("-")[0] not in kinds:
        raise Misconfigured(
            f"{path} is a key of another process: move it to the folder of that one"
        )
    content = _content(path, kind="key")
    # As ssh does with private keys: a reader of the file signs, or opens, in our name.
    if path.stat().st_mode & 0o077:
        raise Misconfigured(f"{path} can be read by others: chmod 600 {path}")
    try:
        kind, made_by, key = (
            content["kind"],
            content["made_by"],
            base64.b64decode(content["key"], validate=True),
        )
    except (KeyError, TypeError, ValueError):
        raise Misconfigured(
            f"{path} is not a key file: make one by `manage.py make_keys`"
        ) from None
    if (
        kind != path.stem.partition("-")[0]
        or made_by not in ("demo", "operator")
        or len(key) != KEY_BYTES
    ):
        raise Misconfigured(f"{path} holds another kind of key, no maker, or not {KEY_BYTES} bytes")
    return key, made_by
