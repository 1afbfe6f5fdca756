"""Measures the shape of the house and writes it to docs/evidence/house.json. Two runs on one commit
give the same.

Usage: python scripts/measure_house.py     (two to four minutes; on a clean commit, or the evidence
    says it was not)

The product is config, people, lenders and verification, without migrations. How each figure is
counted:

`product`, `sandbox`, `tests`: Python files of the product, of insecure_sandbox, of tests/ (without
    tests/vectors). Every line is one of four. Of code: a token of Python's own tokenizer that is no
    comment stands on it or spans it. Of a docstring: of a string that is a statement, blank lines
    inside of it too. Of a comment: a comment stands alone on it. Blank: the rest.
    `comment_share_percent` is comment lines of all lines; `comments_beside_code` are comments
    behind code and no part of it. Functions are each `def`, methods and inner ones too, no lambda;
    their length is from `def` to the last line, docstring included, decorators not.
`page_scripts`, `templates`: .js files in static/ and the product, .html files in templates/ and the
    product, by line. Comments are /* */ and lines beginning with //; {# #}, {% comment %} and <!--
    -->.
`private`, `private_with_sandbox`: functions of a module, or methods of a class of a module, whose
    name begins with `_` and is not of Python's own. A reference is a place in the syntax tree. To a
    function: its name in its own module (a call, a decorator, a value in a table, an argument), its
    name imported by another module, or its name behind a dot in any module unless after self, cls
    or super(). To a method: its name behind a dot in its own module. What a function says of itself
    is none, and neither are names in strings or templates. `with_one_caller`: all references stand
    in one function, the innermost `def` or class around them, or all outside of any.
    `with_one_reference`: there is one place only. `with_a_name_used_once` is a looser count:
    functions whose bare name stands once in all these files, so that two of one name in two
    modules, each called once, are not in it. The first build was judged by it.
`eds_judgement`, `live_judgement`, `opening`: functions of the product, by file and qualified name,
    that are entered (sys.setprofile, in every thread begun meanwhile) while a worker does the one
    step that judges a signed statement (GOST keys) or a live capture (route `biometric`), both of
    which end verified; and while a lender's POST /v1/verifications is answered with 201. `files`
    are the files they are in, `depth` how many of their calls stand on one stack at most, recursion
    counted. No lambdas, comprehensions, class bodies, nor anything that runs while a module is
    imported. `depth` is how many of their calls stand on one stack at most, recursion counted. Each
    is the first of its kind in its process, so that what is loaded or cached once is in it. Scenes:
    tests/measured/house_runs.py. Revocation is answered from memory and no time-stamp is asked for;
    the state's registers are a sandbox process, asked over HTTP; SQLite. The commands of the
    capture are drawn by `seed`. GOST is reckoned by what the machine has: with gmpy2 or without
    libgcrypt some other functions run. A scene that does not end as it should ends the measurement.
`new_field`, `new_route`: files to touch for another optional field of an opening, and for another
    route of stages that are there already: `files` were edited in a copy of the repository, tests
    apart, and what was added works there end to end (scripts/house_shape/trials.py). A field is
    read, refused where it is wrong, described in openapi.json, sealed and known to the client; one
    that is told back asks besides for lenders/examples.json, and one that a page shows for that
    page. A route is verified and judged the same again; its release's name is held by a test, too.
    `files_naming_…` is a looser count: files of the product, static, templates and docs in which a
    thing of the kind is named today as a whole word, whatever they do with it. Fields:
    `contract_sha256` (optional, sealed, told by the API and to the borrower, and what clearances
    are held against), `opened_by` (optional, sealed, told back); and `redacted_at` (told the
    regulator) where the regulator's pages are made. A route: `live_face`.
`lists`: the files behind the figures of runs, field and route.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from scripts.house_shape import CAPTURE_SEED, PRODUCT, SANDBOX, trials
from scripts.house_shape.lines import Figures, count_python, count_texts
from scripts.house_shape.private_functions import count_private
from scripts.house_shape.runs import DEPTH, Run
from scripts.house_shape.touched_files import files_naming
from scripts.house_shape.trials import tried
from tests.proofs import write_evidence

_ROOT = Path(__file__).resolve().parent.parent
_SCENES = "tests/measured/house_runs.py"
_RUNS = ("eds_judgement", "live_judgement", "opening")
_NAMED_IN = (*PRODUCT, "static", "templates", "docs")
_REGULATOR = (
    "verification/oversight",
    "verification/oversight/case_file.py",
    "templates/oversight",
)
_FIELDS_LIKE_IT = {"contract_sha256": _NAMED_IN, "opened_by": _NAMED_IN, "redacted_at": _REGULATOR}
_ROUTE_LIKE_IT = "live_face"
_FIELD_TESTS = (
    *(
        "tests/measured/trials.py::test_a_new_field",
        "tests/lenders/test_openapi.py",
        "tests/lenders/test_openapi_examples.py",
    ),
    *("tests/lenders/api/test_answers.py", "tests/clients/test_package.py"),
)
_ROUTE_TESTS = (
    "tests/measured/trials.py::test_a_new_route",
    "tests/verification/stories/test_two_routes.py",
)


def main() -> None:
    """Measure, write and say where."""
    os.environ.pop(
        "DATABASE_URL", None
    )  # a developer's own: no scene uses it, so the evidence must not name it
    figures: dict[str, Figures] = {
        "product": count_python(_ROOT, PRODUCT),
        "sandbox": count_python(_ROOT, SANDBOX),
        "tests": count_python(_ROOT, ["tests"]),
        "page_scripts": count_texts(_ROOT, ["static", *PRODUCT], ".js"),
        "templates": count_texts(_ROOT, ["templates", *PRODUCT], ".html"),
        "private": count_private(_ROOT, PRODUCT),
        "private_with_sandbox": count_private(_ROOT, (*PRODUCT, *SANDBOX)),
    }
    lists: dict[str, list[str]] = {}
    for run in _RUNS:
        played = _run(run)
        lists[run] = sorted({file for file, _ in played.functions})
        figures[run] = {
            "functions": len(played.functions),
            "files": len(lists[run]),
            "depth": played.depth,
        }
    by_field = {word: files_naming(word, _ROOT, places) for word, places in _FIELDS_LIKE_IT.items()}
    by_route = {_ROUTE_LIKE_IT: files_naming(_ROUTE_LIKE_IT, _ROOT, _NAMED_IN)}
    lists["new_field"] = tried(_ROOT, trials.NEW_FIELD, _FIELD_TESTS)
    figures["new_field"] = {"files": len(lists["new_field"]), **_counts(by_field)}
    lists["new_route"] = tried(_ROOT, trials.NEW_ROUTE, _ROUTE_TESTS)
    figures["new_route"] = {"files": len(lists["new_route"]), **_counts(by_route)}
    path = write_evidence(
        "house", seed=CAPTURE_SEED, found={"failures": [], "figures": figures, "lists": lists}
    )
    print(f"written to {path.relative_to(_ROOT)}")


def _counts(by_word: Mapping[str, Iterable[str]]) -> Figures:
    return {f"files_naming_{word}": len(list(found)) for word, found in by_word.items()}


def _run(name: str) -> Run:
    """What a scene went through, in a process of its own on SQLite; raises `SystemExit` if it was
    not played.
    """
    environment = {
        word: value for word, value in os.environ.items() if not word.startswith("TULGA_TEST_")
    }
    article = "a" if name[0] not in "aeiou" else "an"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        scene = f"{_SCENES}::test_{article}_{name}"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            scene,
            f"--junitxml={report}",
            "-o",
            "junit_family=xunit1",
        ]
        status = subprocess.run(command, cwd=_ROOT, env=environment, check=False).returncode
        # our own
        found = ElementTree.parse(report).getroot().iter("property") if status == 0 else ()  # noqa: S314
        properties = [(str(each.get("value")), str(each.get("name"))) for each in found]
    if not properties:
        raise SystemExit(f"{scene} was not played")
    depth = next(int(value) for value, name in properties if name == DEPTH)
    return Run({(file, name) for file, name in properties if name != DEPTH}, depth)


if __name__ == "__main__":
    main()
