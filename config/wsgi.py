"""The web server's entry: `gunicorn --config config/gunicorn_settings.py`."""

import os
import sys

import django
from django.core.wsgi import get_wsgi_application

from config import env, starting, static_files

env.use_settings("config.settings")
env.act_as("web")
starting.load_settings()
django.setup(set_prefix=False)
try:
    starting.refuse_wrong_setup()
    static_files.require()
    starting.state_set_up()
except SystemExit as refusal:
    print(refusal, file=sys.stderr, flush=True)
    # gunicorn's code for a process that must not be restarted. At once: an ordinary exit during
    # loading was seen to wait for a lock for ever.
    os._exit(3)
application = get_wsgi_application()
