"""Django's entry for the set-up itself: it makes every process know the Celery application."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The app `config`. It has no rows."""

    name = "config"

    def ready(self) -> None:
        """Load the Celery application, so that a task rung by name finds our broker and not
        Celery's default one.
        """
        from config import celery  # noqa: F401
