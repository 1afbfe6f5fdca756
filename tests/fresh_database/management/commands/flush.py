"""Replaces Django's `flush`, which ends a test that commits."""

from typing import Any

from django.core.management.commands.flush import Command as DjangoFlush

from tests.fresh_database.copies import renew


class Command(DjangoFlush):
    """Same options, other way: see the package."""

    def handle(self, **_: Any) -> None:
        """Put the migrated database back."""
        renew()
