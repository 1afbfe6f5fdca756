"""`python -m tests.lenders.versions VERSION`: writes how a version answers, before another comes;
then it stays.
"""

import os
import sys

import pytest

from tests.lenders.versions.golden import WRITES

os.environ[WRITES] = sys.argv[1]
sys.exit(
    pytest.main(
        ["-q", "tests/lenders/versions/test_answers.py", "-k", f"answers_as and {sys.argv[1]}"]
    )
)
