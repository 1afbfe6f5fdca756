"""The routes: each lists its stages in order, with deviations from a stage's defaults. Data only.

An entry enables nothing: `settings.TULGA_ROUTES` and a profile's combinations must name it.
"""

from django.utils.translation import gettext_lazy as _

from verification.core.route import Route
from verification.stages import code, confirmation, live_capture, person, statement
from verification.stages.register import CONSENT, REGISTER

EDS = Route(
    name="eds",
    title=_("EDS (ЭЦП)"),
    label=_("Electronic signature (EDS)"),
    explanation=_("With your own EDS key, in the programme or app you sign with."),
    stages=(statement.STAGE,),
    registered=(REGISTER.beside(statement.STAGE),),
)
BIOMETRIC = Route(
    name="biometric",
    title=_("Biometric"),
    label=_("Face"),
    explanation=_("Your face by the camera, compared with the state's photo of you."),
    stages=(CONSENT.beside(live_capture.STAGE),),
    registered=(REGISTER.beside(live_capture.STAGE),),
)
LIVE_FACE = Route(
    name="live_face",
    title=_("Two factors with a live face"),
    label=_("SMS code and face"),
    explanation=_("A code by SMS, then your face by the camera."),
    stages=(REGISTER.beside(person.STAGE), code.STAGE, live_capture.STAGE),
)
RENEWAL = Route(
    name="renewal",
    title=_("New consent after the wait"),
    label=_("Consent to receive the money"),
    explanation=_("Your consent once more, with your document and a code by SMS."),
    stages=(confirmation.RENEWAL, REGISTER.beside(person.STAGE), code.STAGE),
)
ROUTES = {route.name: route for route in (EDS, BIOMETRIC, LIVE_FACE, RENEWAL)}
