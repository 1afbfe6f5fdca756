"""What a process states as it starts: its settings by hash, and a worker the sources that it asks.

`DECISIVE`, `FILES` and the sources are all that enters the hash. Secrets never do: a setting whose
name speaks of one is refused. `manage.py show_settings` prints what is hashed.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import Error, connection

from verification import transactions
from verification.core import profiles, stored
from verification.core.errors import TulgaError
from verification.core.events import PROCESSES
from verification.log import keys, set_up
from verification.sources import descriptions

logger = logging.getLogger(__name__)

DECISIVE: Final[Mapping[str, str]] = {
    "ALLOWED_HOSTS": "under which names web answers",
    "AUTHENTICATION_BACKENDS": "by what a person signs in",
    "DATA_UPLOAD_MAX_MEMORY_SIZE": "the limit of a request",
    "DATA_UPLOAD_MAX_NUMBER_FIELDS": "the limit of a request",
    "DATA_UPLOAD_MAX_NUMBER_FILES": "the limit of a request",
    "DEBUG": "whether an error shows the program",
    "MIDDLEWARE": "what each request passes",
    "SECURE_PROXY_SSL_HEADER": "whether a proxy ends TLS",
    "SECURE_SSL_REDIRECT": "whether TLS is required",
    "SESSION_COOKIE_AGE": "how long a person stays signed in",
    "SESSION_ENGINE": "where a session is",
    "TULGA_EGOV_MOBILE_LINK": "how a phone opens eGov Mobile",
    "TULGA_FACE_BACKEND": "which net compares faces",
    "TULGA_LIVE_EGOV_MOBILE": "whether eGov Mobile signs in live mode",
    "TULGA_LOG_ORIGIN": "the name of the logs",
    "TULGA_MODES_LIVE": "whether live mode is on",
    "TULGA_NCALAYER_URL": "where pages reach NCALayer",
    "TULGA_PUBLIC_URL": "the address of pages and links",
    "TULGA_ROUTES": "which routes a verification may take",
    "TULGA_TRUSTED_PROXIES": "who may name a caller's address",
    "TULGA_WEBHOOK_TEST_HOSTS": "which private hosts test webhooks reach",
}
"""The settings that enter as they are, each with what it decides."""
FILES: Final = ("TULGA_FACE_MODEL", "TULGA_FACE_CALIBRATION", "TULGA_PASSIVE_DETECTOR")
"""Settings that name a file, which enters by its SHA-256."""
SECRET_WORDS: Final = ("KEY", "SECRET", "PASSWORD", "TOKEN")
"""No setting with one of these in its name enters."""
_PACKAGES: Final = ("config", "lenders", "operators", "people", "verification")


@dataclass
class _Stated:
    is_done: bool = False


_stated = _Stated()


def keep() -> bool:
    """States this process's set-up in each log, once a process; whether that is done.

    The caller runs inside `transactions.running`. A fault never keeps a process from its work: it
    is logged, and the next call tries again.
    A process of another kind, or without a key that signs, states nothing.
    """
    process = settings.TULGA_PROCESS
    if not _is_due():
        return True
    try:
        own = description(process)
        for name in keys.ordered_logs():
            if set_up.may_sign(process, name):
                sources = descriptions.in_use(name) if process == "worker" else None
                if changed := set_up.state(name, own, sources):
                    logger.info("stated in the %s log: %s", name, ", ".join(changed))
    except (Error, TulgaError, ValueError) as error:
        logger.warning("the set-up could not be stated (%s)", type(error).__name__)
        return False
    _stated.is_done = True
    return True


def keep_at_start() -> None:
    """The same for a process without rounds of its own. Without a database its next start states
    them.
    """
    if not _is_due():
        return
    try:
        with transactions.running(scope=transactions.ALL):
            keep()
    except Error as error:
        logger.warning("the set-up could not be stated (%s)", type(error).__name__)
    finally:
        connection.close()


def _is_due() -> bool:
    return not _stated.is_done and settings.TULGA_PROCESS in PROCESSES.values()


def description(process: str) -> dict[str, str]:
    """What the log states of a kind of process: settings, law and software, each by hash."""
    return {
        "process": process,
        "settings": stored.digest(decisive()),
        "law": profiles.current_amendments().sha256,
        "software": software(),
    }


def decisive() -> dict[str, Any]:
    """The settings of this process that decide, without a secret, as JSON.

    Raises: `ValueError` for a setting that may hold one.
    """
    names = (*DECISIVE, *FILES)
    if secret := [name for name in names if any(word in name for word in SECRET_WORDS)]:
        raise ValueError(f"{', '.join(secret)} may hold a secret")
    return {
        "settings": {name: _plain(getattr(settings, name)) for name in DECISIVE},
        "files": {name: _file_hash(getattr(settings, name)) for name in FILES},
        "root": sha256(settings.TULGA_ROOT).hexdigest() if settings.TULGA_ROOT else "",
        "sources": {mode: descriptions.as_set(mode) for mode in keys.LOGS},
        "anchors": {mode: sha256(descriptions.pins(mode)).hexdigest() for mode in keys.LOGS},
    }


@cache
def software() -> str:
    """The SHA-256 over the program's own modules, by path and content."""
    root, digest = Path(settings.BASE_DIR), sha256()
    for package in _PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            content = sha256(path.read_bytes()).hexdigest()
            digest.update(f"{content}  {path.relative_to(root).as_posix()}\n".encode())
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    """A setting as JSON."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _file_hash(path: Path | None) -> str:
    """The SHA-256 of a named file; empty without one that can be read."""
    try:
        return sha256(path.read_bytes()).hexdigest() if path else ""
    except OSError:
        return ""
