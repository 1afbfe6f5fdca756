"""Makes the keys that a deployment needs, each in a file of its own that only its owner may read."""

import base64
import json
import os
import secrets
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management.base import BaseCommand

_KINDS = {
    "django.key": "django",
    "kek-1.key": "kek",
    "index-1.key": "index",
    "log-test.key": "log",
    "log-live.key": "log",
    "document-test-1.key": "document",
    "document-live-1.key": "document",
    "decision-test-1.key": "decision",
    "decision-live-1.key": "decision",
}
_KEY_BYTES = 32  # 256 bits: what AES-256, HMAC-SHA256 and an Ed25519 seed take


class Command(BaseCommand):
    """Writes what is missing; a key that exists is never touched, for what it has sealed would be lost."""

    help = "Make the keys that are missing: session, sealing, index, and each mode's log, documents and decisions."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """See `manage.py help make_keys`."""
        parser.add_argument("directory", type=Path, help="where the keys are; the same as TULGA_KEYS_DIR")
        parser.add_argument("--demo", action="store_true", help="mark them as made for a demonstration: never for live")

    def handle(self, *, directory: Path, demo: bool, **_: object) -> None:
        """Make each missing key."""
        for path, is_new in make_missing(directory, made_by="demo" if demo else "operator").items():
            self.stdout.write(f"{'made' if is_new else 'kept'} {path}")


def make_missing(directory: Path, *, made_by: str) -> dict[Path, bool]:
    """Every key's path and whether it was made now. `made_by`: `demo` or `operator`.

    Beside a decision key stands its public half, for hosts that verify what it signs and must not hold it.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = {}
    for name, kind in _KINDS.items():
        path = directory / name
        if kind == "decision" and any(directory.glob(f"{name.rpartition('-')[0]}-*")) and not path.exists():
            continue  # one of another number signs, or the first was retired and its public half is still believed
        content = {
            "kind": kind,
            "made_by": made_by,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "key": base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode("ascii"),
        }
        made[path] = _put(path, content, mode=0o600)
        if kind == "decision":
            seed = base64.b64decode(json.loads(path.read_bytes())["key"])
            public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
            half = {"kind": "decision-public", "public": base64.b64encode(public).decode("ascii")}
            made[path.with_suffix(".pub")] = _put(path.with_suffix(".pub"), half, mode=0o644)
    return made


def _put(path: Path, content: dict[str, str], *, mode: int) -> bool:
    """Whether it was written now. A file appears whole or not at all: it is written beside its place, then linked."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        # A link never replaces what is there, so of two runs at once one key wins and both use it.
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True
