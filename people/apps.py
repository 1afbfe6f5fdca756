"""People as a Django app, and the admin site that asks for both factors."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class PeopleConfig(AppConfig):
    """The humans who sign in."""

    name = "people"
    default_auto_field = "django.db.models.BigAutoField"


class OperatorAdminConfig(admin_apps.AdminConfig):
    """Stands in INSTALLED_APPS for `django.contrib.admin`, so that no admin page exists with one
    factor only.
    """

    # Django takes an app's default configuration from the names in this module: the other one must
    # be the only choice.
    default = False
    default_site = "people.admin.OperatorSite"
