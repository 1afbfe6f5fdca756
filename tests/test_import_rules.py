"""What each part of the product may import from outside it."""

import ast
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

# What each part of the product may import from outside it: lists of what is allowed, so that all
# else is refused.
#
# Who may import whom inside the product stands in pyproject.toml. The row with the longest place
# counts for a file.


OURS = ("config", "operators", "lenders", "people", "verification")
PLACES = (*OURS, "clients/python/tulga")
"""Folders whose files have a row here; the client of lenders is none of the product's, and imports
nothing of it.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words, numbers and structures: no clock, chance, file, process, thread or network among them.
PLAIN = _words(
    "base64 binascii bisect collections contextlib copy dataclasses datetime decimal enum functools"
    " hashlib heapq hmac io itertools json math operator re statistics struct types typing"
    " unicodedata zoneinfo"
)
_PAGES = PLAIN | _words(
    "csp django.conf django.contrib.auth.decorators django.contrib.messages django.core.exceptions"
    " django.forms django.http django.shortcuts django.urls django.utils django.views http segno"
    " urllib.parse"
)
_LENDERS = PLAIN | _words(
    "csp django drf_spectacular ipaddress logging rest_framework secrets urllib.parse"
)


def _row(place: str, more: str = "", *, base: frozenset[str] = PLAIN) -> tuple[str, frozenset[str]]:
    return place, base | _words(more)


ALLOWED: dict[str, frozenset[str]] = dict(
    (
        _row("verification/core"),
        _row("verification/core/certificates.py", "cryptography"),
        _row("verification/core/ids.py", "secrets time"),
        _row("verification/core/profiles.py", "threading"),
        _row("verification/engines/gost"),
        _row("verification/engines/gost/arithmetic.py", "threading"),
        _row("verification/engines/gost/backends.py", "ctypes gmpy2"),
        _row("verification/engines/pki", "cryptography lxml"),
        _row("verification/engines/pki/revocation.py", "threading"),
        _row("verification/engines/liveness", "PIL ai_edge_litert cv2 numpy pathlib"),
        _row("verification/engines/liveness/hints.py", "cv2 numpy threading"),
        _row("verification/engines/faces/__init__.py", "os"),
        _row("verification/engines/faces", "PIL cv2 dlib numpy onnxruntime pathlib"),
        _row("verification/engines/faces/backends.py", "importlib pathlib"),
        _row("verification/engines/faces/building.py", "cv2 dlib numpy pathlib tempfile"),
        _row("verification/engines/faces/image_gate.py", "PIL cv2 dlib numpy zlib"),
        _row("verification/engines/faces/conversion.py", "numpy onnx pathlib"),
        _row("verification/engines/faces/folding.py", "google.protobuf numpy onnx"),
        _row("verification/engines/faces/reference.py", "PIL face_recognition numpy pathlib"),
        _row("verification/engines/passkeys.py", "webauthn"),
        _row("verification/engines/weights.py", "importlib pathlib zipfile"),
        _row("verification/engines/__init__.py", "os"),
        _row("verification/sources", "django.conf pathlib"),
        _row("verification/sources/asking.py", "ipaddress logging pathlib stat urllib.parse"),
        _row("verification/sources/sms.py", "django.conf pathlib urllib.parse"),
        _row("verification/sources/simulation.py", "threading"),
        _row("verification/sources/descriptions.py", "django.conf inspect pathlib urllib.parse"),
        _row(
            "verification/sources/installed.py",
            "django.conf django.utils.module_loading pathlib shutil ssl",
        ),
        _row("verification/outbound", "asyncio httpcore httpx socket ssl"),
        _row("verification/outbound/addresses.py", "ipaddress"),
        _row(
            "verification/outbound/wires.py",
            "asyncio concurrent.futures httpcore httpx socket ssl threading time",
        ),
        _row("verification/models", "django.db"),
        _row("verification/compiled.py", "django.db inspect types"),
        _row("verification/fields.py", "django.db zlib"),
        _row("verification/transactions.py", "contextvars django.db os"),
        _row("verification/folders.py", "pathlib tempfile"),
        _row("verification/clock.py", "django.db django.utils logging time"),
        _row("verification/course"),
        _row("verification/stages"),
        _row("verification/stages/code/collect.py", "secrets"),
        _row("verification/stages/live_capture/dialogue.py", "secrets"),
        _row("verification/stages/person/collect.py", "secrets"),
        _row("verification/stages/statement/collect.py", "secrets"),
        _row("verification/templatetags", "django.template django.utils"),
        _row("verification/routes.py", "django.utils.translation"),
        _row(
            "verification/evidence",
            "cryptography django.conf django.core.files django.db django.utils pathlib secrets",
        ),
        _row("verification/evidence/boxes.py", "cryptography"),
        _row("verification/evidence/vault.py", "cryptography django.conf secrets zlib"),
        _row("verification/evidence/store.py", "django.core.files django.db django.utils"),
        _row("verification/evidence/durable_files.py", "django.core.files os pathlib"),
        _row("verification/log/log.py", "contextvars django.db django.utils"),
        _row("verification/log", "cryptography django.conf django.db django.utils logging secrets"),
        _row("verification/log/laws.py", "django.db logging time"),
        _row("verification/log/verify_actors.py", "django.apps django.db"),
        _row("verification/log/head_file.py", "django.conf fcntl os pathlib"),
        _row(
            "verification/log/spread.py",
            "concurrent.futures contextvars django.db gc multiprocessing",
        ),
        _row("verification/access", "django.conf django.db django.utils secrets"),
        _row("verification/access/addresses.py", "django.utils ipaddress"),
        _row("verification/access/acting.py", "django.contrib.auth"),
        _row(
            "verification/access/passkeys.py",
            "django.conf django.contrib.sessions ipaddress urllib.parse",
        ),
        _row("verification/payout", "django.conf django.db django.utils secrets"),
        _row("verification/artifacts", "cryptography django.conf django.db django.utils"),
        _row("verification/artifacts/reading.py", "django.conf django.db threading time"),
        _row("verification/case", "django.conf django.db django.utils logging secrets"),
        _row(
            "verification/case/steps.py",
            "celery django.conf django.db kombu.exceptions logging time",
        ),
        _row("verification/worker", "django.conf django.db secrets"),
        _row("verification/worker/pulse.py", "django.db logging pathlib time"),
        _row("verification/worker/set_up.py", "django.conf django.db logging pathlib"),
        _row("verification/worker/sweep.py", "django.conf django.db django.utils logging"),
        _row("verification/access/rates.py", "django.db threading time"),
        _row("verification/case/votes.py", "django.contrib.auth django.db"),
        _row(
            "verification/case/stages.py",
            "django.conf django.core.checks django.db django.utils",
        ),
        _row("verification/borrower", base=_PAGES),
        _row("verification/borrower/camera.py", "threading time", base=_PAGES),
        _row("verification/borrower/public.py", "django.apps", base=_PAGES),
        _row("verification/oversight", "django.db", base=_PAGES),
        _row("verification/oversight/search.py", "django.apps django.db", base=_PAGES),
        _row("verification/subject", base=_PAGES),
        _row("verification/subject/bundle.py", "logging", base=_PAGES),
        _row("verification/review", "django.db", base=_PAGES),
        _row("verification/review/signing.py", "secrets", base=_PAGES),
        _row("verification/tasks.py", "celery logging time"),
        _row("verification/apps.py", "django.apps django.conf django.core.checks"),
        _row("verification/deploy_checks.py", "django.apps django.conf django.core.checks"),
        _row(
            "verification/management",
            "argparse csv django.conf django.contrib.auth django.core.management django.db"
            " django.utils django_otp html logging os pathlib secrets signal sys threading"
            " time",
        ),
        _row(
            "verification/management/commands/audit_verify.py",
            "concurrent.futures django.core.management django.db os pathlib secrets",
        ),
        _row(
            "verification/management/commands/make_keys.py",
            "argparse django.core.management os pathlib secrets shutil",
        ),
        _row("verification/__init__.py"),
        _row("lenders", base=_LENDERS),
        _row("lenders/docs/prose.py", "lxml markdown_it", base=_LENDERS),
        _row("lenders/docs/search.py", "sqlite3", base=_LENDERS),
        _row("lenders/docs/words.py", "gettext", base=_LENDERS),
        _row("lenders/openapi.py", "threading", base=_LENDERS),
        _row("lenders/endpoints.py", "cryptography", base=_LENDERS),
        _row("lenders/deliveries.py", "random", base=_LENDERS),
        _row("lenders/resources/clearances.py", "csv", base=_LENDERS),
        _row(
            "lenders/sender.py", "asyncio concurrent.futures email.utils socket time", base=_LENDERS
        ),
        _row(
            "lenders/management/commands/deliver.py",
            "argparse asyncio resource signal",
            base=_LENDERS,
        ),
        _row("operators", "django http secrets"),
        _row("lenders/management/commands/add_key.py", "pathlib", base=_LENDERS),
        _row("people", "argparse django django_otp http ipaddress logging secrets segno sys"),
        _row(
            "people/models.py",
            "base64 django django_otp re secrets time urllib.parse",
        ),
        _row(
            "config",
            "celery contextvars csp ctypes dj_database_url django ipaddress kombu logging os"
            " pathlib queue resource secrets sys threading time traceback urllib.parse uuid"
            " warnings",
        ),
        _row("config/key_files.py", "os pathlib"),
        _row("config/management/commands/grant_process_roles.py", "django psycopg"),
        _row("config/management/commands/rotate_keys.py", "argparse django time"),
        _row("config/pool.py", "billiard celery fcntl tempfile"),
        _row("config/postgresql/base.py", "django select"),
        _row("config/static_files.py", "django fcntl hashlib pathlib whitenoise"),
        _row("people/hashing.py", "concurrent.futures django os threading"),
        _row(
            "config/web_worker.py",
            "concurrent.futures django errno gunicorn http secrets selectors socket time",
        ),
        _row("clients/python/tulga", "cryptography tulga"),
        _row("clients/python/tulga/calls.py", "tulga uuid"),
        _row("clients/python/tulga/checkpoints.py", "threading tulga"),
        _row(
            "clients/python/tulga/clients.py",
            "asyncio httpx pathlib random ssl time tulga urllib.parse",
        ),
        _row("clients/python/tulga/answers.py", "email.utils"),
        _row("clients/python/tulga/listening.py", "cryptography httpx secrets time tulga"),
        _row("clients/python/tulga/triggering.py", "secrets time tulga"),
        _row("clients/python/tulga/__main__.py", "argparse os signal sys tulga"),
        _row("clients/python/tulga/webhooks.py", "threading tulga"),
    )
)

# Where something is found by its name, past every contract. `get_model`: another app's rows.
_BY_NAME = (
    *("import_module", "__import__", "import_string", "eval", "exec", "find_spec"),
    *("get_model", "get_models", "get_app_config", "get_app_configs", "get_containing_app_config"),
)
FINDS_BY_NAME = {
    "verification/engines/faces/backends.py": ("import_module",),
    "verification/sources/installed.py": ("import_string",),
    "verification/borrower/public.py": ("get_model",),
    "verification/log/verify_actors.py": ("get_model",),
    "verification/oversight/search.py": ("get_model",),
}
# What these judge by is handed in, the time too, and what a file holds; a film is read by its name.
_HANDED_IN = (
    "verification/core/",
    "verification/course/",
    "verification/engines/",
    "verification/stages/",
)
_CLOCK = ("now", "today", "utcnow")
_OPENS = ("open", "fdopen", "VideoCapture")
_OF_FILMS = "tools/video.py"


def wrong_imports(path: PurePosixPath, text: str) -> Iterator[str]:
    """The sentences that are wrong about a file of the product."""
    allowed = _allowed(path)
    for node in ast.walk(ast.parse(text)):
        for module in _outside(node, ours=() if path.parts[0] == "clients" else OURS):
            if allowed is None:
                yield f"{path} has no place in the lists of imports"
            elif not any(module == one or module.startswith(f"{one}.") for one in allowed):
                yield f"{path} imports {module}"
        if isinstance(node, ast.Attribute | ast.Name):
            yield from _wrong_name(path, node)


def _allowed(path: PurePosixPath) -> frozenset[str] | None:
    for place in (path, *path.parents):
        if (found := ALLOWED.get(place.as_posix())) is not None:
            return found
    return None


def _outside(node: ast.AST, *, ours: tuple[str, ...]) -> list[str]:
    """What a statement imports that is not ours, as `package.name`."""
    if isinstance(node, ast.Import):
        found = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        found = [f"{node.module or ''}.{alias.name}" for alias in node.names]
    else:
        return []
    return [name for name in found if name.partition(".")[0] not in ours]


def _wrong_name(path: PurePosixPath, node: ast.Attribute | ast.Name) -> Iterator[str]:
    """Called or handed on, it is the same."""
    name = node.attr if isinstance(node, ast.Attribute) else node.id
    of = getattr(node.value, "id", "something") if isinstance(node, ast.Attribute) else ""
    if name in _BY_NAME and name not in FINDS_BY_NAME.get(path.as_posix(), ()):
        yield f"{path} finds something by its name: {name}"
    if not path.as_posix().startswith(_HANDED_IN):
        return
    if name in _CLOCK and of and path.name != "collect.py":
        yield f"{path} asks a clock"
    if name in _OPENS and of in ("", "io", "os", "cv2") and path.as_posix() != _OF_FILMS:
        yield f"{path} opens a file: {name}"


# Every file imports what its place may import and nothing else, and each forbidden import is
# noticed.


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
