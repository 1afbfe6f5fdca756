"""The leg's broker as seen from outside: where it is, what lies in it, and one that does not
answer.
"""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from kombu import Connection

from config.celery import app
from tests.servers import free_port


def environment(folder: Path) -> dict[str, str]:
    """What points processes to the leg's broker; the filesystem's lies in `folder`."""
    return {"CELERY_BROKER_URL": _address(), "TULGA_BELL_DIR": str(folder / "bell")}


def deaf_environment(folder: Path) -> dict[str, str]:
    """A broker that is there when a process starts with it and gone after `deafen`."""
    parts = urlsplit(_address())
    if parts.scheme == "filesystem":
        return {"TULGA_BELL_DIR": str(folder / "deaf-bell")}
    user = parts.netloc.rpartition("@")[0]
    place = f"127.0.0.1:{free_port()}"
    return {
        "CELERY_BROKER_URL": urlunsplit(parts._replace(netloc=f"{user}@{place}" if user else place))
    }


def deafen(folder: Path) -> None:
    """Takes away the folder of a process that was started with `deaf_environment`; a port was dead
    from the start.
    """
    messages = folder / "deaf-bell" / "messages"
    if messages.is_dir():
        # Not by permissions: they do not hold for the superuser, whom tests may run as.
        messages.rename(messages.with_name("away"))
        messages.touch()


def take_messages(folder: Path) -> list[str]:
    """Empties every queue and gives what lay in it, headers and all: bells only, so nothing is
    lost.
    """
    taken: list[str] = []
    messages = {
        name: str(folder / "bell" / "messages") for name in ("data_folder_in", "data_folder_out")
    }
    filesystem = messages | {"control_folder": str(folder / "bell" / "control")}
    options = filesystem if _address().startswith("filesystem") else {}
    with Connection(_address(), transport_options=options) as connection:
        channel: Any = connection.channel()
        for queue in app.conf.task_queues:
            queue(channel).declare()
            while (message := channel.basic_get(queue.name, no_ack=True)) is not None:
                body = (
                    message.body if isinstance(message.body, str) else bytes(message.body).decode()
                )
                around = json.dumps(
                    [message.headers, message.properties], default=str, ensure_ascii=False
                )
                taken.append(f"{body}\n{around}")
    return taken


def _address() -> str:
    return os.environ.get("CELERY_BROKER_URL", "filesystem://")
