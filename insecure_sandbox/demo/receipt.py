"""The lender's file: a receipt is fetched with its proof and verified offline, and refused once a word is changed."""

import json
import subprocess
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Any

from insecure_sandbox.demo.processes import ROOT
from insecure_sandbox.demo.progress import plain, say
from insecure_sandbox.demo.stage import Stage


def is_verified_offline(stage: Stage, *, verification: str, folder: Path) -> bool:
    """Whether a program that asks nobody believes the receipt of this decision, and not a changed one.

    folder: of the demo, where the operator's public root key lies.
    """
    kept = folder / "receipt"
    kept.mkdir(exist_ok=True)
    answer = stage.api.call("GET", f"/v1/verifications/{verification}/receipt")
    (kept / "jwks.json").write_text(json.dumps(stage.api.call("GET", "/.well-known/jwks.json")), "utf-8")
    (kept / "root.pub").write_bytes((folder / "keys" / "public" / "root.pub").read_bytes())
    (kept / "receipt.json").write_text(json.dumps(answer), "utf-8")
    (kept / "changed.json").write_text(json.dumps(_changed(answer)), "utf-8")
    sound, changed = (_verify(kept, name) for name in ("receipt.json", "changed.json"))
    said = json.loads(sound.stdout or "{}")
    say(f"the receipt of {verification}, verified offline: {said.get('status')} by {said.get('routes')}")
    plain(f"           | with one word changed: {(sound.stderr + changed.stderr).strip()}")
    return (sound.returncode, said.get("verification"), changed.returncode) == (0, verification, 1)


def _changed(answer: dict[str, Any]) -> dict[str, Any]:
    """The same, but that the signed part says "declined"."""
    header, payload, signature = answer["receipt"].split(".")
    plain_text = urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).replace(b'"verified"', b'"declined"')
    changed = urlsafe_b64encode(plain_text).decode().rstrip("=")
    return answer | {"receipt": f"{header}.{changed}.{signature}"}


def _verify(kept: Path, name: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "scripts" / "verify_receipt.py"
    command = [sys.executable, "-I", str(script), name, "--jwks", "jwks.json", "--root", "root.pub", "--test"]
    return subprocess.run(  # noqa: S603 (our own command)
        command, cwd=kept, capture_output=True, text=True, encoding="utf-8", check=False
    )
