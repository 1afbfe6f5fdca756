"""The settings of `manage.py`: those of every process, and the app that measures and judges files.

No serving process loads that app: see `tests/tools/test_services.py`.
"""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as SERVING_APPS

INSTALLED_APPS = [*SERVING_APPS, "tools"]
