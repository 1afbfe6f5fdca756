"""One process as borrower, web, worker, tick and sender in turn: bench/capture.py starts it."""

import asyncio
import io
import json
import os
import pstats
import random
import re
import string
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psycopg
from django.core.management import call_command

from config import celery
from config.wsgi import application
from insecure_sandbox import samples
from insecure_sandbox.borrower import Browser
from insecure_sandbox.camera import as_told
from insecure_sandbox.demo.lender import LenderApi
from insecure_sandbox.demo.processes import Processes
from insecure_sandbox.demo.stage import Stage, phone_of
from insecure_sandbox.warp_picture import taken_anew
from lenders import sender
from played.installation import KEY, children
from played.meter import TURNS, Meter
from tests.painted import painted
from tests.service.played_page import FORGET, parts_of
from verification import clock, tasks, transactions
from verification.borrower import camera
from verification.case import contents as sealed_cases
from verification.evidence import store
from verification.models import EvidenceItem, Verification
from verification.stages.live_capture import dialogue
from verification.worker import sweep

sys.path[:0] = [
    str(Path(__file__).resolve().parents[2]),
    str(Path(__file__).resolve().parents[1]),
]  # runs as a file
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["TULGA_PROCESS"] = (
    "every"  # web, worker, tick and sender in turn, each with its own keys
)


_FRAMES = 24  # of each gesture, more than a page takes
_POLL_SECONDS = 0.4  # the first pause of static/borrower/wait.js
_OTHERS = (
    ("blink", "come_closer"),
    ("open_mouth", "nod"),
    ("come_closer", "nod"),
    ("blink", "open_mouth"),
)
_APART = re.compile(
    r"\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET|SELECT set_config|SELECT pg_)\b",
    re.IGNORECASE,
)


class Replay:
    """The product in this process: requests go to its WSGI application, steps to its worker's
    thread.
    """

    def __init__(self, meter: Meter) -> None:
        """From now on waits take no time, the clock stands still, and memory is a worker's."""
        celery.keep_memory()
        self.meter, self.verification_id, self._url = (
            meter,
            "",
            urlsplit(os.environ["TULGA_PUBLIC_URL"]),
        )
        self._worker, self._rounds = ThreadPoolExecutor(1), sender.Rounds()
        self._order, self._now = random.Random(1), datetime.now(UTC)  # noqa: S311
        setattr(  # noqa: B010
            camera, "time", SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: self.work())
        )
        setattr(clock, "now", lambda: self._now)  # noqa: B010
        setattr(dialogue, "fresh_order", self._fresh_order)  # noqa: B010

    def _fresh_order(self, previous: object) -> tuple[str, ...]:
        order = ["turn_left", "turn_right", *self._order.choice(_OTHERS)]
        self._order.shuffle(order)
        return tuple(order)

    def wait(self, seconds: float) -> None:
        """The clock advances by so much."""
        self._now += timedelta(seconds=seconds)

    def request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Any:
        """The answer to one request, in the web process's turn, in urllib3's form."""
        parts, begun, content = urlsplit(path), list[Any](), body or b""
        environ = {
            f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()
        }
        environ |= {"REQUEST_METHOD": method, "PATH_INFO": parts.path, "QUERY_STRING": parts.query}
        environ |= {
            "CONTENT_TYPE": headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(content)),
        }
        environ |= {
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": str(self._url.port),
            "REMOTE_ADDR": "127.0.0.1",
        }
        environ |= {
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": self._url.netloc,
            "wsgi.url_scheme": "http",
        }
        streams = {"wsgi.input": io.BytesIO(content), "wsgi.errors": sys.stderr}

        def start(status: str, told: list[tuple[str, str]], *_: object) -> Any:
            begun.extend((status, told))

        with self.meter.turn("web"):
            response = application({**environ, **streams}, start)
            data = b"".join(response)
            response.close()
        status, told = begun
        cookies = [value for name, value in told if name == "Set-Cookie"]
        return SimpleNamespace(
            status=int(status.split()[0]),
            data=data,
            headers=SimpleNamespace(getlist=lambda _: cookies),
        )

    def work(self) -> None:
        """The verification's due step, done by the worker."""
        self._worker.submit(self._work).result()

    def _work(self) -> None:
        with self.meter.turn("worker"):
            tasks.advance(self.verification_id)
            celery.give_memory_back()

    def rounds(self) -> None:
        """A round of tick, and the sender's rounds that post events and record results."""
        with self.meter.turn("tick"), transactions.running(scope=transactions.ALL):
            sweep.run_round(is_whole=False)
        with self.meter.turn("deliver"):
            reserved, _ = self._rounds.work([], room=8, failing_room=4)
            self._rounds.work(
                [asyncio.run(sender.send(delivery)) for delivery in reserved],
                room=0,
                failing_room=0,
            )


class ReplayedBrowser(Browser):
    """A borrower's browser whose requests go to the replay only."""

    def __init__(self, url: str, replay: Replay) -> None:
        """`url`: the service's address."""
        super().__init__(url)
        self._replay = replay

    def _request(
        self, method: str, path: str, body: Any = None, *, more: Mapping[str, str] | None = None
    ) -> Any:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        answer = self._replay.request(
            method, path, body, {"Cookie": cookies, "Referer": self._url, **(more or {})}
        )
        for line in answer.headers.getlist("Set-Cookie"):
            self._cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        return answer


class ReplayedApi(LenderApi):
    """The lender's client, whose requests go there too."""

    def __init__(self, url: str, key: str, replay: Replay) -> None:
        """As its base."""
        super().__init__(url, key)
        self._replay = replay

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str
    ) -> dict[str, Any]:
        """The JSON answer of a successful request."""
        sent = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
            **headers,
        }
        answer = self._replay.request(
            method, path, None if body is None else json.dumps(body).encode(), sent
        )
        if answer.status >= 300:
            raise SystemExit(f"{method} {path} answered {answer.status}: {answer.data[:300]!r}")
        content: dict[str, Any] = json.loads(answer.data or b"{}")
        return content


def play(replay: Replay, stage: Stage, number: int) -> bool:
    """One verification, from its opening to the webhook. Whether it was verified: a warped
    portrait is not always.
    """
    iin = stage.person(samples.fetch() / "obama.jpg")
    name = f"replay-{''.join(random.choices(string.ascii_lowercase, k=8))}"  # noqa: S311
    opened = stage.api.open(name, iin=iin, routes=["biometric"], phone=phone_of(iin))
    replay.verification_id = opened["id"]
    browser = ReplayedBrowser(stage.url, replay)
    browser.follow(opened["url"])
    for act in (browser.consent, browser.deny):
        act()
        replay.wait(_POLL_SECONDS)
        replay.work()
    replay.work()  # the order and the photo
    capture(replay, browser, noise=np.random.default_rng(number))
    browser.state()
    replay.work()
    replay.rounds()  # an end is public once it is in the log
    is_verified = bool(browser.state()["page"] == "finished")
    browser._get("/v/now/")
    return is_verified


def capture(replay: Replay, browser: ReplayedBrowser, *, noise: np.random.Generator) -> None:
    """From "ready" to the last command, each in two parts."""
    page = browser.wait_for("commands")
    state = browser.tell(page, {"turn": browser.current_turn()["turn"], "ready": True})
    while state["page"] == "commands" and state["data"]["state"] == "command":
        prompt, since = state["data"], 0.0
        photo = samples.fetch() / "obama3.jpg"
        frames = taken_anew(
            painted(photo, as_told(prompt["command"]), _FRAMES, seed=1), chance=noise
        )
        for part in parts_of(frames, prompt):
            files, last = (
                part.pop("files"),
                max(frame["at_ms"] for frame in part["frames"]) / 1000 + 0.1,
            )
            replay.wait(last - since)
            since = last
            answer = browser.say(page, {"turn": state["turn"], **part}, files)
            if answer.status not in (200, 204):
                raise SystemExit(f"a part was answered {answer.status}: {answer.data[:300]!r}")
        state = json.loads(answer.data)
        while state["is_looked_at"]:
            state = browser.current_turn()


def measured(replay: Replay, stage: Stage, root_url: str, *, cases: int) -> dict[str, float]:
    """The figures of a verification: the least of so many; statements, commits and runs are
    their mean.
    """
    meter, rounds = replay.meter, list[dict[str, float]]()
    number = 0
    with psycopg.connect(root_url, autocommit=True) as root:
        play(replay, stage, 0)
        meter.runs.clear()
        meter.profile.clear()
        postmaster = int(
            root.execute("SELECT pg_read_file('postmaster.pid')").fetchall()[0][0].split()[0]
        )
        root.execute("SELECT pg_stat_statements_reset()")
        while len(rounds) < cases and number < 2 * cases:
            number += 1
            root.execute(
                FORGET.encode()
            )  # all borrowers are one portrait that moves alike, which would be recognised
            meter.spent.clear()
            start = postgresql_seconds(postmaster)
            is_verified = play(replay, stage, number)
            spent = {name: 1000 * meter.spent[name] for name in (*TURNS, "nets")}
            spent["postgresql"] = 1000 * (postgresql_seconds(postmaster) - start)
            spent["all"] = sum(spent[name] for name in (*TURNS, "postgresql"))
            rounds += [spent | {"not_nets": spent["all"] - spent["nets"]}] * is_verified
        counted = root.execute("SELECT query, calls FROM pg_stat_statements").fetchall()
    if len(rounds) < cases:
        raise SystemExit(f"of {number} borrowers only {len(rounds)} were verified")
    ours = [(query, int(calls)) for query, calls in counted if query != FORGET]
    figures = {name: min(row[name] for row in rounds) for name in rounds[0]}
    figures["statements"] = sum(calls for query, calls in ours if not _APART.match(query)) / number
    figures["commits"] = sum(calls for query, calls in ours if query.startswith("COMMIT")) / number
    for name, runs in meter.runs.items():
        figures[f"runs_{name}"] = runs / number
    return {name: round(value, 1) for name, value in figures.items()}


def postgresql_seconds(postmaster: int) -> float:
    """CPU seconds of PostgreSQL's processes, including ended ones."""
    alive = [postmaster, *children(postmaster)]
    spent = (
        sum(int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) for process in alive)
        / 1e9
    )
    ended = (
        Path(f"/proc/{postmaster}/stat").read_text().rpartition(")")[2].split()[13:15]
    )  # proc(5): cutime, cstime
    return spent + sum(map(int, ended)) / os.sysconf("SC_CLK_TCK")


def facts_of_judgements() -> list[Any]:
    """The facts of every capture, in order."""
    facts = []
    for row in Verification.objects.select_related("key").order_by("created_at", "pk"):
        terms = EvidenceItem.objects.filter(verification=row, kind="live_capture.terms").latest(
            "pk"
        )
        opened = store.opening(sealed_cases.key_beside(row), terms)
        facts.append(json.loads(opened.plain)["facts"])
    return facts


def main() -> None:
    """Adds a lender, plays the borrowers, writes the results."""
    root_url, endpoint, cases, report, facts, profiled = sys.argv[1:]
    url, output = os.environ["TULGA_PUBLIC_URL"], io.StringIO()
    call_command(
        "add_lender",
        "Bench Credit LLP",
        "--bin",
        "120340000014",
        "--phone",
        "+77270000044",
        stdout=output,
    )
    for name in ("one", "two"):  # without reviewers, attempts left to people fail at once
        known_as = (f"{name}@bench.example", "--name", name, "--role", "reviewer")
        call_command("add_person", *known_as, "--lender", "Bench Credit LLP", stdout=io.StringIO())
    replay = Replay(Meter(profiled))
    api = ReplayedApi(url, KEY.findall(output.getvalue())[0], replay)
    api.call("POST", "/v1/webhook-endpoints", {"url": endpoint})
    no_processes = Processes(environment={}, logs=Path(report).parent / "logs")
    stage = Stage(
        api, url, os.environ["TULGA_SANDBOX_URL"], no_processes, start_worker=lambda: None
    )
    figures = measured(replay, stage, root_url, cases=int(cases))
    if facts:
        with transactions.running(scope=transactions.ALL):
            Path(facts).write_text(json.dumps(facts_of_judgements(), indent=1, sort_keys=True))
    if profiled:
        pstats.Stats(replay.meter.profile).sort_stats("tottime").print_stats(60)
    Path(report).write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
