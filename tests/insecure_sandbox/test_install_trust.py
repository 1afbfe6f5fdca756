"""What is written for the test set is what the product reads back; nothing of anybody else's is
overwritten.
"""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from insecure_sandbox.install_trust import write_anchors
from verification.core.errors import Misconfigured
from verification.sources.installed import TrustSet, trust_anchors


def entry(der: bytes, role: str = "anchor", **changes: str) -> dict[str, str]:
    fields = {
        "role": role,
        "sha256": sha256(der).hexdigest(),
        "certificate": b64encode(der).decode(),
        "comment": "x",
    }
    return fields | changes


def listed(*entries: dict[str, str], mode: str = "test") -> dict[str, Any]:
    return {"mode": mode, "certificates": list(entries)}


LISTED = listed(entry(b"\x30root"), entry(b"\x30issuing", "intermediate"))


def read(settings: Settings, directory: Path, mode: str = "test") -> TrustSet:
    settings.TULGA_SOURCES = {mode: {"trust_anchors": {"directory": directory}}}
    return trust_anchors(mode)


def test_the_product_reads_back_what_was_written(settings: Settings, tmp_path: Path) -> None:
    write_anchors(LISTED, tmp_path / "anchors" / "test")
    expected = TrustSet(anchors=(b"\x30root",), intermediates=(b"\x30issuing",))
    assert read(settings, tmp_path / "anchors" / "test") == expected


def test_the_live_set_refuses_what_was_written(settings: Settings, tmp_path: Path) -> None:
    write_anchors(LISTED, tmp_path / "test")
    with pytest.raises(Misconfigured, match="mode live"):
        read(settings, tmp_path / "test", mode="live")


def test_anchors_of_another_sandbox_replace_the_former(settings: Settings, tmp_path: Path) -> None:
    write_anchors(LISTED, tmp_path / "test")
    write_anchors(listed(entry(b"\x30other")), tmp_path / "test")
    assert read(settings, tmp_path / "test") == TrustSet(anchors=(b"\x30other",), intermediates=())
    assert [path.name for path in tmp_path.iterdir()] == ["test"]


@pytest.mark.parametrize("name", ["pins.txt", "letter.txt", "below"])
def test_files_of_another_owner_are_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir() if name == "below" else (tmp_path / name).write_text("mode test\n")
    with pytest.raises(ValueError, match="from another source"):
        write_anchors(LISTED, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "content",
    [
        listed(entry(b"\x30root"), mode="live"),
        {"certificates": [entry(b"\x30root")]},
        listed(entry(b"\x30root", sha256="0" * 64)),
        listed(entry(b"\x30root", role="root")),
        listed(entry(b"\x30root", comment="two\nlines")),
        listed(entry(b"\x30root", certificate="not base64!")),
    ],
)
def test_an_inconsistent_list_writes_nothing(tmp_path: Path, content: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        write_anchors(content, tmp_path / "test")
    assert not (tmp_path / "test").exists()
