"""The product's settings in a session's own environment, which must stand before they are read."""

import os

from tests.environment import CODES_VARIABLE, prepare

prepare()

from config.settings import *  # noqa: E402, F403

if CODES_VARIABLE in os.environ:
    MIDDLEWARE = ["tests.noting.Noting", *MIDDLEWARE]  # noqa: F405
INSTALLED_APPS = ["tests.fresh_database", *INSTALLED_APPS, "tools"]  # noqa: F405
# A password is no slower than it must be; that real ones are slow is tested where they are made.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher",
    *PASSWORD_HASHERS,  # noqa: F405
]
# One route, so that a verification begins at its first stage; a test that wants others, or a
# choice, names them.
TULGA_ROUTES = ["eds"]
# Static files are looked up where they lie when they are asked for: to gather them, or to scan them
# all, would be part of every test with a page. tests/config/test_static_files.py has them gathered.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = True
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
