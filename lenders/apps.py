"""Django's entry for the lenders' door."""

from django.apps import AppConfig


class LendersConfig(AppConfig):
    """The app `lenders`."""

    name = "lenders"
    verbose_name = "Lenders"
