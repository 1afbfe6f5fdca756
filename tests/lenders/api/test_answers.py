"""Every operation and webhook answers as the files in `golden/` say, byte for byte but for what is
drawn or measured; and as openapi.json says.

`WRITE_ANSWERS=1 pytest tests/lenders/api/test_answers.py` writes the files anew.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from lenders import openapi
from tests.lenders.api.played import look, play
from tests.lenders.shapes import closed

pytestmark = pytest.mark.django_db(transaction=True)

FOLDER = Path(__file__).resolve().parent / "golden"
OPERATIONS = {
    operation["operationId"]: (method, path)
    for path, item in openapi.document()["paths"].items()
    for method, operation in item.items()
}
NOT_PLAYED = frozenset(
    {
        "advance_test_clock",
        "get_checkpoint",
        "get_consistency",
        "get_proof",
        "get_signature",
        "get_statement",
        "get_test_clock",
        "list_scenarios",
        "simulate",
    }
)
"""Those without a file: proofs and signed bytes, and the sandbox's own."""


def agree(answers: Mapping[str, str]) -> None:
    """Holds answers against their files; or writes those."""
    if os.environ.get("WRITE_ANSWERS"):
        for name, text in answers.items():
            (FOLDER / f"{name}.json").write_text(text, "utf-8")
    for name, text in answers.items():
        assert text == (FOLDER / f"{name}.json").read_text("utf-8"), name


@pytest.mark.usefixtures("trusted")
def test_answers_are_those_of_the_files(api, lender, issued, receiver, monkeypatch):
    agree(play(api, lender, issued, receiver, monkeypatch))


def test_answers_about_documents_are_those_of_the_files(api, lender, script):
    agree(look(api, lender))


def test_the_files_are_of_every_operation():
    named = {path.stem.partition(".")[0] for path in FOLDER.glob("*.json")}
    assert named - {"webhook", "problem"} == set(OPERATIONS) - NOT_PLAYED


def test_what_the_files_say_is_what_the_description_says():
    """Fields nobody promised are refused too."""
    document = openapi.document()
    components = {"components": closed(document["components"])}
    for path in FOLDER.glob("*.json"):
        name, text = path.stem.partition(".")[0], path.read_text("utf-8")
        if not text.strip():
            continue
        if name == "webhook":
            shape: Any = {"$ref": "#/components/schemas/WebhookBody"}
        elif name == "problem":
            shape = {"$ref": "#/components/schemas/ProblemAnswer"}
        else:
            method, place = OPERATIONS[name]
            answers = document["paths"][place][method]["responses"]
            status = next(status for status in answers if status.startswith("2"))
            [shape] = [content["schema"] for content in answers[status]["content"].values()]
        Draft202012Validator(shape | components).validate(json.loads(text))
