"""manage.py revoke_key: ends a key at once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from lenders import keys
from lenders.models import ApiKey


class Command(BaseCommand):
    """Revokes a key by its id; the secret is never typed into a shell."""

    help = "Ends a key at once."
    requires_system_checks = ()
    """A stolen key ends even while a check of live mode fails."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Which one."""
        parser.add_argument(
            "key_id", help="key_…, as printed when it was made and shown in the admin pages"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Revokes it; says if it was revoked before."""
        key = ApiKey.objects.filter(pk=options["key_id"]).first()
        if key is None:
            raise CommandError("there is no such key")
        word = "revoked" if keys.revoke(key) else "was revoked before"
        self.stdout.write(f"{key.pk} {word}")
