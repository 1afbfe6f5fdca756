"""Debian's packages of the servers and of the browser: installed where we may, else named."""

import os
import shutil
import subprocess

from tests.servers import missing_packages

WHOLE, SHELL = "chromium", "chromium-headless-shell"
"""Debian's Chromium, and the same without windows, which takes half as much of a core for a
test.
"""


def install_what_is_missing() -> None:
    """Install what is not here, or say what to type. Who misses one says so later, and has
    failed.
    """
    # Both or none: they must be of one version.
    wanted = missing_packages() + ([] if all(map(shutil.which, (WHOLE, SHELL))) else [WHOLE, SHELL])
    if not wanted:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(
            f"Missing on this machine: {' '.join(wanted)}. On Debian: sudo apt install"
            f" {' '.join(wanted)}",
            flush=True,
        )
        return
    print(f"Installing with apt: {' '.join(wanted)}", flush=True)
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for call in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *wanted]):
        done = subprocess.run(
            ["apt-get", *call],
            env=quiet,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            print(f"apt-get {call[0]} failed: going on without", flush=True)
            return


if __name__ == "__main__":
    install_what_is_missing()
