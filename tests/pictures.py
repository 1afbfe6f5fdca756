"""`make pictures`: takes the picture of every page in every language, and writes docs/pages.md,
which shows them.
"""

import os
import subprocess
import sys
from importlib import import_module

import django

_TESTS = ("tests/browser/test_every_page.py", "tests/browser/test_every_page_of_people.py")


def main() -> int:
    """Takes them all anew: pictures of pages that are gone go."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    every_page = import_module("tests.browser.every_page")  # its pages are of models

    for old in every_page.PICTURES.glob("*.webp"):
        old.unlink()
    asked = [sys.executable, "-m", "pytest", "-q", *_TESTS]
    done = subprocess.run(
        asked, cwd=every_page.ROOT, env={**os.environ, "KEEP_PICTURES": "1"}, check=False
    )
    every_page.PAGE_OF_PICTURES.write_text(every_page.written(), encoding="utf-8")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
