"""What a run of pytest works on: `--backend` names a database and a broker, private to the run.

    sqlite      SQLite and the filesystem broker: the embedded set-up of the demo
    postgresql  PostgreSQL and Redis, which carry the suite
    rabbitmq    PostgreSQL and RabbitMQ

The process that was called starts the servers and ends them. Each worker of pytest-xdist gets a
database and a place at the broker of its own, which `tests.environment` finds by the worker's
name. Load it with `-p tests.backends`: it acts before Django reads its settings.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.environment import CODES_VARIABLE, PLACES_VARIABLE, WORKER_VARIABLE, quick_place
from tests.servers import ServerMissing, Servers

BACKENDS: Final = {"sqlite": "filesystem", "postgresql": "redis", "rabbitmq": "rabbitmq"}
"""The broker that belongs to each."""
SPARES: Final = 2
"""Workers that pytest-xdist may start in the place of crashed ones."""
_running: list[Servers] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switches of a run."""
    parser.addoption("--backend", choices=sorted(BACKENDS), default="sqlite")
    parser.addoption("--codes", action="store_true", help="fail by a code that no answer brings")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config,
) -> Generator[None, object, object]:
    """Point this process to its own place before settings are read."""
    if WORKER_VARIABLE in os.environ:  # its servers run already
        return (yield)
    options = early_config.known_args_namespace
    if options.codes:
        os.environ[CODES_VARIABLE] = "1"
    os.environ.update(_start(options.backend, workers=options.numprocesses or 0))
    return (yield)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the servers, in the process that started them."""
    while _running:
        servers = _running.pop()
        servers.__exit__(None, None, None)
        shutil.rmtree(servers.folder, ignore_errors=True)


def _start(backend: str, *, workers: int) -> Mapping[str, str]:
    """Start the servers; gives the environment of this process and, as JSON, of its workers."""
    broker = BACKENDS[backend]
    folder = Path(tempfile.mkdtemp(prefix="tulga-run-", dir=quick_place()))
    folder.chmod(0o755)  # PostgreSQL's own user has to pass
    servers = Servers(folder)
    _running.append(servers)
    try:
        places = {
            f"gw{number}": servers.environment(f"gw{number}", broker=broker)
            for number in range(workers + (SPARES if workers else 0))
        }
        main = servers.environment("main", broker=broker)
    except ServerMissing as missing:
        pytest.exit(f"did not run: {missing}", returncode=3)
    return main | {PLACES_VARIABLE: json.dumps(places)}
