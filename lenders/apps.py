"""Django's entry for the lenders' door."""

from django.apps import AppConfig


class LendersConfig(AppConfig):
    """The app `lenders`."""

    name = "lenders"
    verbose_name = "Lenders"

    def ready(self) -> None:
        """Teach drf-spectacular our kind of key: it finds extensions by their having been imported."""
        from lenders import openapi  # noqa: F401
