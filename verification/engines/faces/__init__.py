"""Two images in, one distance out. The calibration of the backend in use gives a distance its
meaning.
"""

import os

# Set before the library is loaded. Otherwise it writes a lasting id of this machine and reports to
# its maker what is loaded and how often (onnxruntime's Privacy.md, since 1.29). Where people are
# identified stays private.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
