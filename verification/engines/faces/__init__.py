"""Two images in, one distance out. What a distance means is a calibration, and that comes with the
backend in use.
"""

import os

# Before the library is loaded, or it writes a lasting id of this machine and sends its maker what
# is loaded and how often (onnxruntime's Privacy.md, since 1.29): who identifies people where is
# nobody's to know.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
