"""Whether ticks and workers live: each reports in a row every few seconds, for `/readyz`."""

import logging
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from django.db.models import QuerySet

from verification import clock, transactions
from verification.case import policy
from verification.core.ids import new_id
from verification.folders import folder_fault
from verification.log import sequencer
from verification.models import Pulse
from verification.worker import sweep

logger = logging.getLogger(__name__)

TICK, WORKER = "tick", "worker"
_FORGOTTEN: Final = timedelta(days=1)


@dataclass
class Heart:
    """The reports of one process, while it can do its work: its clock is right, and its folder
    takes files.
    """

    kind: str
    folder: Path
    queues: tuple[str, ...] = ()
    name: str = field(default_factory=partial(new_id, "prc"))
    due_at: float = 0  # by the monotonic clock

    def is_due(self) -> bool:
        """Whether the next report is due."""
        return time.monotonic() >= self.due_at

    def beat(self) -> None:
        """Reports if that is due."""
        if not self.is_due() or not clock.is_right():
            return
        if cause := folder_fault(self.folder):
            logger.error("no file can be stored in %s (%s)", self.folder, cause)
            return
        at = clock.now()
        with transactions.writing():
            columns = {"kind": self.kind, "queues": " ".join(self.queues), "seen_at": at}
            Pulse.objects.update_or_create(pk=self.name, defaults=columns)
            Pulse.objects.filter(seen_at__lt=at - _FORGOTTEN).delete()
        self.due_at = time.monotonic() + policy.PULSE_SECONDS

    def stop(self) -> None:
        """Reports the end."""
        with transactions.running(scope=transactions.ALL), transactions.writing():
            Pulse.objects.filter(pk=self.name).delete()


def count_ticks(*, at: datetime) -> int:
    """How many ticks live."""
    return _living(at).filter(kind=TICK).count()


def count_workers(*, at: datetime) -> dict[str, int]:
    """How many living workers serve each queue."""
    served = _living(at).filter(kind=WORKER).values_list("queues", flat=True)
    every = [name for queues in served for name in queues.split()]
    return {name: every.count(name) for name in policy.QUEUES}


def seconds_unordered(*, at: datetime) -> int:
    """Age of the oldest entry that waits for its place, seconds; 0 without one."""
    times = [since for log in sweep.modes() if (since := sequencer.waiting_since(log))]
    return max(0, int((at - min(times)).total_seconds())) if times else 0


def _living(at: datetime) -> QuerySet[Pulse, Pulse]:
    return Pulse.objects.filter(seen_at__gte=at - timedelta(seconds=policy.PULSE_LATE_SECONDS))
