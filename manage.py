#!/usr/bin/env python
"""Tulga's commands: `python manage.py help`."""

import sys

import django
from django.core.management import execute_from_command_line
from django.db import DatabaseError

from config import env, starting
from config.key_files import EVERY
from verification.core.errors import Misconfigured

# These two change tables and grants, which the application's own role must not be able to do.
_OWNERS_COMMANDS = ("migrate", "grant_process_roles")
# These run on while a database is absent, so missing tables must not end them; each is a process
# with its own keys.
_LASTING_COMMANDS = {"tick": "tick", "deliver": "sender"}
# These open evidence. They take the keys of each process whose folder their user may read.
_OPENING_COMMANDS = dict.fromkeys(("audit_verify", "replay"), EVERY)
# Every other command acts at the door, as web does.
_PROCESSES = {**_LASTING_COMMANDS, **_OPENING_COMMANDS}


def main() -> None:
    """Runs one command, as the owner of the tables if it needs to be."""
    # A lasting command is a service, and loads what services load.
    lasting = sys.argv[1:2] and sys.argv[1] in _LASTING_COMMANDS
    env.use_settings("config.settings" if lasting else "config.command_settings")
    if sys.argv[1:2] and sys.argv[1] in _OWNERS_COMMANDS:
        env.act_as_owner()
    env.act_as(_PROCESSES.get(sys.argv[1], "web") if sys.argv[1:2] else "web")
    starting.load_settings()
    try:
        if lasting:
            django.setup()  # Django warns of database queries before it
            starting.require_files()
            starting.require_tables()
            starting.require_keys()
            starting.require_rights()
            starting.tell_of_others_keys()
        execute_from_command_line(sys.argv)
    except Misconfigured as error:
        raise SystemExit(starting.message_of(error)) from None
    except DatabaseError:
        _tell_wrong_database()
        raise


def _tell_wrong_database() -> None:
    try:
        starting.require_database()
        starting.require_tables()
    except Misconfigured as error:
        raise SystemExit(starting.message_of(error)) from None


if __name__ == "__main__":
    main()
