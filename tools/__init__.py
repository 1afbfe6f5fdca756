"""Commands of `manage.py` that measure, calibrate and judge files; no service loads them."""
