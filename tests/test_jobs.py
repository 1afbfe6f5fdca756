"""The runner deals files fairly, tells how far it is, and loses no failure."""

import json
from pathlib import Path

import pytest

from tests import jobs, legs
from tests.jobs import Job, Progress
from tests.servers import ServerMissing

_REPEAT = 'Repeat with: make test LEG=sqlite SEED=7 TESTS="tests/a.py::test_b tests/a.py::test_c"'


def job(*files: str, leg: str = "sqlite", name: str = "sqlite_1") -> Job:
    """A process of a leg with these files."""
    return Job(leg=leg, name=name, files=files, arguments=(), environment=lambda _: {}, seed="7")


def told(tmp_path: Path, *lines: dict[str, object]) -> Progress:
    """What a process has told that wrote these lines, and half of another one."""
    path = tmp_path / "told"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"test": "half')
    progress = Progress(job=job("tests/a.py"))
    progress.read(path)
    return progress


def test_every_file_is_dealt_to_one_part_and_no_part_waits_for_another() -> None:
    files = legs.selection(legs.FAST)[2:]
    parts = jobs.cut(files, 3, "fast")
    assert sorted(path for part in parts for path in part) == sorted(files)
    seconds = json.loads((legs.ROOT / "tests" / "seconds.json").read_text())["fast"]
    longest = max(seconds.values())
    spent = [sum(seconds.get(path, jobs._UNKNOWN_SECONDS) for path in part) for part in parts]
    assert max(spent) - min(spent) <= longest


def test_tests_of_one_deployment_are_dealt_to_one_part() -> None:
    processes = next(leg for leg in legs.LEGS if leg.name == "processes")
    parts = jobs.cut(legs.selection(processes)[2:], 3, "processes")
    assert len(parts) == 3
    assert sum(any(path.startswith("tests/service/") for path in part) for part in parts) == 1


def test_more_parts_than_files_are_as_many_as_files() -> None:
    assert jobs.cut(["tests/a.py"], 3, "none") == [["tests/a.py"]]
    assert jobs.cut([], 3, "none") == []


def test_a_process_that_still_writes_is_read_to_its_last_whole_line(tmp_path: Path) -> None:
    progress = told(
        tmp_path,
        {"total": 3},
        {"started": "a"},
        {"test": "a", "outcome": "passed", "seconds": 1.5},
        {"started": "b"},
        {"test": "b", "outcome": "failed", "seconds": 0.5},
        {"started": "c"},
    )
    assert (progress.total, progress.under_way, progress.failed()) == (3, "c", ["b"])
    assert progress.seconds == {"a": 1.5, "b": 0.5}


def test_the_last_line_repeats_what_failed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    names = ("tests/a.py::test_b[it's $5]", "tests/a.py::test_b[2]", "tests/a.py::test_c")
    lines: list[dict[str, object]] = [
        {"test": name, "outcome": "failed", "seconds": 1} for name in names
    ]
    failed = told(tmp_path, *lines)
    assert jobs.conclude([failed], seconds=61, seed="7") == 1
    *_, counts, last = capsys.readouterr().out.splitlines()
    assert counts == "0 passed, 3 failed, 0 skipped"
    assert last == _REPEAT


@pytest.mark.parametrize("fault", ["did not run: no PostgreSQL", ""])
def test_a_leg_that_ran_no_test_is_not_good(capsys: pytest.CaptureFixture[str], fault: str) -> None:
    assert jobs.conclude([Progress(job=job("tests/a.py"), fault=fault)], seconds=1, seed="7") == 1
    assert ("NOT GOOD" in capsys.readouterr().out) == bool(fault)


@pytest.mark.service
def test_processes_run_side_by_side_and_what_failed_is_shown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    good, bad = tmp_path / "test_good.py", tmp_path / "test_bad.py"
    good.write_text("def test_this_passes(): pass\n")
    bad.write_text("def test_this_fails(): assert 1 == 2\ndef test_this_passes(): pass\n")

    def missing(_: str) -> dict[str, str]:
        raise ServerMissing("no server here")

    work = [
        job(str(good)),
        job(str(bad), name="sqlite_2"),
        Job(
            leg="redis",
            name="redis_1",
            files=(),
            arguments=(),
            environment=missing,
            seed="7",
            waits=True,
        ),
    ]
    ended = {one.job.name: one for one in jobs.run(work, tmp_path)}
    assert list(ended["sqlite_1"].outcomes.values()) == ["passed"]
    assert list(ended["sqlite_2"].outcomes.values()) == ["failed", "passed"]
    assert ended["redis_1"].fault == "did not run: no server here"
    shown = capsys.readouterr().out
    assert "assert 1 == 2" in shown
    assert "test_good" not in shown


def test_what_takes_too_much_of_a_core_on_the_mean_or_in_all_its_cases_is_long(
    tmp_path: Path,
) -> None:
    many = [{"outcome": "passed", "seconds": 0.1, "core": 0.01} for _ in range(101)]
    ended = told(
        tmp_path,
        *({**one, "test": f"tests/g.py::test_h[{number}]"} for number, one in enumerate(many)),
        *({**one, "test": f"tests/g.py::test_i[{number}]"} for number, one in enumerate(many[:99])),
        {"test": "tests/a.py::test_b[1]", "outcome": "passed", "seconds": 9, "core": 0.2},
        {"test": "tests/a.py::test_b[2]", "outcome": "passed", "seconds": 9, "core": 0.0},
        {"test": "tests/a.py::test_c[1]", "outcome": "passed", "seconds": 9, "core": 0.2},
        {"test": "tests/a.py::test_c[2]", "outcome": "passed", "seconds": 9, "core": -0.15},
        {"test": "tests/d.py::A::test_e", "outcome": "passed", "seconds": 0.1, "core": 0.08},
    )
    assert jobs._long([ended]) == {
        "tests/a.py": ["test_b"],
        "tests/d.py": ["A::test_e"],
        "tests/g.py": ["test_h"],
    }


def test_long_tests_exist() -> None:
    for file, tests in json.loads(jobs.LONG.read_text()).items():
        text = (legs.ROOT / file).read_text()
        assert all(f"def {test.rpartition('::')[2]}(" in text for test in tests), file


def test_whoever_uses_a_running_deployment_is_marked_as_a_service() -> None:
    """Without the mark its processes would start with every commit, and in two legs more."""
    files = [*(legs.ROOT / "tests" / "service").glob("test_*.py")]
    assert len(files) > 10
    assert [
        path.name
        for path in files
        if "pytest.mark.service" not in path.read_text().partition("\ndef ")[0]
    ] == []
