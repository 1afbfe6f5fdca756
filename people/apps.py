"""People as a Django app."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """The people who sign in."""

    name = "people"
    default_auto_field = "django.db.models.BigAutoField"
