"""Bytes in, numbers out."""

import os

# Before NumPy is loaded: products as small as ours take one core five times as long where the
# threads of OpenBLAS wait for each other, and a worker has a child a core already. OpenCV and the
# nets have one thread each for the same reason.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
