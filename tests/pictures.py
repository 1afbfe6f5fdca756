"""`make pictures`: takes the picture of every page in every language into var/pictures, with a page
that shows them all, and renews those that docs/pictures keeps.
"""

import os
import shutil
import subprocess
import sys
from importlib import import_module

import django

_TESTS = ("tests/browser/test_every_page.py", "tests/browser/test_every_page_of_people.py")


def main() -> int:
    """Takes them all anew: a picture of a page that is gone goes.

    A kept picture stays as it is where a test failed.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    every_page = import_module("tests.browser.every_page")  # its pages are of models

    every_page.PICTURES.mkdir(parents=True, exist_ok=True)
    for old in every_page.PICTURES.glob("*.webp"):
        old.unlink()
    asked = [sys.executable, "-m", "pytest", "-q", *_TESTS]
    done = subprocess.run(
        asked, cwd=every_page.ROOT, env={**os.environ, "KEEP_PICTURES": "1"}, check=False
    )
    every_page.PAGE_OF_PICTURES.write_text(every_page.written(), encoding="utf-8")
    if done.returncode == 0:
        for name in every_page.KEPT:
            shutil.copy(every_page.PICTURES / f"{name}.webp", every_page.KEPT_PICTURES)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
