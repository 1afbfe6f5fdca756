"""Django's entry for this package."""

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import register

from verification.engines.faces import backends
from verification.engines.faces.backends import Choice
from verification.engines.liveness import passive


class VerificationConfig(AppConfig):
    """The app `verification`."""

    name = "verification"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Names the engines' weights, and registers the deployment checks, which need the models
        loaded.
        """
        backends.use(
            Choice(
                backend=settings.TULGA_FACE_BACKEND,
                models=settings.TULGA_FACE_MODELS_DIR,
                model=settings.TULGA_FACE_MODEL,
                calibration=settings.TULGA_FACE_CALIBRATION,
            )
        )
        passive.use(settings.TULGA_PASSIVE_DETECTOR)
        from verification.case.stages import LIVE_TAG
        from verification.deploy_checks import check_live_set, check_mci
        from verification.log import laws

        laws.keep_read()
        register(check_live_set, LIVE_TAG)
        register(check_mci, LIVE_TAG, deploy=True)
