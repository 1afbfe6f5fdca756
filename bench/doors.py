"""The API's response times beside slow senders and people who sign in.

`make bench PART=doors` (PostgreSQL and Redis must be installed).
A whole installation on loopback with the product's settings: two web processes of four threads.
Each round sends the same requests one after the other, and prints their median and 95th of 100 in
milliseconds: alone; beside six senders that never end a request; beside eight wrong sign-ins at
once, again and again; beside both.
"""

import argparse
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import urllib3
from played.installation import running

from insecure_sandbox.demo.lender import LenderApi

_SENDERS, _SIGN_INS = 6, 8
_HEAD = b"POST /v1/verifications HTTP/1.1\r\nHost: x\r\n"
_FIELD = 'name="csrfmiddlewaretoken" value="'


def main() -> None:
    """Starts an installation, measures each round."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=200, help="of each round")
    number = parser.parse_args().requests
    place = TemporaryDirectory(prefix="tulga-bench-", ignore_cleanup_errors=True)
    with place as folder, running(Path(folder), "redis") as installation:
        api, url = installation.stage.api, installation.stage.url
        _measure("alone", api, number)
        with _slow(url):
            _measure(f"beside {_SENDERS} slow senders", api, number)
        with _signing_in(url):
            _measure(f"beside {_SIGN_INS} sign-ins", api, number)
        with _slow(url), _signing_in(url):
            _measure("beside both", api, number)


def _measure(name: str, api: LenderApi, number: int) -> None:
    waited = []
    for _ in range(number):
        at = time.monotonic()
        api.call("GET", "/v1/verifications?limit=1")
        waited.append((time.monotonic() - at) * 1000)
    late = statistics.quantiles(waited, n=100)[94]
    print(f"{name}: p50 {statistics.median(waited):.0f} ms, p95 {late:.0f} ms", flush=True)


@contextmanager
def _slow(url: str) -> Iterator[None]:
    place = urlsplit(url)
    with ExitStack() as stack:
        for _ in range(_SENDERS):
            opened = socket.create_connection((str(place.hostname), int(place.port or 80)))
            stack.enter_context(opened).sendall(_HEAD)
        yield


@contextmanager
def _signing_in(url: str) -> Iterator[None]:
    is_over = threading.Event()
    statuses: list[int] = []

    def sign_in(number: int) -> None:
        http = urllib3.PoolManager(retries=False, timeout=60)
        page = http.request("GET", f"{url}/people/sign-in/")
        cookie = page.headers["Set-Cookie"].partition(";")[0]
        fields = {
            "csrfmiddlewaretoken": page.data.decode().partition(_FIELD)[2][:64],
            "password": "a wrong password",
            "code": "000000",
        }
        turn = 0
        while not is_over.is_set():
            turn += 1
            # An account that is new each time: five wrong tries would end it.
            answer = http.request_encode_body(
                "POST",
                f"{url}/people/sign-in/",
                fields=fields | {"email": f"stranger-{number}-{turn}@example.kz"},
                headers={"Cookie": cookie, "Referer": url},
            )
            statuses.append(int(answer.status))

    with ThreadPoolExecutor(_SIGN_INS) as pool:
        signing = [pool.submit(sign_in, number) for number in range(_SIGN_INS)]
        time.sleep(1)
        try:
            yield
        finally:
            is_over.set()
    for each in signing:
        each.result()
    refused = statuses.count(503)
    print(f"  sign-ins judged: {len(statuses) - refused}, asked to come again: {refused}")


if __name__ == "__main__":
    main()
