"""`python -m tests.vectors.stored`: write the golden blobs that are new; `--anew`: write all of
them.
"""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.vectors.stored.build import main  # needs the rows of Django loaded  # noqa: E402

main(sys.argv[1:])
