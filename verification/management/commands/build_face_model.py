"""`manage.py build_face_model`: dlib's face net as the model that workers run, made once at set-up."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from verification.core.errors import Misconfigured
from verification.engines.faces import building


class Command(BaseCommand):
    """Exits with 0 if the model stands, 1 if it could not be built and nothing was changed."""

    help = (
        "Convert dlib's public-domain face net, of the installed and pinned package, into TULGA_FACE_MODELS_DIR. "
        "It is written only if it gives dlib's own numbers. Workers refuse to compare faces before this has run."
    )
    # It runs at set-up, before there are keys or tables.
    requires_system_checks = ()
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        """Builds, and says where and how far from dlib's numbers it is."""
        folder: Path = settings.TULGA_FACE_MODELS_DIR
        try:
            built = building.build(folder)
        except (Misconfigured, OSError) as error:
            detail = error.detail if isinstance(error, Misconfigured) else type(error).__name__
            raise CommandError(f"the face model was not built: {detail}") from None
        self.stdout.write(f"built {built.path}: within {built.farthest:.1e} of dlib's own numbers")
