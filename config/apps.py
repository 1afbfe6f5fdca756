"""Django's entry for the set-up: makes every process know the Celery application."""

from django.apps import AppConfig
from django.core.checks import register


class ConfigConfig(AppConfig):
    """The app `config`. It has no rows."""

    name = "config"

    def ready(self) -> None:
        """Loads the Celery application, so that a task sent by name uses our broker and not
        Celery's default; and what states the set-up, which needs models. Registers the check of the
        database role.
        """
        from config import celery, starting  # noqa: F401
        from config.rights import check_role
        from verification.case.stages import LIVE_TAG
        from verification.worker import set_up

        starting.state_set_up_by(set_up.keep_at_start)
        register(check_role, LIVE_TAG, deploy=True)
