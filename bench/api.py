"""How many requests a second the lenders' API answers, beside a bare view that sends the same SQL,
in one run.

`make bench PART=api` (PostgreSQL must be installed). The peer is a view of Django REST framework
without middleware of ours, authentication, validation, sealing or audit: it writes or reads the
same rows through the same models, in as many statements and transactions, and answers with the JSON
that the product answered. Both are called in one process, without a socket, in turns, so that a
busy machine wrongs nobody. Times are means: of the processor, this process and its backend of
PostgreSQL together, and of the clock. `ratio N.NNx` says how many times as many requests a second
the product answers.
"""

import argparse
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from played import ROOT, half

from tests.growth import database
from tests.servers import start_postgresql


def main() -> None:
    """Start a database and measure in a process of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=300, help="of each kind")
    arguments = parser.parse_args()
    with ExitStack() as ending:
        folder = Path(
            ending.enter_context(
                TemporaryDirectory(prefix="tulga-bench-", ignore_cleanup_errors=True)
            )
        )
        folder.chmod(0o755)  # PostgreSQL may run as another user
        server = start_postgresql(folder)
        ending.callback(server.stop)
        variables = {
            **os.environ,
            **server.places("api"),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        }
        database.make(variables)
        call = [sys.executable, "-m", "peers.bare_api", str(arguments.requests)]
        subprocess.run(
            call, cwd=ROOT / "bench", env=variables | {"PYTHONPATH": str(ROOT)}, check=True
        )
    with TemporaryDirectory(prefix="tulga-bench-") as installed:
        half.measure(Path(installed))


if __name__ == "__main__":
    main()
