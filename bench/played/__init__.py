"""What benches share. Each bench is run as a file: the repository is put on the path here."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
