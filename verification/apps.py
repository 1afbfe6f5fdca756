"""Django's entry for this package."""

from django.apps import AppConfig
from django.core.checks import register


class VerificationConfig(AppConfig):
    """The app `verification`."""

    name = "verification"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Registers the deployment checks, which need the models loaded."""
        from verification.deploy_checks import check_live_set
        from verification.workflow.readiness import LIVE_TAG

        register(check_live_set, LIVE_TAG)
