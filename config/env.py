"""The typed environment: the only reader of `os.environ`.

Raises: `Misconfigured` by name for a missing or wrong variable.
"""

import os
from collections.abc import Collection, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from verification.core.errors import Misconfigured

_YES = ("1", "true", "yes", "on")
_NO = ("0", "false", "no", "off", "")
_PROCESS = "TULGA_PROCESS"
_OWNER_SWITCH = "TULGA_DATABASE_ROLE"
_DATABASES = ("sqlite", "postgresql", "postgres")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def text(name: str, default: str) -> str:
    """The variable's text, or `default` if unset or empty."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool) -> bool:
    """The variable as a yes or a no.

    Raises: `Misconfigured` for any other word.
    """
    word = os.environ.get(name)
    if word is None:
        return default
    if word.strip().lower() in _YES:
        return True
    if word.strip().lower() in _NO:
        return False
    raise Misconfigured(
        f"{name} says neither yes nor no.\nIt must be one of: {', '.join((*_YES, *_NO[:-1]))}"
    )


def number(name: str, default: int, *, least: int = 0) -> int:
    """The variable as a whole number of at least `least`.

    Raises: `Misconfigured` for anything else.
    """
    word = text(name, str(default))
    # `isdigit` accepts ², which `int` does not read, and digits of other scripts, which it does.
    if not word.isascii() or not word.isdigit() or int(word) < least:
        raise Misconfigured(
            f"{name} is no whole number that can be used.\nIt must be at least {least}."
        )
    return int(word)


def choice(name: str, choices: Sequence[str], default: str) -> str:
    """The variable as one of these choices, in capitals.

    Raises: `Misconfigured` for another.
    """
    word = text(name, default).upper()
    if word not in choices:
        raise Misconfigured(
            f"{name} is none of the words it may be.\nIt must be one of: {', '.join(choices)}"
        )
    return word


def comma_separated(name: str, default: Sequence[str] = ()) -> list[str]:
    """The variable as a list of comma-separated words, without surrounding blanks."""
    value = os.environ.get(name)
    if value is None:
        return list(default)
    return [word.strip() for word in value.split(",") if word.strip()]


def networks(name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """The variable as comma-separated networks; an address is a network of one.

    Raises: `Misconfigured` for anything else, and for a network of all addresses.
    """
    try:
        listed = tuple(ip_network(word) for word in comma_separated(name))
    except ValueError:
        listed = (ip_network("0.0.0.0/0"),)
    if any(network.prefixlen == 0 for network in listed):
        raise Misconfigured(
            f"{name} is no list of networks.\nWrite it like 10.0.0.5, 10.1.0.0/24, 2001:db8::/48"
        )
    return listed


def process_roles(name: str, processes: Collection[str]) -> dict[str, str]:
    """The variable as a database role for each process, like `web=tulga_web`; empty if unset.

    Raises: `Misconfigured` unless each process has a role that no other has.
    """
    pairs = [entry.partition("=") for entry in comma_separated(name)]
    roles = {process.strip(): role.strip() for process, _, role in pairs}
    are_apart = len({*roles.values()} - {""}) == len(pairs)
    if pairs and not (are_apart and roles.keys() == set(processes)):
        raise Misconfigured(
            f"{name} does not name a role of its own for each process.\nWrite it like "
            + ",".join(f"{process}=tulga_{process}" for process in processes)
        )
    return roles


def folder(name: str, default: Path) -> Path:
    """The variable as an absolute path; a relative one starts at the working directory. Nothing
    is created.
    """
    return Path(text(name, str(default))).expanduser().absolute()


def make_folder(name: str, path: Path) -> None:
    """Makes the folder of a variable, for the owner only.

    Raises: `Misconfigured` on failure.
    """
    try:
        # The mode is only the last folder's: `parents` makes the others with the umask's.
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"{name} is {path}, which cannot be made ({error.strerror}).\nName a folder that this"
            " user may write."
        ) from None


def file(name: str) -> Path | None:
    """The variable as an absolute path, or None if unset or empty. The file need not exist."""
    return folder(name, Path()) if text(name, "") else None


def url(name: str, default: str, *, schemes: Sequence[str] = ("http", "https")) -> str:
    """The variable as an address without a trailing slash.

    The message never repeats the value: the address of a database or broker carries a password.

    Raises: `Misconfigured` if it is incomplete.
    """
    address = text(name, default)
    try:
        parts = urlsplit(address)
        _ = parts.scheme == "sqlite" or parts.port  # parsed on access; SQLite's has none
    except ValueError:
        raise Misconfigured(f"{name} cannot be read.\nLook at its port and its brackets.") from None
    if parts.scheme not in schemes:
        starts = ", ".join(f"{scheme}://" for scheme in schemes)
        raise Misconfigured(f"{name} is no whole address.\nIt must start with one of: {starts}")
    if parts.scheme in ("http", "https") and not parts.hostname:
        raise Misconfigured(f"{name} names no host.\nWrite it like http://localhost:8000")
    return address.rstrip("/") if parts.path == "/" else address


def database_url(default: str) -> str:
    """The address of the database for this process: the owner's role after `act_as_owner()`, else
    the application's.

    Without `MIGRATION_DATABASE_URL` one role does both, as on SQLite.
    """
    if text(_OWNER_SWITCH, "application") == "owner" and text("MIGRATION_DATABASE_URL", ""):
        return url("MIGRATION_DATABASE_URL", default, schemes=_DATABASES)
    return application_role_url(default)


def application_role_url(default: str) -> str:
    """The application's database address, also for another process."""
    return url("DATABASE_URL", default, schemes=_DATABASES)


def act_as_owner() -> None:
    """From here on this process connects as the owner of the tables. Effective only before
    settings are read.
    """
    os.environ[_OWNER_SWITCH] = "owner"


def act_as(process: str) -> None:
    """Sets this process's name unless the environment does. Effective only before settings are
    read.
    """
    os.environ[_PROCESS] = text(_PROCESS, process)


def process() -> str:
    """This process's name, which selects its keys. Without a name it acts as web."""
    return text(_PROCESS, "web")


def use_settings(module: str) -> None:
    """Sets the settings module unless the environment does."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", module)


def skip_checks_by_celery() -> None:
    """Makes Celery skip Django's checks at a worker's start. Effective only before the worker is
    made.
    """
    os.environ["CELERY_SKIP_CHECKS"] = "1"
