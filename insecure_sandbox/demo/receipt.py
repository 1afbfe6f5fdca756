"""The lender's file: a receipt is verified offline, and refused after a changed word; the log
only grew.
"""

import json
import subprocess
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection
from pathlib import Path
from typing import Any

from insecure_sandbox.demo.processes import ROOT
from insecure_sandbox.demo.progress import say, write_line
from insecure_sandbox.demo.stage import Stage
from tulga import calls
from tulga.checkpoints import Memory, log_key
from tulga.errors import Refused


def is_verified_offline(stage: Stage, *, verification: str, folder: Path) -> bool:
    """Whether an offline program accepts the receipt of this decision, and refuses a changed one.

    folder: of the demo, with the operator's public root key.
    """
    directory = folder / "receipt"
    directory.mkdir(exist_ok=True)
    answer = stage.api.call("GET", f"/v1/verifications/{verification}/receipt")
    (directory / "jwks.json").write_text(
        json.dumps(stage.api.call("GET", "/.well-known/jwks.json")), "utf-8"
    )
    (directory / "root.pub").write_bytes((folder / "keys" / "public" / "root.pub").read_bytes())
    (directory / "receipt.json").write_text(json.dumps(answer), "utf-8")
    (directory / "changed.json").write_text(json.dumps(_changed(answer)), "utf-8")
    sound, changed = (_verify(directory, name) for name in ("receipt.json", "changed.json"))
    verdict = json.loads(sound.stdout or "{}")
    say(
        f"the receipt of {verification}, verified offline: {verdict.get('status')} by"
        f" {verdict.get('routes')}"
    )
    write_line(f"           | with one word changed: {(sound.stderr + changed.stderr).strip()}")
    return (sound.returncode, verdict.get("verification"), changed.returncode) == (
        0,
        verification,
        1,
    )


def shows_that_the_log_only_grew(stage: Stage, notes: Collection[str], *, folder: Path) -> bool:
    """Whether the newest head of the log continues each of these, which came by webhooks."""
    client, root = stage.api.client, (folder / "keys" / "public" / "root.pub").read_bytes()
    memory = Memory(log_key(client.send(calls.get_keys()), mode="test", root=root))
    try:
        for note in (client.send(calls.get_checkpoint()), *sorted(notes)):
            gap = memory.gap(note)
            proof = client.send(calls.get_consistency(*gap)) if gap else None
            memory.take(note, proof, may_be_older=True)
    except Refused as fault:
        say(f"the log was forked: {fault}")
        return False
    say(f"the log goes on to its newest head from each of the {len(notes)} that came by webhooks")
    return bool(notes)


def _changed(answer: dict[str, Any]) -> dict[str, Any]:
    """The same, with "declined" in the signed part."""
    header, payload, signature = answer["receipt"].split(".")
    plain_text = urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).replace(
        b'"verified"', b'"declined"'
    )
    changed = urlsafe_b64encode(plain_text).decode().rstrip("=")
    return answer | {"receipt": f"{header}.{changed}.{signature}"}


def _verify(directory: Path, name: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "scripts" / "verify_receipt.py"
    command = [
        sys.executable,
        "-I",
        str(script),
        name,
        "--jwks",
        "jwks.json",
        "--root",
        "root.pub",
        "--test",
    ]
    return subprocess.run(  # noqa: S603
        command, cwd=directory, capture_output=True, text=True, encoding="utf-8", check=False
    )
