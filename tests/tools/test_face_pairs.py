"""Lists of pairs of faces, and their comparison."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools import face_files
from tools.accuracy import Asked, Pairs, compare, nearest_strangers
from tools.face_files import Pair, locate, parse_pairs, people_of
from verification.core.errors import BadInput, CalibrationMismatch
from verification.engines.faces.embedding import (
    Embedding,
    distance,
    mean_distance,
    median_distance,
    unit,
)

# A file of pairs is read exactly or refused, and leads nowhere but below its own folder.


HEAD = "reference,probe,same,cohort\n"
GOOD = HEAD + "a.jpg,b.jpg,1,\n\xfcber/a.jpg,c.jpg,no,east\n"


def test_pairs_are_read_row_by_row() -> None:
    assert parse_pairs(b"\xef\xbb\xbf" + GOOD.encode()) == (
        Pair(2, "a.jpg", "b.jpg", True, ""),
        Pair(3, "über/a.jpg", "c.jpg", False, "east"),
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "first row"),
        (HEAD, "no pairs"),
        ("probe,reference,same,cohort\na,b,1,\n", "first row"),
        (HEAD + "a,b,1\n", "row 2 has 3"),
        (HEAD + "a,b,1,,\n", "row 2 has 5"),
        (HEAD + "a,a,1,\n", "two files"),
        (HEAD + ",b,1,\n", "two files"),
        (HEAD + "a\0,b,1,\n", "two files"),
        (HEAD + f"{'a' * 401},b,1,\n", "two files"),
        (HEAD + "a,b,maybe,\n", "same is 1 or 0"),
        (HEAD + "a,b,1,all\n", "cohort"),
        (HEAD + f"a,b,1,{'c' * 65}\n", "cohort"),
        (HEAD + 'a,"b,1,\n', "no CSV"),
        (HEAD + "a,b,1,\nb,a,1,\n", "row 3: the pair stands twice"),
        (HEAD + "a,b,1,\nb,c,1,\na,c,0,\n", "row 4 says two people"),
    ],
)
def test_a_file_that_is_not_exactly_pairs_is_refused_by_its_row(content: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        parse_pairs(content.encode())


def test_pairs_that_are_no_text_or_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="UTF-8"):
        parse_pairs(HEAD.encode() + b"\xff,b,1,\n")
    monkeypatch.setattr(face_files, "MAX_ROWS", 1)
    with pytest.raises(BadInput, match="more than 1 pairs"):
        parse_pairs(GOOD.encode())
    monkeypatch.setattr(face_files, "MAX_PAIRS_BYTES", 10)
    with pytest.raises(BadInput, match="more than 10 bytes"):
        parse_pairs(GOOD.encode())


@given(st.binary(max_size=200), st.integers(0, 80))
def test_damage_is_refused_or_read_and_never_anything_else(junk: bytes, place: int) -> None:
    whole = GOOD.encode()
    try:
        assert all(
            isinstance(pair, Pair)
            for pair in parse_pairs(whole[:place] + junk + whole[place + len(junk) :])
        )
    except BadInput:
        return


def test_pictures_are_of_one_person_where_any_chain_of_pairs_says_so() -> None:
    people = people_of(parse_pairs((HEAD + "a,b,1,\nc,d,1,\nb,c,1,\ne,a,0,\n").encode()))
    assert len({people[name] for name in "abcd"}) == 1
    assert people["e"] != people["a"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "inside"
    (inside / "deep").mkdir(parents=True)
    (inside / "deep" / "a.jpg").write_bytes(b"a")
    (tmp_path / "secret.jpg").write_bytes(b"s")
    (inside / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (inside / "out").symlink_to(tmp_path)
    (inside / "loop.jpg").symlink_to(inside / "loop.jpg")
    (inside / "near.jpg").symlink_to(inside / "deep" / "a.jpg")
    return inside


@pytest.mark.parametrize("name", ["deep/a.jpg", "deep/../deep/a.jpg", "near.jpg"])
def test_a_picture_below_the_folder_is_found(folder: Path, name: str) -> None:
    assert [path.read_bytes() for path in located(folder, name)] == [b"a"]


def test_a_probe_may_be_a_folder_of_pictures_and_a_reference_may_not(folder: Path) -> None:
    (folder / "deep" / "notes.txt").write_text("no picture")
    (folder / "deep" / "b.png").write_bytes(b"b")
    assert [path.read_bytes() for path in located(folder, "deep")] == [b"a", b"b"]
    with pytest.raises(BadInput, match="deep is no file"):
        locate(folder, [Pair(2, "deep", "near.jpg", True, "")])
    (folder / "deep" / "c.jpg").symlink_to(folder.parent / "secret.jpg")
    with pytest.raises(BadInput, match="is no file below"):
        located(folder, "deep")
    (folder / "empty").mkdir()
    with pytest.raises(BadInput, match="0 pictures"):
        located(folder, "empty")


def located(folder: Path, name: str) -> tuple[Path, ...]:
    """Where the pictures of a probe lie."""
    return locate(folder, [Pair(2, "deep/a.jpg", name, True, "")])[name]


@pytest.mark.parametrize(
    "name",
    [
        "../secret.jpg",
        "deep/../../secret.jpg",
        "link.jpg",
        "out/secret.jpg",
        "loop.jpg",
        "absent.jpg",
        "x" * 300,
    ],
)
def test_a_name_that_leads_out_or_to_no_file_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(BadInput):
        located(folder, name)


def test_an_absolute_path_is_refused_even_to_a_picture_of_the_folder(folder: Path) -> None:
    with pytest.raises(BadInput):
        located(folder, str(folder / "deep" / "a.jpg"))


# Many pairs at once are compared as two faces are, and a hundred thousand take seconds.


NET = "net/single-l2"
CHANCE = np.random.default_rng(1)


def faces(count: int) -> list[Embedding]:
    return [Embedding(NET, unit(row)) for row in CHANCE.normal(size=(count, 16))]


def test_each_decision_is_the_one_that_two_faces_would_get() -> None:
    seen = faces(12)
    asked = [
        Asked(0, (1, 2, 3, 4), True, (0, 0)),
        Asked(5, (6, 7, 8), False, (1, 2)),
        Asked(9, (10,), True, (3, 3)),
        Asked(0, (), False, (0, 0)),
    ]
    found = compare(seen, asked, k=3)
    assert set(found) == {"single", "median-of-3", "mean-of-3"}
    assert found["single"].rows.tolist() == [0, 0, 0, 0, 1, 1, 1, 2]
    singles = [
        distance(seen[asked[row].reference], seen[probe]).value
        for row in range(3)
        for probe in asked[row].probes
    ]
    assert found["single"].pairs.apart == pytest.approx(singles)
    for decision, judge in (("median-of-3", median_distance), ("mean-of-3", mean_distance)):
        expected = [
            judge(seen[one.reference], [seen[at] for at in one.probes[:3]]).value
            for one in asked[:2]
        ]
        assert found[decision].pairs.apart == pytest.approx(expected)
        assert found[decision].pairs.same.tolist() == [True, False]
    assert found["single"].select({1, 2}).apart == pytest.approx(singles[4:])


def test_faces_of_two_embeddings_are_not_compared() -> None:
    with pytest.raises(CalibrationMismatch):
        compare(
            [*faces(1), Embedding("net/single", np.ones(16))], [Asked(0, (1,), True, (0, 0))], k=5
        )


def test_the_strangers_that_are_told_are_nearer_than_nine_in_ten_of_the_honest() -> None:
    apart = np.array([0.3, 0.5, 0.7, 0.4, 0.2, 0.6, 0.49, 0.69])
    same = np.array([True, True, True, False, False, False, False, False])
    people = (np.arange(8), np.arange(8))
    assert nearest_strangers(Pairs(apart, same, people)) == [4, 3, 6, 5]
    assert nearest_strangers(Pairs(apart, ~same & False, people)) == []
