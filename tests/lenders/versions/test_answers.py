"""Each version answers as its files say, which is how it did before the next one came; and as its
openapi.json says.
"""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from lenders import openapi, versions
from lenders.keys import issue
from tests.lenders.samples import Caller
from tests.lenders.test_openapi import _closed
from tests.lenders.versions import golden
from tests.lenders.versions.played import look, play

pytestmark = pytest.mark.django_db(transaction=True)

OLD, NEW = "2026-11-25", "2026-11-28"
OPERATIONS = {
    one["operationId"]: (f"{method.upper()} {path}", one)
    for path, item in openapi.document()["paths"].items()
    for method, one in item.items()
}
PROOFS = {"get_checkpoint", "get_proof", "get_consistency"}
"""Of the log: they have no version."""


@pytest.fixture(params=versions.NAMES)
def version(request):
    return request.param


@pytest.fixture
def asking(lender, version):
    """The lender's server, which asks for a version; its key is pinned to another."""
    other = next(name for name in versions.NAMES if name != version)
    return Caller(issue(lender, mode="test", version=other).secret, version=version)


@pytest.mark.usefixtures("trusted")
def test_a_version_answers_as_it_did(asking, version, lender, issued, receiver, monkeypatch):
    golden.agree(version, play(asking, lender, issued, receiver, monkeypatch))


def test_a_version_answers_as_it_did_of_documents(asking, version, lender, script):
    golden.agree(version, look(asking, lender))


def test_the_files_are_of_every_operation(version):
    named = {
        name.partition(".")[0]
        for name in (path.stem for path in (golden.FOLDER / version).glob("*.json"))
    }
    assert named - {"webhook", "problem"} == set(OPERATIONS) - PROOFS - golden.OPEN


def test_what_a_version_answers_is_what_its_description_says(version):
    """Fields nobody promised are refused too."""
    document = openapi.document(version)
    components = {"components": _closed(document["components"])}
    for name, said in golden.kept(version).items():
        of = name.partition(".")[0]
        if of == "webhook":
            shape: Any = {"$ref": "#/components/schemas/WebhookBody"}
        elif of == "problem":
            shape = {"$ref": "#/components/schemas/ProblemAnswer"}
        else:
            method, path = OPERATIONS[of][0].split(" ")
            answers = document["paths"][path][method.lower()]["responses"]
            status = next(status for status in answers if status.startswith("2"))
            [shape] = [one["schema"] for one in answers[status]["content"].values()]
        missing = golden.ADDED.get(version, frozenset())
        schema = shape | {"components": _optional(components["components"], missing)}
        Draft202012Validator(schema).validate(said)


def _optional(components: Any, missing: frozenset[str]) -> Any:
    """The components, where what came later need not stand."""
    schemas = dict(components["schemas"])
    for added in missing:
        component, field = added.split(".")
        # An endpoint with its secret has all that it has without.
        for name in (one for one in schemas if one.startswith(component.removesuffix("Answer"))):
            required = [one for one in schemas[name].get("required", ()) if one != field]
            schemas[name] = {**schemas[name], "required": required}
    return {"schemas": schemas}


def test_the_versions_differ_by_what_is_said_to_have_changed():
    """So that no transformation is one of nothing, and none is forgotten in the table."""
    before, after = golden.kept(OLD), golden.kept(NEW)
    differ = {
        name for name in after if before[name] != after[name] and name not in golden.ENDPOINTS
    }
    changed = {
        name
        for name in after
        if OPERATIONS.get(name.partition(".")[0], ("", {}))[0] in versions.VERSIONS[1].answers
    }
    changed |= {name for name in after if name.startswith(("webhook.", "problem."))}
    nothing_to_say = {"ask_for_clearance"}  # its gates are not evaluated yet
    assert differ == changed - nothing_to_say


def test_every_change_is_of_an_operation_that_there_is():
    known = {key for key, _ in OPERATIONS.values()} | {versions.WEBHOOK, versions.PROBLEM}
    for one in versions.VERSIONS:
        assert set(one.answers) <= known
        assert set(one.schemas) <= set(openapi.document()["components"]["schemas"])
        assert one.changes


def test_an_answer_of_the_newest_is_left_as_it_is():
    for name, said in golden.kept(NEW).items():
        of = OPERATIONS.get(name.partition(".")[0], (name.partition(".")[0], {}))[0]
        before = repr(said)
        assert versions.downgrade(said, of=of, version=NEW) is said
        versions.downgrade(said, of="", version=OLD)
        versions.downgrade(said, of=of, version=OLD)
        assert repr(said) == before
