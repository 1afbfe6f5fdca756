"""manage.py show_settings: the settings whose hash a process states in the log as it starts."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from verification import transactions
from verification.worker import set_up


class Command(BaseCommand):
    """Run it in the environment of the process."""

    help = (
        "Prints the settings that decide, without secrets, and the hashes that the process of"
        " TULGA_PROCESS states of them, of the law and of the program. Keep what it prints: it"
        " opens the entries `actor.process`."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints both as JSON."""
        with transactions.running(scope=transactions.ALL):
            stated = set_up.description(settings.TULGA_PROCESS)
        printed = {"stated": stated, "decisive": set_up.decisive()}
        self.stdout.write(json.dumps(printed, ensure_ascii=False, indent=2, sort_keys=True))
