"""What the web server calls: `gunicorn --config config/gunicorn_settings.py`."""

import os
import sys

from django.core.wsgi import get_wsgi_application

from config import env, starting

env.use_settings("config.settings")
env.act_as("web")
starting.load_settings()
application = get_wsgi_application()
try:
    starting.refuse_wrong_setup()
except SystemExit as refused:
    print(refused, file=sys.stderr, flush=True)
    # gunicorn's word for a process that must not be started again and again. At once: an ordinary exit while the
    # application is being loaded was seen to wait for a lock that nobody holds any more.
    os._exit(3)
