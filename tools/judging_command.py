"""A command that judges files, and says by its exit code what it found: 0, 1, 2 for review, 3 for
what it refused.
"""

from typing import Final

from django.core.management.base import BaseCommand

REFUSED: Final = 3


class JudgingCommand(BaseCommand):
    """Django's, but for the exit code of a mistake on the command line: argparse's own 2 means
    undecided here.
    """

    def run_from_argv(self, argv: list[str]) -> None:
        """As usual; such a mistake exits with `REFUSED`."""
        self._called_from_command_line = True
        try:
            self.create_parser(argv[0], argv[1]).parse_args(argv[2:])
        except SystemExit as leaving:
            raise SystemExit(REFUSED if leaving.code else 0) from None
        super().run_from_argv(argv)
