"""The settings of a worker whose clock jumps ten minutes ahead, once the file that `CLOCK_OFF`
names is there.

It measures its clock every second, so that the test need not wait for a minute.
"""

from datetime import datetime, timedelta
from pathlib import Path

from django.utils import timezone

from config import env
from tests.service.quick_settings import *  # noqa: F403
from verification import clock

_FILE = Path(env.text("CLOCK_OFF", "nowhere"))
_now = timezone.now


def _jumped() -> datetime:
    return _now() + timedelta(minutes=10 if _FILE.exists() else 0)


timezone.now = _jumped
clock.MEASURE_SECONDS = 1
