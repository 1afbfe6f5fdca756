"""Writes the sandbox's certificates and pins into the product's test set of trust anchors.

`python -m insecure_sandbox.install_trust DIRECTORY [--url URL]`
"""

import argparse
import os
import re
import shutil
import sys
from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import urllib3

from insecure_sandbox.http_server import DEFAULT_PORT

PINS_FILE: Final = "pins.txt"

_SECONDS: Final = 30.0
_ROLES: Final = ("anchor", "intermediate")
_HEADING: Final = "# the sandbox's own authorities; anybody can get a key from them"
_COMMENT = re.compile(r"[ -~]{0,80}")


def write_anchors(source: str | Mapping[str, Any], directory: Path) -> None:
    """Makes `directory` hold exactly the certificates and pins of a sandbox: its address, or its
    `/ca/anchors.json`.

    A directory that already does is left untouched, so running processes may read it meanwhile.

    Raises: `ValueError` for a list outside mode `test`, and for a directory with other files.
    """
    listed = _fetch(source) if isinstance(source, str) else source
    files = _files(listed)
    present = _content(directory)
    if present == files:
        return
    if present and not present.get(PINS_FILE, b"").startswith(_HEADING.encode()):
        raise ValueError(f"{directory} holds files from another source; nothing was written")
    successor = directory.with_name(f"{directory.name}.{os.getpid()}.new")
    shutil.rmtree(successor, ignore_errors=True)
    successor.mkdir(parents=True)
    for name, content in files.items():
        (successor / name).write_bytes(content)
    shutil.rmtree(directory, ignore_errors=True)
    os.replace(successor, directory)


def _fetch(url: str) -> Mapping[str, Any]:
    response = urllib3.request("GET", f"{url}/ca/anchors.json", timeout=_SECONDS, redirect=False)
    if response.status != 200:
        raise ValueError(f"the sandbox answered {response.status}")
    listed: Mapping[str, Any] = response.json()
    return listed


def _files(listed: Mapping[str, Any]) -> dict[str, bytes]:
    if listed.get("mode") != "test":
        raise ValueError("this is no list of test anchors")
    files, pins = {}, [_HEADING, "mode test"]
    for entry in listed["certificates"]:
        der = b64decode(entry["certificate"], validate=True)
        digest, role, comment = sha256(der).hexdigest(), entry["role"], entry["comment"]
        if digest != entry["sha256"] or role not in _ROLES or not _COMMENT.fullmatch(comment):
            raise ValueError("an entry of the list is inconsistent")
        files[f"{digest[:16]}.cer"] = der
        pins.append(f"{digest}  {role}  {comment}")
    files[PINS_FILE] = ("\n".join(pins) + "\n").encode()
    return files


def _content(directory: Path) -> dict[str, bytes]:
    if not directory.is_dir():
        return {}
    return {path.name: path.read_bytes() if path.is_file() else b"" for path in directory.iterdir()}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m insecure_sandbox.install_trust")
    parser.add_argument("directory", type=Path)
    parser.add_argument(
        "--url",
        default=f"http://127.0.0.1:{DEFAULT_PORT}",
        help="the sandbox (default %(default)s)",
    )
    arguments = parser.parse_args()
    write_anchors(arguments.url, arguments.directory)
    sys.stdout.write(f"{arguments.directory} holds the sandbox's anchors\n")


if __name__ == "__main__":
    main()
