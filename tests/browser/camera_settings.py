"""The settings of a worker that knows the camera routes: the tests' own name only the route of
signatures.
"""

from tests.settings import *  # noqa: F403

TULGA_ROUTES = ["eds", "biometric", "live_face"]
