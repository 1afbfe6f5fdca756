"""Every file imports what its place may import and nothing else, and each forbidden import is
noticed.
"""

from pathlib import Path, PurePosixPath

import pytest

from tests.import_rules import ALLOWED, FINDS_BY_NAME, PLACES, wrong_imports

_ROOT = Path(__file__).resolve().parent.parent

# A file of the product, and a line that must never stand in it.
_PROBES = (
    ("verification/core/ids.py", "import random"),
    ("verification/core/ids.py", "import os"),
    ("verification/core/ids.py", 'open("/etc/passwd")'),
    ("verification/core/ids.py", "read = open"),
    ("verification/core/person.py", "ask = datetime.now"),
    ("verification/course/fold.py", "from django.conf import settings"),
    ("verification/course/fold.py", "import cryptography"),
    ("verification/course/state.py", "import random"),
    ("verification/course/state.py", "ask = datetime.now"),
    ("verification/course/payout.py", 'open("/etc/passwd")'),
    ("verification/stages/person/checks.py", 'io.open("/etc/passwd")'),
    ("verification/engines/liveness/pictures.py", "cv2.VideoCapture(0)"),
    ("verification/deploy_checks.py", 'apps.get_app_config("lenders")'),
    ("verification/core/results.py", "import secrets"),
    ("verification/core/results.py", "import time"),
    ("verification/core/person.py", "from django.utils import timezone"),
    ("verification/core/person.py", "import numpy"),
    ("verification/core/person.py", "from pathlib import Path"),
    ("verification/engines/pki/path.py", "import urllib3"),
    ("verification/engines/pki/path.py", "import subprocess"),
    ("verification/engines/pki/path.py", "import psycopg"),
    ("verification/engines/pki/ocsp.py", "import http.client"),
    ("verification/engines/gost/streebog.py", "import ctypes"),
    ("verification/engines/gost/streebog.py", "import asyncio"),
    ("verification/engines/faces/detection.py", "import multiprocessing"),
    ("verification/engines/faces/detection.py", "import face_recognition"),
    ("verification/engines/liveness/gestures.py", "import requests"),
    ("verification/engines/liveness/gestures.py", "from django.conf import settings"),
    ("verification/engines/liveness/gestures.py", "import glob"),
    ("verification/engines/liveness/capture.py", "import random"),
    ("verification/stages/statement/checks.py", "import random"),
    ("verification/stages/statement/checks.py", "import time"),
    ("verification/stages/statement/checks.py", "import socket"),
    ("verification/stages/statement/checks.py", "import urllib.request"),
    ("verification/stages/statement/policy.py", "import os"),
    ("verification/stages/code/dialogue.py", "import time"),
    ("verification/stages/person/collect.py", "import httpx"),
    ("verification/stages/person/collect.py", "from django.db import connection"),
    ("verification/sources/asking.py", "import httpx"),
    ("verification/sources/sms.py", "import requests"),
    ("verification/sources/sms.py", "import smtplib"),
    ("verification/outbound/__init__.py", "import urllib3"),
    ("verification/outbound/wires.py", "from django.conf import settings"),
    ("verification/models/cases.py", "from django.core.cache import cache"),
    ("verification/evidence/vault.py", "import pickle"),
    ("verification/evidence/vault.py", "import random"),
    ("verification/log/tree.py", "import sqlite3"),
    ("verification/log/sequencer.py", "import celery"),
    ("verification/access/openings.py", "import celery"),
    ("verification/access/openings.py", "import httpx"),
    ("verification/case/moving.py", "from django.core.cache import cache"),
    ("verification/borrower/views.py", "from django.db import transaction"),
    ("verification/borrower/views.py", "from django.core.cache import cache"),
    ("verification/borrower/views.py", "import celery"),
    ("verification/oversight/counts.py", "from django.apps import apps"),
    ("verification/review/desk.py", "import numpy"),
    ("lenders/api/verifications.py", "import celery"),
    ("lenders/api/verifications.py", "import socket"),
    ("lenders/sender.py", "import httpcore"),
    ("lenders/deliveries.py", "import urllib3"),
    ("people/models.py", "import celery"),
    ("config/settings.py", "import subprocess"),
    ("config/settings.py", "import tulga"),
    ("clients/python/tulga/receipts.py", "import httpx"),
    ("clients/python/tulga/calls.py", "import time"),
    ("clients/python/tulga/clients.py", "import urllib3"),
    ("clients/python/tulga/clients.py", "import os"),
    ("clients/python/tulga/receipts.py", "from verification.core import ids"),
    # Past the contracts, by a name.
    ("verification/access/openings.py", "apps.get_model('lenders', 'Lender')"),
    ("verification/log/log.py", "django.apps.apps.get_models()"),
    ("verification/stages/statement/checks.py", "__import__('socket')"),
    ("verification/engines/pki/path.py", "importlib.import_module('socket')"),
    ("lenders/deliveries.py", "import_string('verification.models.Attempt')"),
    ("verification/core/results.py", "eval('1')"),
    # Past what is handed in.
    ("verification/core/results.py", "datetime.now()"),
    ("verification/stages/statement/checks.py", "datetime.now(UTC)"),
    ("verification/stages/code/checks.py", "date.today()"),
    ("verification/engines/pki/path.py", "datetime.datetime.utcnow()"),
)


def _files() -> list[Path]:
    found = (path for part in PLACES for path in (_ROOT / part).rglob("*.py"))
    return sorted(path for path in found if "migrations" not in path.parts)


def test_every_file_imports_only_what_its_place_may() -> None:
    wrong = [
        sentence
        for path in _files()
        for sentence in wrong_imports(
            PurePosixPath(path.relative_to(_ROOT).as_posix()), path.read_text("utf-8")
        )
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("place", "line"), _PROBES, ids=lambda one: str(one))
def test_a_forbidden_import_is_noticed(place: str, line: str) -> None:
    path = _ROOT / place
    assert list(wrong_imports(PurePosixPath(place), f"{path.read_text('utf-8')}\n{line}\n"))


def test_a_file_without_a_place_may_import_nothing() -> None:
    assert list(wrong_imports(PurePosixPath("verification/new_room/a.py"), "import json"))
    assert not list(
        wrong_imports(
            PurePosixPath("verification/new_room/a.py"), "from verification.core import ids"
        )
    )


@pytest.mark.parametrize("place", sorted({*ALLOWED, *FINDS_BY_NAME}))
def test_no_list_is_of_a_place_that_is_gone(place: str) -> None:
    assert (_ROOT / place).exists()
