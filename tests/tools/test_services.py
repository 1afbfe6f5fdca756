"""No process that serves loads the tools."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_SET_UP = "import django; django.setup()"
_LOADED = "import sys; print(*[name for name in sys.modules if name.split('.')[0] == 'tools'])"
_SERVICES = {
    "web": "import config.urls, config.middleware",
    "worker": "from config import celery; celery.app.loader.import_default_modules()",
    "tick": "from verification.management.commands import tick",
    "deliver": "from lenders.management.commands import deliver",
}


def _output(*command: str, place: Path, settings: str) -> list[str]:
    """The words that a process prints, which runs with these settings."""
    environment = dict(os.environ, DJANGO_SETTINGS_MODULE=settings, TULGA_VAR_DIR=str(place))
    done = subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.parametrize("start", _SERVICES.values(), ids=_SERVICES)
def test_a_service_loads_no_tool(start: str, tmp_path: Path) -> None:
    script = f"{_SET_UP}; {start}; {_LOADED}"
    assert _output("-c", script, place=tmp_path, settings="config.settings") == []


def test_the_commands_of_the_tools_are_there(tmp_path: Path) -> None:
    words = _output("manage.py", "help", place=tmp_path, settings="config.command_settings")
    names = {"assess_liveness", "calibrate_faces", "match_faces", "report_faces", "verify_eds"}
    assert names <= {*words}
