#!/usr/bin/env python
"""Tulga's commands: `python manage.py help`."""

import sys

from django.core.management import execute_from_command_line

from config import env

# These two change tables and grants, which the application's own role must not be able to do.
_OWNERS_COMMANDS = ("migrate", "grant_application_role")


def main() -> None:
    """Run one command, as the owner of the tables where it needs to be."""
    env.use_settings("config.settings")
    if sys.argv[1:2] and sys.argv[1] in _OWNERS_COMMANDS:
        env.act_as_owner()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
