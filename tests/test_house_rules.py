"""Every file keeps the rules of the house and each room its budget."""

import inspect
import os
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

from scripts.measure_house import PRODUCT, count_rooms
from tests import house_rules
from tests.house_rules import Rule
from verification.log import entries

# Every file of the project keeps the rules of the house, and every rule can be broken.


_ROOT = Path(__file__).resolve().parent.parent
# Made by machines, installed, or somebody else's: not written here.
_NOT_OURS = {
    ".git",
    ".venv",
    "var",
    "mutants",
    "build",
    "__pycache__",
    ".hypothesis",
    "migrations",
    "evidence",
    "vectors",
}
_TEXTS = {".py", ".js", ".html", ".css", ".sh", ".md", ".txt", ".toml", ".po", ".svg", ""}

_READERS = 8
# path, text that breaks the rule, text that is right by the smallest change
_BROKEN: list[tuple[Rule, str, str, str]] = [
    (
        house_rules.leaves_the_environment_alone,
        "config/a.py",
        "import os\nos.environ['A']",
        "import os\nos.sep",
    ),
    (
        house_rules.leaves_the_environment_alone,
        "people/a.py",
        "from os import getenv",
        "from os import sep",
    ),
    (
        house_rules.leaves_the_status_alone,
        "verification/access/a.py",
        "Verification.objects.filter(pk=1).update(status='verified')",
        "Verification.objects.filter(status='verified').update(code='')",
    ),
    (
        house_rules.leaves_the_status_alone,
        "verification/access/a.py",
        "live.update(status=Status.VERIFIED)",
        "live.update(status=OPEN)",
    ),
    (
        house_rules.leaves_the_status_alone,
        "verification/access/a.py",
        "Verification.objects.filter(pk=1).update(**columns)",
        "Attempt.objects.filter(pk=1).update(**columns)",
    ),
    (
        house_rules.leaves_the_status_alone,
        "lenders/a.py",
        "row.status = 'verified'",
        "attempt.status = 'passed'",
    ),
    (
        house_rules.leaves_the_status_alone,
        "lenders/a.py",
        "row.save(update_fields=['status'])",
        "row.save(update_fields=['a'])",
    ),
    (
        house_rules.reads_no_entries,
        "verification/oversight/a.py",
        "AuditEntry.objects.filter(verification=row)",
        "entries.of_cases([row.pk])",
    ),
    (
        house_rules.reads_no_entries,
        "verification/evidence/a.py",
        "models.AuditPending._default_manager.count()",
        "models.DataKey._default_manager.count()",
    ),
    (house_rules.reads_no_entries, "lenders/a.py", "AuditLeaf._base_manager", "AuditLeaf(log=log)"),
    (
        house_rules.reads_no_entries,
        "people/a.py",
        "row.entries.filter(type=x)",
        "report.entries.find(x)",
    ),
    (
        house_rules.reads_no_entries,
        "verification/review/a.py",
        "Verification.objects.filter(entries__type=x)",
        "Verification.objects.filter(attempts__stage=x)",
    ),
    (
        house_rules.reads_no_entries,
        "config/a.py",
        "apps.get_model('verification', 'AuditEntry')",
        "apps.get_model('verification', 'Verification')",
    ),
    (house_rules.asks_one_clock, "lenders/a.py", "at = timezone.now()", "at = clock.now()"),
    (
        house_rules.asks_one_clock,
        "verification/payout/a.py",
        "with transaction.atomic():",
        "with transactions.writing():",
    ),
    (
        house_rules.catches_what_it_knows,
        "people/a.py",
        "try:\n f()\nexcept Exception: pass",
        "try:\n f()\nexcept OSError: pass",
    ),
    (
        house_rules.catches_what_it_knows,
        "people/a.py",
        "try:\n f()\nexcept: pass",
        "try:\n f()\nexcept (OSError, ValueError): pass",
    ),
    (
        house_rules.imports_on_top,
        "people/a.py",
        "def f():\n    import os",
        "import os\ndef f(): pass",
    ),
    (
        house_rules.imports_on_top,
        "people/apps.py",
        "def f():\n    import os",
        "def ready():\n    import os",
    ),
    (house_rules.is_finished, "people/a.py", "# TO" + "DO: later", "# later"),
    (
        house_rules.asks_no_forbidden_landmarks,
        "verification/a.py",
        "x.face_" + "landmarks(a)",
        "x.face_locations(a)",
    ),
    (
        house_rules.locks_without_addresses,
        "requirements/dev.txt",
        "a @ https://example.org/a.whl",
        "a==1",
    ),
    (
        house_rules.has_no_inline_code,
        "t.html",
        "<script>a()</script>",
        "<script type=module src='{% static 'a.js' %}'></script>",
    ),
    (house_rules.has_no_inline_code, "t.html", "<p style='color:red'>", "<p class='red'>"),
    (house_rules.has_no_inline_code, "t.html", "<style>p {}</style>", "<p>style</p>"),
    (house_rules.has_no_inline_code, "t.html", "<a onclick='a()'>", "<a href='/on'>"),
    (house_rules.has_no_inline_code, "t.html", "<img src='//example.org/a'>", "<img src='/a'>"),
    (
        house_rules.has_no_inline_code,
        "t.html",
        "<link href='https://example.org/a'>",
        "<p>https://example.org</p>",
    ),
    (house_rules.names_no_machine, "a.md", "see /wo" + "rk/here", "see http://host/wo" + "rk/here"),
]


@cache
def _files() -> tuple[PurePosixPath, ...]:
    return tuple(_walked())


@cache
def _text(path: PurePosixPath) -> str:
    return (_ROOT / path).read_text(encoding="utf-8", errors="replace")


def _walked() -> Iterator[PurePosixPath]:
    for folder, folders, names in os.walk(_ROOT):
        folders[:] = [
            name
            for name in folders
            if name not in _NOT_OURS and not name.endswith(("_cache", ".egg-info"))
        ]
        names = [
            name for name in names if name not in _NOT_OURS
        ]  # in a work tree of its own `.git` is a file
        yield from (
            PurePosixPath((Path(folder) / name).relative_to(_ROOT).as_posix()) for name in names
        )


@pytest.mark.parametrize("rule", house_rules.TEXT_RULES, ids=lambda rule: rule.__name__)
def test_every_file_keeps_the_rule(rule: Rule) -> None:
    wrong = [
        f"{path}: {sentence}"
        for path in _files()
        if path.suffix in _TEXTS and path.name != "LICENSE"
        for sentence in rule(path, _text(path))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("rule", "path", "broken", "right"), _BROKEN)
def test_a_rule_tells_the_broken_from_the_right(
    rule: Rule, path: str, broken: str, right: str
) -> None:
    assert list(rule(PurePosixPath(path), broken))
    assert not list(rule(PurePosixPath(path), right))


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "base", "manager", "service"])
def test_a_module_named_for_nothing_is_found(name: str) -> None:
    assert list(house_rules.is_named_for_something(PurePosixPath(f"verification/{name}.py"), ""))
    assert list(house_rules.is_named_for_something(PurePosixPath(f"verification/{name}/a.py"), ""))
    assert not list(
        house_rules.is_named_for_something(PurePosixPath("verification/notices.py"), "")
    )


def test_every_rule_has_a_sample_that_breaks_it() -> None:
    shown = {rule for rule, *_ in _BROKEN} | {house_rules.is_named_for_something}
    assert shown == set(house_rules.TEXT_RULES)


def test_the_log_has_at_most_eight_readers_of_entries() -> None:
    readers = [
        name for name, _ in inspect.getmembers(entries, inspect.isfunction) if _is_reader(name)
    ]
    assert len(readers) <= _READERS, readers


def _is_reader(name: str) -> bool:
    return not name.startswith("_") and getattr(entries, name).__module__ == entries.__name__


def test_no_file_is_somebody_elses() -> None:
    wrong = [
        f"{path}: {sentence}"
        for path in _files()
        for sentence in house_rules.is_ours_to_publish(path)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["verification/engines/a.onnx", "tests/face.JPG", "docs/face.png"])
def test_weights_and_pictures_are_found(name: str) -> None:
    assert list(house_rules.is_ours_to_publish(PurePosixPath(name)))


def test_a_picture_of_our_own_page_may_stay() -> None:
    assert not list(house_rules.is_ours_to_publish(PurePosixPath("docs/pictures/page.png")))


@pytest.mark.parametrize(
    "name",
    ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE"],
)
def test_the_papers_of_the_project_are_there(name: str) -> None:
    assert (_ROOT / name).read_text(encoding="utf-8").strip()


# Each room keeps to its budget of statements, and names say what they name.


_BUDGETS = tomllib.loads((_ROOT / "house.toml").read_text(encoding="utf-8"))
_ROOMS = count_rooms(_ROOT)
_SLACK = 1.05
"""How much larger than its room a budget may be: who makes a room smaller lowers its budget."""


def test_every_room_has_a_budget_and_keeps_to_it() -> None:
    budgets = _BUDGETS["statements"]
    rooms = {room for room in _ROOMS if room != "tests"}
    assert set(budgets) == rooms
    over = {
        room: (_ROOMS[room]["statements"], budget)
        for room, budget in budgets.items()
        if _ROOMS[room]["statements"] > budget
    }
    assert over == {}, "a room is larger than house.toml allows: make it smaller, or say there why"


def test_no_budget_is_left_high_when_its_room_shrank() -> None:
    loose = {
        room: (_ROOMS[room]["statements"], budget)
        for room, budget in _BUDGETS["statements"].items()
        if budget > _ROOMS[room]["statements"] * _SLACK + 10
    }
    assert loose == {}, "lower these budgets in house.toml"


def test_names_of_the_product_say_what_they_name() -> None:
    counts = [room for name, room in _ROOMS.items() if name.split("/")[0] in PRODUCT]
    bindings = sum(room["bindings"] for room in counts)
    vague = sum(room["vague_names"] for room in counts)
    assert 100 * vague <= _BUDGETS["names"]["vague_percent"] * bindings, (
        f"{vague} of {bindings} names are in scripts/vague_names.txt"
    )
