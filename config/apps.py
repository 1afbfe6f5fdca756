"""Django's entry for the set-up: makes every process know the Celery application."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The app `config`. It has no rows."""

    name = "config"

    def ready(self) -> None:
        """Loads the Celery application, so that a task sent by name uses our broker and not
        Celery's default.
        """
        from config import celery  # noqa: F401
