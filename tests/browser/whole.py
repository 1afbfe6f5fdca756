"""Cases that show the same way in yet another language or size: only `make prove PART=pages` goes
through them.

In `make test` each way is gone once, and the languages and sizes are dealt out among the ways.
"""

from typing import Any

import pytest


def whole(*case: Any) -> Any:
    """A case of `parametrize` for `make prove` alone."""
    return pytest.param(*case, marks=(pytest.mark.proof("pages"), pytest.mark.whole))
