"""Django's entry for the set-up: makes every process know the Celery application."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The app `config`. It has no rows."""

    name = "config"

    def ready(self) -> None:
        """Loads the Celery application, so that a task sent by name uses our broker and not
        Celery's default; and what states the set-up, which needs models.
        """
        from config import celery, starting  # noqa: F401
        from verification.worker import set_up

        starting.state_set_up_by(set_up.keep_at_start)
