"""No process that serves loads the tools."""

import os
import subprocess
import sys
from pathlib import Path

_SET_UP = "import django; django.setup()"
_LOADED = "import sys; print(*[name for name in sys.modules if name.split('.')[0] == 'tools'])"
_SERVICES = (
    "import config.urls, config.middleware",  # web
    "from config import celery; celery.app.loader.import_default_modules()",  # worker
    "from verification.management.commands import tick",
    "from lenders.management.commands import deliver",
)


def _output(*command: str, place: Path, settings: str) -> list[str]:
    """The words that a process prints, which runs with these settings."""
    environment = dict(os.environ, DJANGO_SETTINGS_MODULE=settings, TULGA_VAR_DIR=str(place))
    done = subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_no_service_loads_a_tool(tmp_path: Path) -> None:
    """All of them in one process, for a tool that any of them loads stays loaded."""
    script = "; ".join((_SET_UP, *_SERVICES, _LOADED))
    assert _output("-c", script, place=tmp_path, settings="config.settings") == []


def test_the_commands_of_the_tools_are_there(tmp_path: Path) -> None:
    words = _output("manage.py", "help", place=tmp_path, settings="config.command_settings")
    names = {"assess_liveness", "calibrate_faces", "match_faces", "report_faces", "verify_eds"}
    assert names <= {*words}
