"""What measures, calibrates and judges files: commands of `manage.py`, loaded by no service."""
