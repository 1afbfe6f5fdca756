"""The operators' pages as a Django app, and the admin site that asks for both factors."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class OperatorsConfig(AppConfig):
    """Proposals of operators."""

    name = "operators"
    default_auto_field = "django.db.models.BigAutoField"


class OperatorAdminConfig(admin_apps.AdminConfig):
    """Replaces `django.contrib.admin` in INSTALLED_APPS, so that no admin page accepts a single
    factor.
    """

    # Django takes an app's default configuration from this module's names: the other one must be
    # the only choice.
    default = False
    default_site = "operators.admin.OperatorSite"
