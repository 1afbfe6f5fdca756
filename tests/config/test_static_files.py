"""The static files as a web server gathers, names, compresses and serves them."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from django.conf import settings
from django.templatetags.static import static
from django.test import Client, override_settings

from config import static_files
from verification.core.errors import Misconfigured

_HASH = re.compile(r"\.[0-9a-f]{12}\.")
_YEAR = "max-age=31536000, public, immutable"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The product's own way, in a folder where nothing was gathered before."""
    folder = tmp_path_factory.mktemp("static") / "served"
    stored: Any = {"staticfiles": {"BACKEND": "config.static_files.HashedFiles"}}
    with override_settings(
        STATIC_ROOT=folder,
        STORAGES=stored,
        WHITENOISE_USE_FINDERS=False,
        WHITENOISE_AUTOREFRESH=False,
    ):
        static_files.gather()
        yield folder


def answer(address: str, *, encoding: str = "") -> Any:
    return Client().get(address, headers={"accept-encoding": encoding})


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


@pytest.mark.parametrize(
    "name", ["tulga.css", "tulga.svg", "borrower/commands.js", "lenders/reference.js"]
)
def test_a_file_is_named_by_its_hash_compressed_and_kept_for_a_year(
    folder: Path, name: str
) -> None:
    address = static(name)
    assert _HASH.search(address)
    unpacked, packed = answer(address), answer(address, encoding="gzip")
    assert (unpacked.status_code, packed.status_code) == (200, 200)
    assert unpacked["Cache-Control"] == packed["Cache-Control"] == _YEAR
    assert packed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed["Vary"]
    full, small = body(unpacked), body(packed)
    assert gzip.decompress(small) == full
    assert len(small) < len(full)


def test_nothing_is_served_by_its_plain_name(folder: Path) -> None:
    assert answer("/static/tulga.css").status_code == 404


def test_scripts_name_each_other_and_stylesheets_their_pictures_by_hash(folder: Path) -> None:
    scripts = sorted((folder / "borrower").glob("*.js"))
    names = [
        path
        for script in scripts
        for path in re.findall(r'^import .* from "(.*)";', script.read_text(), re.M)
    ]
    assert len(names) >= 4
    for name in names:
        assert _HASH.search(name), name
        assert answer(f"/static/borrower/{PurePosixPath(name).name}").status_code == 200
    assert not [
        sheet
        for sheet in folder.glob("*.css")
        if re.search(r"url\((?!['\"]?(data:|#))", sheet.read_text())
    ]


def test_a_page_names_files_that_are_there(folder: Path) -> None:
    page = Client().get("/v/").content.decode()
    addresses = set(re.findall(r'"(/static/[^"]+)"', page))
    assert len(addresses) >= 3
    assert {answer(address)["Cache-Control"] for address in addresses} == {_YEAR}


def test_files_are_gathered_once_and_again_when_one_has_changed(
    folder: Path, tmp_path: Path
) -> None:
    manifest = folder.parent / "staticfiles.json"
    text, inode = manifest.read_text(), manifest.stat().st_mtime_ns
    static_files.gather()
    assert manifest.stat().st_mtime_ns == inode
    old = static("tulga.css")
    (tmp_path / "added.css").write_text("p { margin: 0 }")
    with override_settings(STATICFILES_DIRS=[*settings.STATICFILES_DIRS, tmp_path]):
        static_files.gather()
    assert "added.css" in manifest.read_text()
    assert manifest.read_text() != text
    assert answer(old).status_code == 200  # a page of before still finds its own


@pytest.fixture
def own_folder(folder: Path, tmp_path: Path) -> Iterator[Path]:
    """Another folder of this test alone, in which one file is gathered that it may change."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "one.css").write_text("a { margin: 0 }")
    finders = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    of_own = {"STATICFILES_DIRS": [tmp_path / "src"], "STATICFILES_FINDERS": finders}
    with override_settings(STATIC_ROOT=tmp_path / "static" / "served", **of_own):
        static_files.gather()
        yield tmp_path


def manifest_paths(own_folder: Path) -> dict[str, str]:
    return dict(json.loads((own_folder / "static" / "staticfiles.json").read_text())["paths"])


def test_a_gathering_that_was_killed_speaks_for_nothing(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one before is put back: its mark would say that all is there."""
    of_before = manifest_paths(own_folder)
    (own_folder / "src" / "one.css").rename(own_folder / "src" / "two.css")
    written = Path.write_text

    def killed(self: Path, *args: Any, **options: Any) -> int:
        if self.name == "gathered":
            raise KeyboardInterrupt
        return written(self, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", killed)
        with pytest.raises(KeyboardInterrupt):
            static_files.gather()
    assert "one.css" not in manifest_paths(own_folder)
    (own_folder / "src" / "two.css").rename(own_folder / "src" / "one.css")
    static_files.gather()
    assert manifest_paths(own_folder) == of_before


@pytest.mark.parametrize("lost", ["staticfiles.json", "served/{}", "half of it"])
def test_what_is_lost_is_gathered_anew_at_the_next_start(own_folder: Path, lost: str) -> None:
    paths, manifest = manifest_paths(own_folder), own_folder / "static" / "staticfiles.json"
    if lost == "half of it":
        manifest.write_text(manifest.read_text()[:99])
    else:
        (own_folder / "static" / lost.format(paths["one.css"])).unlink()
    static_files.gather()
    assert manifest_paths(own_folder) == paths
    assert (own_folder / "static" / "served" / paths["one.css"]).is_file()


def test_the_books_are_not_served(folder: Path) -> None:
    books = {path.name for path in folder.parent.iterdir() if path.is_file()}
    assert books == {"gathered", ".lock", "staticfiles.json"}
    assert not books & {path.name for path in folder.rglob("*")}
    for name in books:
        for address in (f"/static/{name}", f"/static/../{name}", f"/static/%2e%2e/{name}"):
            assert answer(address).status_code == 404


def test_a_folder_that_cannot_be_written_is_told_in_two_lines(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with override_settings(STATIC_ROOT=tmp_path / "file" / "static"):
        with pytest.raises(Misconfigured):
            static_files.gather()
        with pytest.raises(SystemExit, match=r"\ATulga does not start: .*\n.*TULGA_STATIC_DIR\.\Z"):
            static_files.require()
