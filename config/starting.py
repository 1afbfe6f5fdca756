"""Whether a process may start on its set-up. A defect is reported in two lines: the defect, and
the remedy.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import Error, ProgrammingError, connection

from config import rights
from verification import clock
from verification.case.stages import refuse_unsafe_live, refuse_unsigned
from verification.core.errors import Misconfigured
from verification.folders import folder_fault

_TABLE = "verification_verification"
_FOLDERS: Final = {
    "web": ("TULGA_EVIDENCE_DIR",),
    "worker": ("TULGA_EVIDENCE_DIR",),
    "tick": ("TULGA_LOG_HEAD_DIR",),
}
"""By process, the variables of the folders that it writes."""


@dataclass
class _Held:
    state: Callable[[], None] | None = None


_held = _Held()


def state_set_up_by(state: Callable[[], None]) -> None:
    """From now on `state_set_up` calls this. It needs models, which exist only after Django's
    set-up.
    """
    _held.state = state


def state_set_up() -> None:
    """States in the logs with which settings this process starts."""
    if _held.state is not None:
        _held.state()


def load_settings() -> None:
    """Reads the settings; ends the process by `SystemExit` for an impossible environment."""
    try:
        _ = settings.TULGA_VAR_DIR
    except Misconfigured as error:
        raise SystemExit(message_of(error)) from None


def refuse_wrong_setup() -> None:
    """Ends the process by `SystemExit` if it must not start: no texts, folders, tables or keys, an
    unsafe live set, other database rights than its own, a wrong clock.

    An absent database is awaited, not refused.
    """
    try:
        require_files()
        require_tables()
        require_keys()
        refuse_unsafe_live()
        require_rights()
        clock.require_right()
    except Misconfigured as error:
        raise SystemExit(message_of(error)) from None


def require_files() -> None:
    """Raises: `Misconfigured` without the compiled texts, or if this process cannot write its
    folder.
    """
    sources = [path for place in settings.LOCALE_PATHS for path in Path(place).rglob("*.po")]
    if missing := [path for path in sources if not path.with_suffix(".mo").is_file()]:
        raise Misconfigured(
            f"the texts of {missing[0]} are not compiled, so pages would be in English.\nIn the"
            " folder of Tulga: .venv/bin/pybabel compile --directory locale --domain"
            ' "django developers"'
        )
    for name in _FOLDERS.get(settings.TULGA_PROCESS, ()):
        if cause := folder_fault(Path(getattr(settings, name))):
            raise Misconfigured(
                f"{name} is {getattr(settings, name)}, in which no file can be stored ({cause})."
                "\nName a folder that this user may write, on a disk with room."
            )


def require_tables() -> None:
    """Raises: `Misconfigured` if the database answers and has no tables of ours."""
    try:
        names = connection.introspection.table_names()
    except Error:
        return
    if _TABLE not in names:
        raise Misconfigured(
            f"there are no tables in the database of this set-up ({_place()}).\nMake them:"
            " manage.py migrate"
        )
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {_TABLE} LIMIT 1")  # noqa: S608
    except ProgrammingError:
        raise Misconfigured(
            "this process's database role may not read the tables.\nAfter each migrate: manage.py"
            " grant_process_roles"
        ) from None
    except Error:
        return


def require_rights() -> None:
    """Raises: `Misconfigured` if the database answers and this process's role lacks a right, or in
    live mode has one beyond the process's need.
    """
    try:
        beyond, missing = rights.faults()
    except Error:
        return
    if missing:
        raise Misconfigured(
            f"this process's database role lacks {len(missing)} rights, first {missing[0]}.\nAfter"
            " each migrate: manage.py grant_process_roles"
        )
    if settings.TULGA_MODES_LIVE and beyond:
        raise Misconfigured(
            f"{beyond[0]} (the first of {len(beyond)} such faults).\nGive each process a role of"
            " its own. All such faults: manage.py check --deploy --tag live"
        )


def require_keys() -> None:
    """Raises: `Misconfigured` without this process's keys, for example under another
    `TULGA_VAR_DIR`.
    """
    if not settings.TULGA_CERTIFIED:
        keys = settings.TULGA_KEYS_DIR
        raise Misconfigured(
            f"there are no keys in {keys}.\nName the folder that holds them in TULGA_KEYS_DIR; "
            f"in a new set-up make them: manage.py make_keys {keys}"
        )
    refuse_unsigned()


def tell_of_others_keys() -> None:
    """Prints a warning if this process could read keys that it must not have. Live mode refuses
    to start.
    """
    if settings.TULGA_OTHERS_KEYS:
        first, more = settings.TULGA_OTHERS_KEYS[0], len(settings.TULGA_OTHERS_KEYS) - 1
        print(
            f"Tulga: the process {settings.TULGA_PROCESS} can read {first} and {more} more keys of"
            " others, so its intruder could sign as those. Good for a trial; live mode"
            " refuses it.",
            file=sys.stderr,
            flush=True,
        )


def require_database() -> None:
    """Raises: `Misconfigured` if the database does not answer, for commands that do not wait for
    it.
    """
    try:
        connection.close()
        connection.ensure_connection()
    except Error:
        raise Misconfigured(
            f"the database does not answer ({_place()}).\nStart it, or set DATABASE_URL right."
        ) from None


def _place() -> str:
    # Of a server only its kind: its address holds a password.
    return (
        str(connection.settings_dict["NAME"])
        if connection.vendor == "sqlite"
        else connection.vendor
    )


def message_of(error: Misconfigured) -> str:
    """The printed message, without a traceback."""
    return f"Tulga does not start: {error.detail}"
