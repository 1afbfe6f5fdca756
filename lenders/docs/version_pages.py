"""What /docs/changelog says of the API's versions: one page, whose sections the search finds
too.
"""

import re
from collections.abc import Iterator
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import strip_tags

from lenders import policy, versions

_SECTION = re.compile(r'<h[12] id="([^"]+)">(.*?)</h[12]>(.*?)(?=<h[12] |</section>)', re.DOTALL)


def facts() -> dict[str, Any]:
    """Every version, newest first: its name, what it changed, since when and until when it is
    deprecated.
    """
    listed = [
        {"name": version.name, "changes": version.changes}
        | dict(
            zip(("since", "until"), versions.ending_of(version.name) or (None, None), strict=True)
        )
        for version in reversed(versions.VERSIONS)
    ]
    return {"versions": listed, "days": policy.VERSION_DAYS}


def sections() -> Iterator[tuple[str, str, str]]:
    """Anchor, title and plain text of each of its sections, in the language that is active."""
    for anchor, title, text in _SECTION.findall(render_to_string("lenders/versions.html", facts())):
        yield anchor, strip_tags(title), " ".join(strip_tags(text).split())
