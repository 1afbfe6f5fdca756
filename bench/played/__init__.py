"""Common parts of the benches. Each bench runs as a file: this puts the repository on the path."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
