"""The lender's pages, word for word against a real installation: from nothing to a paid loan by
curl and by the client, then the commands of each other page.

What they print is run as it is printed, in an empty folder, with the variables that they name and
nothing else of ours.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from insecure_sandbox import samples
from insecure_sandbox.demo.__main__ import FOLDER, Demo
from insecure_sandbox.demo.processes import Processes, hold_port
from scripts.guide_blocks import (
    BEGIN,
    BLOCK,
    BY_CLIENT,
    BY_CURL,
    INTERPRETERS,
    PAGES,
    Part,
    part_of,
    steps,
    text_of,
)
from tests.servers import free_port
from tests.service.deployment import OWN_BIN, Deployment
from tulga.listening import Signer

pytestmark = pytest.mark.service

_ROOT = Path(__file__).resolve().parents[2]
_SECONDS = 240
# The events of a loan that is paid, in their order.
_ENDS = (
    "verification.created",
    "verification.verified",
    "clearance.issued",
    "clearance.consumed",
)
_NAMED = {
    *("TULGA_URL", "TULGA_KEY", "TULGA_BIN", "TULGA_HOME", "TULGA_VAR_DIR", "RECEIVER"),
    *("TULGA_KEY_2021", "TULGA_BIN_2021"),
}
_FIRST_PAGES = ("README.md", "docs/lender/start.md", "docs/lender/start.ru.md")
_OTHERS = tuple(name for name in PAGES[1:] if name not in INTERPRETERS)
# Whether an interpreter can run its page, by a line of its own.
_ABLE = {
    "php": ["php", "-r", "exit(PHP_VERSION_ID < 80200 || !extension_loaded('curl') ? 1 : 0);"],
    "node": [
        "node",
        "-e",
        "process.exit(Number(process.versions.node.split('.')[0]) < 20 ? 1 : 0)",
    ],
}
_TODAY = "KZ-2025-09"


def _play(part: Part, folder: Path, variables: Mapping[str, str]) -> str:
    """Runs the part's commands one after another, as in a terminal that stops at the first that
    fails.
    """
    for name, text in part.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    transcript = folder / "transcript"
    # A file: the receiver and the listener outlive a failed command, and would keep a pipe open.
    with transcript.open("wb") as output:
        running = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", part.commands],
            cwd=folder,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        running.wait(timeout=_SECONDS)
    finally:
        # What a failed command left behind it, the receiver and the listener.
        if running.poll() is None or running.returncode:
            _end(running.pid)
    written = "\n".join(
        f"{one.name}: {one.read_text()[-1500:]}" for one in sorted(folder.glob("*.[tj]*"))
    )
    assert running.returncode == 0, f"{transcript.read_text()}\n{written}"
    return written


def _end(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


@pytest.fixture(params=["180440012349"])
def developer(deployment: Deployment, request: pytest.FixtureRequest) -> tuple[Any, dict[str, str]]:
    """A lender of their own under today's law: their API, and the variables that the page `start`
    says `make sandbox` sets.
    """
    samples.fetch()  # a face is painted, because today's law asks for one
    api = deployment.add_lender("Ақша LLP", bin=request.param, profile="")
    named = {
        "TULGA_URL": deployment.url,
        "TULGA_KEY": api.key,
        "TULGA_BIN": request.param,
        "TULGA_HOME": str(_ROOT),
        "TULGA_VAR_DIR": str(deployment.folder),
        "RECEIVER": deployment.developers_receiver,
        "TULGA_KEY_2021": deployment.api.key,
        "TULGA_BIN_2021": OWN_BIN,
    }
    # How `manage.py` and the client of this checkout find what this installation is made of.
    settings = dict(one.split("=", 1) for one in deployment.processes.environment[1:])
    # A reader's `manage.py` takes the settings of commands.
    del settings["DJANGO_SETTINGS_MODULE"]
    of_machine = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return api, {
        **of_machine,
        **settings,
        "PYTHONPATH": f"{_ROOT / 'clients' / 'python'}:{_ROOT}",
        **named,
    }


def test_the_guide_goes_from_nothing_to_a_paid_loan_and_goes_there_again(
    deployment: Deployment, developer: tuple[Any, dict[str, str]], tmp_path: Path
) -> None:
    api, variables = developer
    before: set[str] = set()
    # A reader who runs it a second time does so in the same folder, where the first run's files
    # are.
    for part in (steps(*BY_CURL), steps(*BY_CURL), steps(*BY_CLIENT), steps(*BY_CLIENT)):
        written = _play(part, tmp_path, variables)
        [found] = [
            one for one in api.call("GET", "/v1/verifications")["data"] if one["id"] not in before
        ]
        before.add(found["id"])
        assert (found["status"], found["profile"]["id"]) == ("verified", _TODAY)
        assert (found["route"], found["combinations"]) == ("biometric", [["eds", "biometric"]])
        assert found["contract"]
        assert found["id"] in written
        [clearance] = set(deployment.said(found["id"], "clearance.consumed", "clearance"))
        assert api.call("GET", f"/v1/clearances/{clearance}")["status"] == "consumed"
        assert deployment.decisions(found["id"]) == ["verification.verified"]
        if part == steps(*BY_CURL):
            told = [line.split() for line in (tmp_path / "events.txt").read_text().splitlines()]
            assert told == [[event, found["id"], found["client_reference"]] for event in _ENDS]


@pytest.mark.parametrize("developer", ["180440012362"], indirect=True)
def test_the_commands_of_every_other_page_run_where_those_of_the_first_ended(
    developer: tuple[Any, dict[str, str]], tmp_path: Path
) -> None:
    _, variables = developer
    commands = [steps(*BY_CURL).commands, *(part_of(text_of(name)).commands for name in _OTHERS)]
    part = Part(commands="".join(commands), files=steps(*BY_CURL).files)
    _play(part, tmp_path, variables)
    assert all(part_of(text_of(name)).commands for name in _OTHERS if name != "concepts")


def _within() -> str:
    """The function of the page `start` that waits: all that other languages use of its terminal."""
    lines = steps(*BY_CURL).commands.splitlines()
    return next(line for line in lines if line.startswith("within()"))


def _require(interpreter: str) -> None:
    """Skips the test, with the reason, where this machine cannot run a page's language."""
    if shutil.which(interpreter) is None:
        pytest.skip(f"{interpreter} is not on PATH")
    if subprocess.run(_ABLE[interpreter], check=False, capture_output=True).returncode:
        pytest.skip(f"this {interpreter} is too old, or lacks an extension")


@pytest.mark.parametrize(
    ("name", "developer"),
    [*zip(sorted(INTERPRETERS), ("180440012374", "180440012386"), strict=True)],
    indirect=["developer"],
)
def test_a_page_of_another_language_pays_a_loan_and_verifies_its_webhooks(
    name: str, developer: tuple[Any, dict[str, str]], tmp_path: Path
) -> None:
    _require(INTERPRETERS[name])
    api, variables = developer
    page = part_of(text_of(name))
    written = _play(Part(f"{_within()}\n{page.commands}", page.files), tmp_path, variables)
    [paid] = re.findall(r"^(?:paid.txt: )?pay now: 20000.00 consumed (ver_\w+)$", written, re.M)
    assert api.call("GET", f"/v1/verifications/{paid}")["status"] == "verified"
    events = (tmp_path / f"{name}-events.txt").read_text().splitlines()
    assert {f"{event} {paid}" for event in _ENDS} == set(events)


@pytest.mark.parametrize("name", sorted(INTERPRETERS))
def test_a_receiver_of_another_language_refuses_what_tulga_did_not_sign(
    name: str, tmp_path: Path
) -> None:
    _require(INTERPRETERS[name])
    files = part_of(text_of(name)).files
    [file] = [file for file in files if file.startswith("webhook.")]
    (tmp_path / file).write_text(files[file], encoding="utf-8")
    signer, port = Signer(), free_port()
    url = f"http://127.0.0.1:{port}/webhooks"
    listen = ["-S", f"127.0.0.1:{port}"] if name == "php" else []
    with (tmp_path / "printed.txt").open("w") as printed:
        running = subprocess.Popen(
            [INTERPRETERS[name], *listen, file],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "WEBHOOK_SECRET": signer.secret, "RECEIVER": url},
            stdout=printed,
            stderr=subprocess.DEVNULL,
        )
    try:
        assert _verdicts(url, signer) == {
            "signed": 204,
            "signed by two": 204,
            "by another secret": 400,
            "another body": 400,
            "another id": 400,
            "too old": 400,
            "ahead": 400,
            "no headers": 400,
            "no signature": 400,
            "empty signature": 400,
            "no time": 400,
            "signed again": 204,
        }
    finally:
        running.terminate()
        running.wait(10)


def _verdicts(url: str, signer: Signer) -> dict[str, int]:
    """What a receiver answers to messages, each with one defect or none."""
    body = b'{"type": "verification.created", "data": {"verification": "ver_a"}}'
    now = int(time.time())
    right = signer.sign("evt_1", body, at=now)
    other = Signer().sign("evt_1", body, at=now)["webhook-signature"]
    bare = {name: value for name, value in right.items() if name != "webhook-signature"}
    messages = {
        "signed": right,
        "signed by two": bare | {"webhook-signature": f"{other} {right['webhook-signature']}"},
        "by another secret": bare | {"webhook-signature": other},
        "another body": signer.sign("evt_1", body + b" ", at=now),
        "another id": right | {"webhook-id": "evt_2"},
        "too old": signer.sign("evt_1", body, at=now - 310),
        "ahead": signer.sign("evt_1", body, at=now + 310),
        "no headers": {},
        "no signature": bare,
        "empty signature": bare | {"webhook-signature": "v1,"},
        "no time": {name: value for name, value in right.items() if name != "webhook-timestamp"},
        "signed again": right,
    }
    with httpx.Client(transport=httpx.HTTPTransport(retries=10), trust_env=False) as client:
        return {
            defect: client.post(url, content=body, headers=headers).status_code
            for defect, headers in messages.items()
        }


def test_the_guide_says_so_and_ends_when_nothing_comes(tmp_path: Path) -> None:
    hurried = _within().replace("seq 240", "seq 2").replace("sleep 0.5", "sleep 0")
    said = subprocess.run(
        ["bash", "-c", f"{hurried}\nwithin grep -q told events.txt"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said.returncode == 1
    assert "not within two minutes: grep -q told events.txt" in said.stderr
    assert "until " not in "".join(part_of(text_of(name)).commands for name in PAGES)


def test_the_guide_begins_with_what_the_sandbox_serves_and_names(tmp_path: Path) -> None:
    """That it does serve is measured: `python -m scripts.measure_guide`."""
    assert steps(*BEGIN).commands == 'make sandbox\n. var/demo/developer.env\ncd "$(mktemp -d)"\n'
    recipe = (_ROOT / "Makefile").read_text().partition("\nsandbox:")[2].partition("\n\n")[0]
    assert recipe.endswith("insecure_sandbox.demo --empty")
    file = Demo(tmp_path).write_variables()
    assert (file.name, file.stat().st_mode & 0o777) == ("developer.env", 0o600)
    said = subprocess.run(
        ["bash", "-c", f". {file}; env"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    given = dict(line.split("=", 1) for line in said.stdout.splitlines())
    assert given.keys() == _NAMED | {"PWD", "SHLVL", "_", "PATH"}
    assert given["TULGA_HOME"] == str(_ROOT)


def test_the_guide_names_every_variable_that_it_uses() -> None:
    for part in map(part_of, map(text_of, PAGES)):
        own = {"WEBHOOK_SECRET"} | set(
            re.findall(r"^([A-Z]+)=", "\n".join([steps(*BY_CURL).commands, part.commands]), re.M)
        )
        used = set(re.findall(r"\$\{?([A-Z][A-Z0-9_]*)", part.commands))
        used |= {
            name
            for text in part.files.values()
            for name in re.findall(r'os\.environ\["(\w+)"\]', text)
        }
        assert used - own <= _NAMED


def _variables_in(text: str) -> set[str]:
    """Each that a block of shell uses and does not set itself."""
    shell = "".join(code for language, code in BLOCK.findall(text) if language in ("", "sh"))
    own = set(re.findall(r"^([A-Z]\w*)=", shell, re.M))
    return set(re.findall(r"\$\{?([A-Z]\w*)", shell)) - own


@pytest.mark.parametrize("name", _FIRST_PAGES)
def test_a_first_page_reads_the_file_that_the_sandbox_writes_and_its_variables_alone(
    name: str, tmp_path: Path
) -> None:
    text = (_ROOT / name).read_text(encoding="utf-8")
    assert f". {(FOLDER / 'developer.env').relative_to(_ROOT)}\n" in text
    given = re.findall(r"^export (\w+)=", Demo(tmp_path).write_variables().read_text(), re.M)
    assert {"TULGA_URL", "TULGA_KEY"} <= _variables_in(text) <= {*given} | {"WEBHOOK_SECRET"}
    assert set(re.findall(r"\bTULGA_(?:KEY|BIN|URL)\w*|\bRECEIVER\b", text)) <= set(given)


def test_nothing_can_take_the_port_between_its_choice_and_the_first_answer(tmp_path: Path) -> None:
    first = Demo(tmp_path)
    second = Demo(tmp_path / "second")
    try:
        assert {first.url, first.sandbox}.isdisjoint({second.url, second.sandbox})
        assert urlsplit(first.url).hostname == "localhost"  # of passkeys, which need a domain
        for url in (first.url, first.sandbox):
            at = urlsplit(url)
            with socket.socket() as rival:
                rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                with pytest.raises(OSError, match="in use"):
                    rival.bind((at.hostname, at.port))
            # Who comes before it serves waits, and is not refused.
            socket.create_connection((at.hostname, at.port or 0), timeout=5).close()
    finally:
        first.stop()
        second.stop()


def test_a_port_that_another_program_serves_at_localhost_is_not_taken() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    port = free_port()
    with socket.create_server(("::1", port), family=socket.AF_INET6), hold_port(port) as held:
        assert held.getsockname()[1] != port
    with hold_port(port) as held:
        assert held.getsockname()[1] == port


def test_the_sandbox_serves_the_socket_that_was_held_for_it(tmp_path: Path) -> None:
    processes, held = Processes(environment={}, logs=tmp_path / "logs"), hold_port(0)
    url = f"http://127.0.0.1:{held.getsockname()[1]}"
    command = [sys.executable, "-m", "insecure_sandbox", "--fd", str(held.fileno())]
    try:
        processes.start("sandbox", [*command, "--state", str(tmp_path / "state")], listening=held)
        assert held.fileno() == -1  # the process alone serves it from now on
        processes.wait_for(f"{url}/ca/anchors.json", name="sandbox")
        assert f"insecure sandbox at {url}" in (tmp_path / "logs" / "sandbox.log").read_text()
    finally:
        processes.stop()
