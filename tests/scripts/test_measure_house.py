"""The counts of the house are right on a sample small enough to be counted by hand."""

import threading
from importlib import import_module

import pytest

from scripts.house_shape.lines import Lines, count_python, count_texts, python_lines
from scripts.house_shape.private_functions import count_private, find_callers
from scripts.house_shape.runs import traced
from scripts.house_shape.touched_files import files_naming

_SAMPLE = {
    "sample_house/one.py": '''"""A module.

Two paragraphs.
"""

# Alone on its line.
import functools

from sample_house import two

LIMIT = 3  # behind code
"""What the limit is."""


def _wrap(work):
    return functools.wraps(work)(work)


@_wrap
def public(text="#", of=None):
    """A docstring."""
    return _once(_twice([_twice(each) for each in text]))


def _once(text):
    return two.Room().enter(text)


def _twice(text):
    return text and _twice("")


def _nobody(text):
    return text


TABLE = {"registered": _wrap}
''',
    "sample_house/two.py": '''class Room:
    size = len("""
# no comment

""")

    def enter(self, text):
        return self._once(text) or other()

    def _once(self, text):
        return (lambda: sorted(each for each in text))()

    def __len__(self):
        return self.size


def other():
    def inner():
        return []

    return inner()
''',
    "sample_house/migrations/one.py": "_made_by_a_machine = 1\n",
    "sample_house/page.html": "{# A template's\n   comment #}\n<p>{# beside #}</p>\n\n",
    "sample_house/page.js": "/* One\n\n * Two */\n// Three\nconst a = 1; // beside\n",
}
_LATE = """def at_import():
    pass


def later():
    class Local:
        pass


at_import()
"""


@pytest.fixture
def sample(tmp_path, monkeypatch):
    for name, text in _SAMPLE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_every_line_is_code_docstring_comment_or_blank():
    assert python_lines(_SAMPLE["sample_house/one.py"]) == Lines(
        code=15, docstring=6, comment=1, blank=15, beside_code=1
    )
    assert python_lines(_SAMPLE["sample_house/two.py"]) == Lines(
        code=15, docstring=0, comment=0, blank=6
    )


def test_a_trees_figures_are_the_sums_of_its_files_without_migrations(sample):
    found = count_python(sample, ["sample_house"])
    assert (
        found["files"],
        found["lines"],
        found["comment_lines"],
        found["comment_share_percent"],
    ) == (2, 58, 1, 1.72)
    assert (
        found["functions"],
        found["functions_over_20_lines"],
        found["longest_function_lines"],
    ) == (10, 0, 5)
    assert (found["largest_file"], found["largest_file_lines"]) == ("sample_house/one.py", 37)


def test_a_function_is_long_from_its_twenty_first_line(sample):
    for lines in (20, 21):
        (sample / "sample_house" / f"of_{lines}.py").write_text(
            "def f():\n" + "    a = 1\n" * (lines - 1)
        )
    assert count_python(sample, ["sample_house"])["functions_over_20_lines"] == 1


@pytest.mark.parametrize(
    ("suffix", "code", "comments", "blank"), [(".html", 1, 2, 1), (".js", 1, 3, 1)]
)
def test_comments_of_templates_and_scripts_are_no_code(sample, suffix, code, comments, blank):
    found = count_texts(sample, ["sample_house"], suffix)
    assert (found["code_lines"], found["comment_lines"], found["blank_lines"]) == (
        code,
        comments,
        blank,
    )


def test_private_functions_are_told_by_their_callers(sample):
    callers = {
        (each.file[-6:], each.qualified): [name for _, name in sites]
        for each, sites in find_callers(sample, ["sample_house"]).items()
    }
    assert callers == {
        ("one.py", "_wrap"): ["", ""],  # a decorator and a value in a table
        ("one.py", "_once"): ["public"],
        ("one.py", "_twice"): ["public", "public"],  # its call of itself is none
        ("one.py", "_nobody"): [],
        ("two.py", "Room._once"): ["Room.enter"],
    }
    assert count_private(sample, ["sample_house"]) == {
        "functions": 5,
        "methods_among_them": 1,
        "with_one_caller": 4,
        "with_one_reference": 2,
        "with_no_reference": 1,
        "with_a_name_used_once": 0,
    }


def test_a_name_imported_by_another_module_is_a_reference(sample):
    (sample / "sample_house" / "three.py").write_text("from sample_house.one import _nobody\n")
    assert count_private(sample, ["sample_house"])["with_no_reference"] == 0


def test_a_run_is_the_functions_it_enters_in_all_its_threads_and_none_of_imports(sample):
    (sample / "sample_house" / "late.py").write_text(_LATE)
    one = import_module("sample_house.one")
    with traced(sample, ("sample_house",)) as run:
        one.public("")
        beside = threading.Thread(target=one._nobody, args=("",))
        beside.start()
        beside.join()
        import_module("sample_house.late").later()
    assert run.functions == {
        ("sample_house/late.py", "later"),
        ("sample_house/one.py", "public"),
        ("sample_house/one.py", "_once"),
        ("sample_house/one.py", "_twice"),
        ("sample_house/one.py", "_nobody"),
        ("sample_house/two.py", "Room.enter"),
        ("sample_house/two.py", "Room._once"),
        ("sample_house/two.py", "other"),
        ("sample_house/two.py", "other.<locals>.inner"),
    }
    assert run.depth > 1


def test_a_word_is_found_whole_and_not_in_migrations(sample):
    assert files_naming("_once", sample, ["sample_house"]) == [
        "sample_house/one.py",
        "sample_house/two.py",
    ]
    assert files_naming("comment", sample, ["sample_house/page.html"]) == ["sample_house/page.html"]
    assert (
        files_naming("_onc", sample, ["sample_house"])
        == files_naming("once", sample, ["sample_house"])
        == []
    )
    assert files_naming("_made_by_a_machine", sample, ["sample_house"]) == []
