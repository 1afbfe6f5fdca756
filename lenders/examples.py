"""The examples of openapi.json: a request for each operation that reads one, and an answer for each
that gives one.

They stand in examples.json, by operation. tests/lenders/test_examples.py sends every request, holds
every answer against its schema, and writes the file anew from real answers.
"""

import json
from functools import cache
from typing import Any, Final

from django.conf import settings

FILE: Final = settings.BASE_DIR / "lenders" / "examples.json"


@cache
def kept() -> dict[str, Any]:
    """By operation: `request` is a body, `answers` have a body for each status."""
    read: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return read


def put_into(document: dict[str, Any]) -> None:
    """Puts them where OpenAPI has them: beside the schema they are examples of."""
    for item in document["paths"].values():
        for operation in item.values():
            of_this = kept().get(operation["operationId"], {})
            if "request" in of_this:
                for content in operation["requestBody"]["content"].values():
                    content["example"] = of_this["request"]
            for status, value in of_this.get("answers", {}).items():
                for content in operation["responses"][status]["content"].values():
                    content["example"] = value
