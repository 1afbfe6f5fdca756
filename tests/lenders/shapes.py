"""Answers held against the shapes that openapi.json promises."""

from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from lenders import openapi
from tests.responses import Response


def shape(
    path: str, method: str, status: int, media_type: str = "application/json"
) -> Draft202012Validator:
    """A validator of one answer. Undocumented fields are refused too, so that the document names
    all.
    """
    document = openapi.document()
    answer = document["paths"][path][method]["responses"][str(status)]["content"][media_type][
        "schema"
    ]
    return Draft202012Validator(
        answer | {"components": closed(document["components"])}, format_checker=FormatChecker()
    )


def closed(components: dict[str, Any]) -> dict[str, Any]:
    schemas = {
        name: schema | {"additionalProperties": False} if "properties" in schema else schema
        for name, schema in components["schemas"].items()
    }
    return {"schemas": schemas}


def hold(response: Response, path: str, method: str) -> Any:
    """The answer's body, after it was held against its shape."""
    media_type = response.headers["Content-Type"].partition(";")[0]
    shape(path, method, response.status_code, media_type).validate(response.json())
    return response.json()
