"""Lenders as a Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LendersConfig(AppConfig):
    """The lenders, their keys and webhooks."""

    name = "lenders"
    verbose_name = _("Lenders")
