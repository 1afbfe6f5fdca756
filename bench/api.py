"""Requests per second of the lenders' API, compared with a bare view that sends the same SQL, in
one run.

`make bench PART=api` (PostgreSQL must be installed).
The peer is a view of Django REST framework without our middleware, authentication, validation,
sealing or audit.
It writes or reads the same rows through the same models, and answers with the product's JSON.
The product sends one statement more: it reads what the log states of the key and its lender.
Both run in one process, without a socket, in turns, so that a busy machine treats them alike.
Times are means: of the processor, for this process and its PostgreSQL backend together, and of the
clock.
`ratio N.NNx`: requests per second of the product over the peer's.
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

# The module's imports need models, and so Django's set-up before them.
_PEERS = "import django; django.setup(); from peers import bare_api; bare_api.main()"


def main() -> None:
    """Starts a database and measures in a process of its own."""
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
        call = [sys.executable, "-c", _PEERS, str(arguments.requests)]
        subprocess.run(
            call, cwd=ROOT / "bench", env=variables | {"PYTHONPATH": str(ROOT)}, check=True
        )
    with TemporaryDirectory(prefix="tulga-bench-") as installed:
        half.measure(Path(installed))


if __name__ == "__main__":
    main()
