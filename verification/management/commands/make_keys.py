"""Makes the keys of a deployment: a folder per process, in files that only its user may read."""

import base64
import json
import os
import secrets
import shutil
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from verification.core.certificates import (
    BOX_KINDS,
    KINDS,
    MODES,
    NUMBERED_KINDS,
    PROCESSES,
    Certified,
    box_key_of,
    public_of,
    read_certified,
)

_KEY_BYTES = 32  # 256 bits: for AES-256, HMAC-SHA256 and an Ed25519 seed
ROOT_KEY, ROOT_PUBLIC = Path("root", "root.key"), Path("public", "root.pub")


class Command(BaseCommand):
    """Writes missing keys; an existing key is never changed, because its sealed data would be
    lost.
    """

    help = (
        "Make the missing keys, a folder for each process. Certify signing keys with the "
        "operator's root, which the first run makes; then move the root off this machine."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """See `manage.py help make_keys`."""
        parser.add_argument(
            "directory", type=Path, help="the folder of keys; the same as TULGA_KEYS_DIR"
        )
        parser.add_argument(
            "--demo",
            action="store_true",
            help="mark them as made for a demonstration: never for live",
        )
        parser.add_argument(
            "--root",
            type=Path,
            help="the root's key, if it is elsewhere: it certifies the new keys",
        )
        parser.add_argument(
            "--process",
            choices=sorted(PROCESSES),
            help=(
                "another host, or a rotation: only the signing keys of this process, under --number"
            ),
        )
        parser.add_argument(
            "--kind",
            choices=NUMBERED_KINDS,
            help="a rotation: only the keys of this kind, under --number, in each folder here",
        )
        parser.add_argument(
            "--number",
            type=int,
            default=1,
            help="number of the new keys; the highest here signs, or seals",
        )
        parser.add_argument(
            "--user",
            action="append",
            default=[],
            metavar="PROCESS=USER",
            help="give a process's folder to its user (as root); repeatable",
        )

    def handle(self, *, directory: Path, demo: bool, root: Path | None, **options: Any) -> None:
        """Makes each missing key."""
        only, kind, number = options["process"], options["kind"], options["number"]
        if only and kind:
            raise CommandError("--process makes signing keys, --kind another kind: name one")
        if only and not root and not (directory / ROOT_PUBLIC).exists():
            raise CommandError(
                f"copy public/ into {directory} first: no other host trusts a new root else"
            )
        if not 1 <= number <= 9999:
            raise CommandError("a key's number must be 1 to 9999")
        made_by = "demo" if demo else "operator"
        if kind:
            keys = make_next(directory, kind, number=number, made_by=made_by)
        else:
            keys = make_missing(
                directory,
                made_by=made_by,
                root=root,
                processes=[only] if only else list(PROCESSES),
                number=number,
                only_signing=only is not None,
            )
        for path, is_new in keys.items():
            self.stdout.write(f"{'made' if is_new else 'kept'} {path}")
        for entry in options["user"]:
            process, _, user = entry.partition("=")
            if process not in PROCESSES or not user:
                raise CommandError("--user is PROCESS=USER")
            for path in (directory / process, *(directory / process).iterdir()):
                try:
                    shutil.chown(path, int(user) if user.isdigit() else user)
                except (LookupError, PermissionError) as error:
                    raise CommandError(f"{path} cannot be given to {user}: {error}") from None
        if missing := [key.name for key in uncertified(directory)]:
            self.stdout.write(
                f"not certified yet: {', '.join(missing)}: manage.py certify_keys {directory}"
                " --root FILE"
            )
        if (directory / ROOT_KEY).exists():
            self.stdout.write(
                f"Move {directory / ROOT_KEY} off this machine: its holder decides which keys"
                " count."
            )


def make_missing(
    directory: Path,
    *,
    made_by: str,
    root: Path | None = None,
    processes: Sequence[str] = tuple(PROCESSES),
    number: int = 1,
    only_signing: bool = False,
) -> dict[Path, bool]:
    """Every key's path and whether it was made now. `made_by`: `demo` or `operator`.

    A key shared by two processes is made once. Public halves of keys that open boxes, and of
    signing keys, are stored in `public/`. Those of signing keys are certified if the root is
    available: in its place, or in the given file.
    """
    public = directory / "public"
    for folder in (directory, public):
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(0o755)  # whatever the umask: every process reads it
    keys = {}
    if not (directory / ROOT_PUBLIC).exists() and root is None:
        (directory / "root").mkdir(mode=0o700, exist_ok=True)
        keys[directory / ROOT_KEY] = _put(directory / ROOT_KEY, _fresh("root", made_by), mode=0o600)
    at_hand = root or directory / ROOT_KEY
    seed = read_root(at_hand) if root or at_hand.exists() else None
    if seed is not None:
        half = {"kind": "root", "public": base64.b64encode(public_of(seed)).decode()}
        keys[directory / ROOT_PUBLIC] = _put(directory / ROOT_PUBLIC, half, mode=0o644)
    for folder in (directory / process for process in processes):
        folder.mkdir(mode=0o700, exist_ok=True)
        for kind in PROCESSES[folder.name]:
            if kind in KINDS or not only_signing:
                keys |= _make(folder, public, kind, number=number, made_by=made_by)
    if seed is not None:
        certify(directory, seed)
    return keys


def make_next(directory: Path, kind: str, *, number: int, made_by: str) -> dict[Path, bool]:
    """The keys of one kind under a number, in each folder here that holds the kind: every path and
    whether it was made now. `public/` gets the other half of a pair.

    Raises: `CommandError` if there is no key of the kind yet, or one with a higher number.
    """
    folders = [directory / name for name, kinds in PROCESSES.items() if kind in kinds]
    folders = [folder for folder in folders if folder.is_dir()]
    here = {
        int(path.stem.rpartition("-")[2])
        for folder in folders
        for path in folder.glob(f"{kind}-*.key")
    }
    if not here:
        raise CommandError(
            f"there is no {kind} key in {directory}: name the folder of the present keys, or make"
            f" them: manage.py make_keys {directory}"
        )
    if number < max(here):
        raise CommandError(
            f"{kind}-{max(here)} is in use, and the highest number seals: take --number"
            f" {max(here) + 1}"
        )
    public, keys = directory / "public", dict[Path, bool]()
    for folder in folders:
        keys |= _make(folder, public, kind, number=number, made_by=made_by)
    return keys


def read_root(path: Path) -> bytes:
    """The seed of the root's key.

    Raises: `CommandError` for an invalid or unreadable file.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from None
    try:
        content = json.loads(text)
        seed = base64.b64decode(content["key"], validate=True)
        is_root = content["kind"] == "root" and len(seed) == _KEY_BYTES
    except (ValueError, KeyError, TypeError):
        is_root = False
    if not is_root:
        raise CommandError(f"{path} is not a root key file")
    return seed


def certify(directory: Path, seed: bytes) -> list[str]:
    """Certifies the uncertified keys with the root of this seed, and returns them."""
    done = []
    for key in uncertified(directory, root_public=public_of(seed)):
        path, signed = directory / "public" / f"{key.name}.pub", key.signed_by(seed)
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps({"mode": key.mode, **signed.body}, indent=1))
        draft.chmod(0o644)
        draft.replace(path)
        done.append(key.name)
    return done


def uncertified(directory: Path, *, root_public: bytes | None = None) -> Iterator[Certified]:
    """The public halves without a certificate of this folder's root, or of the given one."""
    if root_public is None:
        root = directory / ROOT_PUBLIC
        root_public = (
            base64.b64decode(json.loads(root.read_bytes())["public"]) if root.exists() else b""
        )
    for path in sorted((directory / "public").glob("*-*.pub")):
        content = json.loads(path.read_bytes())
        key = read_certified({"certificate": "", **content}, mode=str(content.get("mode")))
        # One of boxes signs nothing. By its name: another would overwrite that key's file.
        if key is not None and path.stem == key.name and not key.is_certified(root_public):
            yield key


def _make(folder: Path, public: Path, kind: str, *, number: int, made_by: str) -> dict[Path, bool]:
    """The keys of a kind. Signing keys: one per mode, with their public halves."""
    if kind in BOX_KINDS:
        return _make_pair(folder, public, kind, number=number, made_by=made_by)
    if kind not in KINDS:
        # The same as in the folder of another process that has it.
        name = f"{kind}.key" if kind == "django" else f"{kind}-{number}.key"
        existing = next((path for path in folder.parent.glob(f"*/{name}")), None)
        if existing is None and _is_retired(folder.parent, kind, number):
            return {}
        content = json.loads(existing.read_bytes()) if existing else _fresh(kind, made_by)
        return {folder / name: _put(folder / name, content, mode=0o600)}
    keys = {}
    for mode in MODES:
        place = 0 if kind == "log" else number  # a log has one key for ever, which its heads name
        path = folder / f"{Certified(kind, mode, place, b'').name}.key"
        if not path.exists() and (public / f"{path.stem}.pub").exists():
            continue  # another key would not be the certified one
        if number == 1 and not path.exists() and any(folder.glob(f"{kind}-{mode}-*")):
            continue  # one of another number signs, and the first was retired
        keys[path] = _put(path, _fresh(kind, made_by), mode=0o600)
        seed = base64.b64decode(json.loads(path.read_bytes())["key"])
        half = public / f"{path.stem}.pub"
        body = Certified(kind, mode, place, public_of(seed)).body
        keys[half] = _put(half, {"mode": mode, **body}, mode=0o644)
    return keys


def _is_retired(directory: Path, kind: str, number: int) -> bool:
    """Whether the first key was taken away after a rotation: another one would carry its number."""
    return number == 1 and any(directory.glob(f"*/{kind}-*.key"))


def _make_pair(
    folder: Path, public: Path, kind: str, *, number: int, made_by: str
) -> dict[Path, bool]:
    """A key that opens boxes, and the half to which other processes seal them."""
    path, half = folder / f"{kind}-{number}.key", public / f"{kind}-{number}.pub"
    if not path.exists() and (half.exists() or _is_retired(folder.parent, kind, number)):
        return {}  # another key would not open what is sealed to this half
    is_new = _put(path, _fresh(kind, made_by), mode=0o600)
    private = base64.b64decode(json.loads(path.read_bytes())["key"])
    content = {"kind": kind, "public": base64.b64encode(box_key_of(private)).decode()}
    return {path: is_new, half: _put(half, content, mode=0o644)}


def _fresh(kind: str, made_by: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "made_by": made_by,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "key": base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode("ascii"),
    }


def _put(path: Path, content: dict[str, Any], *, mode: int) -> bool:
    """Whether it was written now. A file appears atomically: it is written elsewhere, then
    linked.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    # With its rights from the first moment: between a write and a chmod others could read it.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            owner = path.parent.stat()
            if os.geteuid() == 0 and owner.st_uid != 0:
                os.fchown(descriptor, owner.st_uid, owner.st_gid)  # root makes it for the process
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        # A link never replaces a file, so of two runs at once one key wins and both use it.
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True
