"""Counts of the shape of the house: what `scripts/measure_house.py` measures, one module a kind of
figure.
"""

PRODUCT = ("config", "people", "lenders", "verification", "tools")
SANDBOX = ("insecure_sandbox",)
CAPTURE_SEED = 7
"""Of the commands of the live capture that is measured: both turns and two others, the most there
are.
"""
