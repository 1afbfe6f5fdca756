"""The counts of the house are right on a sample small enough to be counted by hand."""

import threading
from importlib import import_module

import pytest

from scripts.measure_house import count_rooms, traced

_SAMPLE = {
    "verification/core/first.py": '''"""A module."""

import functools

from verification.core import second

LIMIT = 3
"""What the limit is."""


def _wrap(work):
    return functools.wraps(work)(work)


@_wrap
def public(text="#", of=None):
    """A docstring."""
    return _once(_twice([_twice(each) for each in text]))


def _once(text):
    return second.Room().enter(text)


def _twice(text):
    return text and _twice("")


def _nobody(text):
    return text


TABLE = {"registered": _wrap}
''',
    "verification/core/second.py": """class Room:
    size = 3

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
""",
    "verification/core/late.py": """def at_import():
    pass


def later():
    class Local:
        pass


at_import()
""",
    "verification/apps.py": "async def ready(*found, **rest):\n    '''Nothing.'''\n",
    "verification/migrations/0001.py": "made = 1\n",
    "tools/judging.py": "for one in ():\n    pass\n",
}


@pytest.fixture
def sample(tmp_path, monkeypatch):
    for name, text in _SAMPLE.items():
        name = name.replace("verification/core/", "sample_house/")
        if name.startswith("sample_house/"):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("verification.core", "sample_house"), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_rooms_figures_are_the_sums_of_its_files_without_migrations_and_docstrings(tmp_path):
    for name, text in _SAMPLE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert {room: dict(counts) for room, counts in count_rooms(tmp_path).items()} == {
        # Vague names: of, each and _once in the first file, each, _once and other in the second.
        "verification/core": {"files": 3, "statements": 32, "bindings": 28, "vague_names": 6},
        "verification": {"files": 1, "statements": 1, "bindings": 3, "vague_names": 2},
        "tools": {"files": 1, "statements": 2, "bindings": 1, "vague_names": 1},
    }


def test_a_run_is_the_functions_it_enters_in_all_its_threads_and_none_of_imports(sample):
    first = import_module("sample_house.first")
    with traced(sample, ("sample_house",)) as run:
        first.public("")
        beside = threading.Thread(target=first._nobody, args=("",))
        beside.start()
        beside.join()
        import_module("sample_house.late").later()
    assert run.functions == {
        ("sample_house/late.py", "later"),
        ("sample_house/first.py", "public"),
        ("sample_house/first.py", "_once"),
        ("sample_house/first.py", "_twice"),
        ("sample_house/first.py", "_nobody"),
        ("sample_house/second.py", "Room.enter"),
        ("sample_house/second.py", "Room._once"),
        ("sample_house/second.py", "other"),
        ("sample_house/second.py", "other.<locals>.inner"),
    }
    assert run.depth > 1
