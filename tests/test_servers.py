"""Every process of pytest has a place of its own at a run's servers, however many there are."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.environment import quick_place
from tests.servers import REDIS_DATABASES, ServerMissing, Servers, start_postgresql

_ROOT = Path(__file__).resolve().parent.parent
_PROGRAM = (
    "import os; from tests.environment import prepare; prepare();"
    " print(os.environ['CELERY_BROKER_URL'])"
)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """The servers of a run of their own, of which none has started."""
    with Servers(tmp_path) as started:
        yield started


def test_a_process_uses_the_place_it_is_given_and_no_developers_own() -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TULGA_", "PYTEST_"))
    }
    environment |= {
        "CELERY_BROKER_URL": "redis://developer/1",
        "TULGA_TEST_BROKER_URL": "redis://127.0.0.1:1/40",
    }
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], cwd=_ROOT, env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == "redis://127.0.0.1:1/40", done.stderr


def test_sqlite_and_the_filesystem_need_no_server(servers: Servers, tmp_path: Path) -> None:
    found = servers.environment("fast_1", broker="filesystem")
    assert found == {"TULGA_TEST_RUN_DIR": str(tmp_path)}


@pytest.mark.service
def test_forty_processes_have_forty_places_at_one_redis_and_too_many_are_told_so(
    servers: Servers,
) -> None:
    addresses = [_broker(servers, f"process_{number}") for number in range(40)]
    assert len(set(addresses)) == 40
    assert len({address.rpartition("/")[0] for address in addresses}) == 1
    for address in addresses:
        assert redis.Redis.from_url(address).dbsize() == 0
        redis.Redis.from_url(address).set("place", address)
    assert _broker(servers, "process_0") == addresses[0]
    for number in range(40, REDIS_DATABASES):
        _broker(servers, f"process_{number}")
    with pytest.raises(ServerMissing, match=str(REDIS_DATABASES)):
        _broker(servers, "one_too_many")
    port = int(addresses[0].rpartition(":")[2].partition("/")[0])
    assert port < int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


@pytest.mark.service
def test_postgresql_ends_with_its_run() -> None:
    with tempfile.TemporaryDirectory(prefix="tulga-server-", dir=quick_place()) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL's own user has to pass
        server = start_postgresql(folder)
        process = int((folder / "postgresql" / "postmaster.pid").read_text().split()[0])
        assert Path(f"/proc/{process}").exists()
        server.stop()
        assert not Path(f"/proc/{process}").exists()


def _broker(servers: Servers, process: str) -> str:
    return servers.broker(process, "redis")["TULGA_TEST_BROKER_URL"]
