"""Bytes in, numbers out."""

import os

# Set before NumPy is loaded: small products on several OpenBLAS threads take five times as long as
# on one, and a worker has one child per core already. OpenCV and the nets use one thread each for
# the same reason.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
