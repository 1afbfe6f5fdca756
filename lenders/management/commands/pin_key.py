"""manage.py pin_key: shows by which version of the API a key is answered, and moves it to
another.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from lenders import keys, versions
from lenders.models import ApiKey
from verification.core.errors import TulgaError


class Command(BaseCommand):
    """Pins a key by its id; the key itself is never typed into a shell."""

    help = "Moves a key to another version of the API; without one, says which it has."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which one, and where to."""
        parser.add_argument(
            "key_id", help="key_…, as printed when it was made and shown in the admin pages"
        )
        parser.add_argument("version", nargs="?", help=", ".join(versions.NAMES))

    def handle(self, *args: Any, **options: Any) -> None:
        """Moves it, and says from where to where. Requests that name a version, and endpoints, are
        left as they are.
        """
        key = ApiKey.objects.filter(pk=options["key_id"]).first()
        if key is None:
            raise CommandError("there is no such key")
        wanted = options["version"]
        if wanted is None:
            self.stdout.write(f"{key.pk} {key.version}")
            return
        try:
            keys.pin(key, wanted)
        except TulgaError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"{key.pk} {key.version} → {wanted}")
