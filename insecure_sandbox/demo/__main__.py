"""`python -m insecure_sandbox.demo [--once|--empty]`: the whole demo on this machine, to a
signed webhook or your calls.
"""

import argparse
import fcntl
import os
import re
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn
from urllib.parse import urlsplit

from insecure_sandbox import samples
from insecure_sandbox.borrower import PlayFailed
from insecure_sandbox.camera import Camera
from insecure_sandbox.demo import colleagues, payout, receipt, reviewers, tampering
from insecure_sandbox.demo.camera_scenes import CAMERA_SCENES, LIMIT, Faces
from insecure_sandbox.demo.lender import LenderApi, Listener
from insecure_sandbox.demo.processes import (
    BIN,
    ROOT,
    DemoFailed,
    Processes,
    free_port,
    hold_port,
    wait_until,
)
from insecure_sandbox.demo.progress import Row, say, table, write_line
from insecure_sandbox.demo.scenes import SIGNATURE_SCENES
from insecure_sandbox.demo.stage import Stage
from insecure_sandbox.install_trust import write_anchors
from tulga import calls

HOW_TO_GO_ON = """
Now you. Open a verification as the lender does (the answer holds the borrower's link, who then
chooses a route):

  curl -s {url}/v1/verifications \\
    -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\
    -d '{{"purpose":"Consumer microcredit","subject":{{"iin":"900101900015","surname":"ТЕСТОВ",
         "name":"ТЕСТ","birth_date":"1990-01-01","phone":"+77011234567",
         "document":{{"type":"id_card","number":"012345678","valid_to":"2033-01-01"}}}},
         "loan":{{"amount":"150000.00","currency":"KZT","term_days":30,"annual_rate":"46.00",
         "total_repayable":"155671.00","payout_account":"KZ86125KZT5004100100"}},
         "client_reference":"by-hand-1","locale":"ru"}}'

By signature: make ncalayer ARGS="--sandbox {sandbox}" in another terminal (it says which
certificate to trust), then open the link's url in a browser on this computer.
By camera: first register yourself at {sandbox}/you with a photo and exactly the data above (IIN,
names, phone, document). The same page shows the one-time code. Browsers give a page the camera at
localhost, elsewhere over https.

Borrower:   the url in the answer      API documents: {url}/docs
Review:     {url}/review/              for loans above 294 900 KZT by camera; two people look
Oversight:  {url}/oversight/           sign in with:
"""


FOLDER = ROOT / "var" / "demo"
LOCK = ROOT / "var" / "demo.lock"
MARK = "made-by-the-demo"
LENDER, LENDER_BIN = "Sandbox Credit LLP", "120340000014"
LENDER_2021, BIN_2021 = "Single Route LLP", "120340000153"
LAW_2021 = "KZ-2021-04"
LENDER_PHONE = "+77270000044"  # an unused number: no subscriber's number begins with 0
_KEY = re.compile(r"tlg_test_[A-Za-z0-9_-]+")


class Interrupted(Exception):
    """Ctrl-C, or a signal to end."""


def main() -> int:
    """0 if all ended as required, 1 if not, 2 if the demo could not be played."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="stop after the checks")
    parser.add_argument(
        "--empty",
        action="store_true",
        help="play nothing: set up and serve, for a developer's own calls",
    )
    options = parser.parse_args()
    is_once = options.once
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    demo = Demo(_fresh_folder())
    serving = options.empty
    try:
        if options.empty:
            demo.serve_empty()
        good = demo.play()
        serving = not is_once
        if serving:
            demo.serve()
        return 0 if good else 1
    except PlayFailed as failure:
        say(f"THE DEMO STOPPED: {failure}")
        return 2
    except Interrupted:
        say("ending")
        return 0 if serving else 130  # a shell's code for a command that Ctrl-C ended
    finally:
        demo.stop()


class Demo:
    """One run: its folder, its ports, its processes."""

    def __init__(self, folder: Path) -> None:
        """Takes ports, and holds them for the processes; starts nothing yet."""
        self._web, self._sandbox = hold_port(8000), hold_port(8310)
        # A passkey needs a domain. Both listen at 127.0.0.1.
        self.url = f"http://localhost:{self._web.getsockname()[1]}"
        self.sandbox = f"http://127.0.0.1:{self._sandbox.getsockname()[1]}"
        self.listener = Listener(free_port(9100))
        self.receiver = (  # a developer's own server
            f"http://127.0.0.1:{free_port(9000)}/webhooks"
        )
        self.folder = folder
        self.processes = Processes(environment=self._environment(), logs=folder / "logs")
        self.logins: list[str] = []
        self.lenders: dict[str, str] = {}
        self.key = self.key_2021 = ""
        self.cameras: dict[str, Camera] = {}

    def play(self) -> bool:
        """Sets up, plays every scene, and prints whether all ended as required."""
        photos = self._photos()
        names = [*(scene.__name__ for _, scene in CAMERA_SCENES), "two_votes"]
        self.cameras = {name: Camera(photos / "obama.jpg", is_another=True) for name in names}
        self._set_up()
        stage = Stage(  # each route alone
            LenderApi(self.url, self.key_2021),
            self.url,
            self.sandbox,
            self.processes,
            self._start_worker,
        )
        today = replace(stage, api=LenderApi(self.url, self.key))
        borrower, stranger = photos / "obama3.jpg", photos / "biden.jpg"
        of_today, of_2021 = (
            colleagues.Reviewers(view, self.lenders[lender])
            for view, lender in ((today, LENDER_BIN), (stage, BIN_2021))
        )
        faces = Faces(
            self.cameras,
            borrower=borrower,
            stranger=stranger,
            today=today,
            pass_on=of_today.pass_on,
        )
        scenes: list[tuple[str, Callable[[], Row]]] = [
            *((title, partial(scene, stage)) for title, scene in SIGNATURE_SCENES),
            *((title, partial(scene, stage, faces)) for title, scene in CAMERA_SCENES),
            (
                "a large loan is left to people: two vote with passkeys",
                partial(colleagues.two_votes, stage, faces, of_2021),
            ),
        ]
        rows = [
            self._scene(f"{number} of {len(scenes)}", *scene)
            for number, scene in enumerate(scenes, start=1)
        ]
        table(rows)
        write_line(LIMIT)
        write_line()
        checks = [all(row.as_it_must for row in rows), *self._afterwards(stage)]
        say(
            "all ended as it must" if all(checks) else "SOMETHING DID NOT END AS IT MUST: see above"
        )
        return all(checks)

    def serve(self) -> None:
        """Prints how to continue by hand, and serves until Ctrl-C."""
        self._print_how_to_go_on()
        self._wait()

    def _wait(self) -> NoReturn:
        while not self.processes.ended():
            time.sleep(1)
        raise DemoFailed(
            f"ended by itself: {', '.join(self.processes.ended())}; see {self.folder / 'logs'}"
        )

    def serve_empty(self) -> NoReturn:
        """Sets up, prints the data for the lender guide's commands, and serves until Ctrl-C."""
        try:
            self._photos()
        except DemoFailed as failed:
            say(
                f"{failed}; simulations with a camera answer 503 until the sandbox could fetch them"
            )
        self._set_up()
        file = self.write_variables()
        for login in self.logins:
            write_line(login)
        say(f"serving at {self.url} until Ctrl-C; in another terminal: . {file.relative_to(ROOT)}")
        self._wait()

    def write_variables(self) -> Path:
        """Writes the variables for the lender guide's commands into a file."""
        variables = {
            "TULGA_HOME": str(ROOT),
            "TULGA_URL": self.url,
            "TULGA_KEY": self.key,
            "TULGA_BIN": LENDER_BIN,
            "TULGA_VAR_DIR": str(self.folder),
            "RECEIVER": self.receiver,
            "TULGA_KEY_2021": self.key_2021,
            "TULGA_BIN_2021": BIN_2021,
        }
        file = self.folder / "developer.env"
        file.touch(mode=0o600)
        file.write_text(
            "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
        )
        return file

    def stop(self) -> None:
        """Ends its own processes only. A second Ctrl-C must not leave some of them running."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        for camera in self.cameras.values():
            camera.stop()
        self.processes.stop()
        for held in (self._web, self._sandbox):
            held.close()
        self.listener.stop()

    def _environment(self) -> dict[str, str]:
        return {
            "TULGA_VAR_DIR": str(self.folder),
            "TULGA_KEYS_DIR": str(self.folder / "keys"),
            "TULGA_FACE_MODELS_DIR": str(ROOT / "var" / "models"),  # as set-up built it
            "TULGA_PUBLIC_URL": self.url,
            "TULGA_OPERATOR_NAME": "Demo (no real operator)",
            "TULGA_OPERATOR_BIN": LENDER_BIN,
            "TULGA_OPERATOR_ADDRESS": "localhost",
            "TULGA_OPERATOR_TELEPHONE": "+7 700 000 00 00",
            "TULGA_SANDBOX_URL": self.sandbox,
            "TULGA_WEBHOOK_TEST_HOSTS": ",".join(
                urlsplit(url).netloc for url in (self.listener.address, self.receiver)
            ),
            "TULGA_MODES_LIVE": "0",
            "TULGA_PROCESS": "",
        }

    def _photos(self) -> Path:
        say(
            "portraits for the camera, out of the sources of face_recognition: fetched once, pinned"
            " by hash"
        )
        try:
            return samples.fetch()
        except OSError as error:
            raise DemoFailed(f"{error}: the camera's scenes need it") from error

    def _set_up(self) -> None:
        say("keys of this demo only, and tables, in var/demo/")
        self.processes.must("make_keys", str(self.folder / "keys"), "--demo")
        self.processes.must("migrate", "--verbosity=0")
        self.processes.start("sandbox", self._sandbox_command(), listening=self._sandbox)
        self.processes.wait_for(f"{self.sandbox}/ca/anchors.json", name="sandbox")
        write_anchors(self.sandbox, self.folder / "anchors" / "test")
        web = [str(BIN / "gunicorn"), "--config", "config/gunicorn_settings.py"]
        web += ["--bind", f"fd://{self._web.fileno()}"]
        self.processes.start("web", web, listening=self._web)
        self._start_worker()
        self.processes.start("tick", self._python("manage.py", "tick"))
        self.processes.start("deliver", self._python("manage.py", "deliver"))
        self.processes.wait_for(f"{self.url}/healthz", name="web")
        self._add_people()

    def _add_people(self) -> None:
        self.key = self._add_lender(LENDER, LENDER_BIN, "demo.example")
        law = ("--profile", LAW_2021)
        self.key_2021 = self._add_lender(LENDER_2021, BIN_2021, "2021.example", *law)
        client = LenderApi(self.url, self.key_2021).client
        self.listener.learn(client.send(calls.create_webhook_endpoint(self.listener.address)))
        say(f"a lender under today's law, one under {LAW_2021}, each with two reviewers")
        say("a regulator and an operator")
        for role in ("regulator", "operator"):
            name = f"{role}@demo.example"
            printed = self.processes.must(
                "add_person", name, "--name", f"Demo {role}", "--role", role, "--print-code"
            )
            self.logins.append(printed)

    def _add_lender(self, name: str, bin: str, domain: str, *law: str) -> str:
        """A lender's test key, once its reviewers are known to the sandbox."""
        printed = self.processes.must(
            "add_lender", name, "--bin", bin, "--phone", LENDER_PHONE, *law
        )
        self.lenders[bin] = reviewers.LENDER_LINE.findall(printed)[0]
        self.logins += reviewers.add(self.processes, printed, sandbox=self.sandbox, domain=domain)
        return _KEY.search(printed)[0]  # type: ignore[index]

    def _start_worker(self) -> None:
        command = [
            str(BIN / "celery"),
            "-A",
            "config",
            "worker",
            "--concurrency=2",
            "--loglevel=INFO",
        ]
        self.processes.start("worker", [*command, "--without-gossip", "--without-mingle"])

    def _sandbox_command(self) -> list[str]:
        state = str(self.folder / "sandbox")
        return self._python(
            "-m", "insecure_sandbox", "--fd", str(self._sandbox.fileno()), "--state", state
        )

    def _scene(self, place: str, title: str, play: Callable[[], Row]) -> Row:
        say(f"scene {place}: {title}")
        row = play()
        say(f"  {row.status} {row.code} ({'as it must' if row.as_it_must else 'NOT AS IT MUST'})")
        return row

    def _afterwards(self, stage: Stage) -> list[bool]:
        """The webhook, the receipt, the intact log and a flipped byte, the forgery, the single
        payout.
        """
        verified = stage.api.call("GET", "/v1/verifications?status=verified&limit=1")["data"][0][
            "id"
        ]
        events = ["verification.created", "verification.verified"]
        wait_until(
            lambda: events[-1] in self.listener.events_of(verified), what="the webhook", seconds=30
        )
        came = self.listener.events_of(verified)
        say(
            f"webhooks received and verified (HMAC and Ed25519): {len(self.listener.verified)};"
            f" last: {came[-1]}"
        )
        proved = receipt.is_verified_offline(stage, verification=verified, folder=self.folder)
        heads = {message.checkpoint for message in self.listener.verified if message.checkpoint}
        grew = receipt.shows_that_the_log_only_grew(stage, heads, folder=self.folder)
        sound = tampering.original_is_sound(self.processes)
        database = self.folder / "tulga.sqlite3"
        is_named = tampering.flipped_byte_is_named(
            self.processes, database=database, entry_of=verified
        )
        is_refused = tampering.is_refused(stage, database=database, like=verified)
        paid = payout.pays_once(stage)
        changed = colleagues.changes_a_lender(stage, self.lenders[LENDER_BIN])
        return [
            came[0] == events[0] and self.listener.refused == 0,
            proved,
            grew,
            sound,
            is_named,
            is_refused,
            paid,
            changed,
        ]

    def _print_how_to_go_on(self) -> None:
        write_line(HOW_TO_GO_ON.format(url=self.url, key=self.key_2021, sandbox=self.sandbox))
        for login in self.logins:
            write_line(login)
        write_line(
            "A fresh code later: TULGA_VAR_DIR=var/demo .venv/bin/python manage.py add_person EMAIL"
            " --print-code"
        )
        write_line("Serving until Ctrl-C.")

    @staticmethod
    def _python(*arguments: str) -> list[str]:
        return [sys.executable, *arguments]


def _fresh_folder() -> Path:
    """An empty folder of this demo. The lock on its neighbour lasts as long as this process."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise SystemExit(
            "A demo is running in this checkout already; end it first (Ctrl-C there)."
        ) from None
    if FOLDER.exists() and any(FOLDER.iterdir()):
        if not (FOLDER / MARK).exists():
            raise SystemExit(
                f"{FOLDER} holds something this demo did not make; move it away first."
            )
        shutil.rmtree(FOLDER)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / MARK).touch()
    return FOLDER


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted


if __name__ == "__main__":
    sys.exit(main())
