"""An installed certificate is trusted by its pin alone, and never in two modes."""

import ssl
from hashlib import sha256
from pathlib import Path

import pytest
from pytest_django import Settings

from verification.core.errors import Misconfigured
from verification.sources.installed import TrustSet, trust_anchors

ROOT, ISSUER, OTHER = b"\x30root", b"\x30issuer", b"\x30other"


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def pins(*, mode: str = "test", root: bytes = ROOT, issuer: bytes = ISSUER) -> str:
    return (
        f"# what is trusted\nmode {mode}\n\n{digest(root)}  anchor  the"
        f" root\n{digest(issuer).upper()} intermediate\n"
    )


def install(directory: Path, text: str, **files: bytes) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "pins.txt").write_text(text)
    for name, content in files.items():
        (directory / f"{name}.cer").write_bytes(content)
    return directory


@pytest.fixture
def directory(tmp_path: Path, settings: Settings) -> Path:
    """The directory configured for mode `test`: one root, one issuing certificate."""
    path = install(tmp_path / "test", pins(), root=ROOT, issuer=ISSUER)
    settings.TULGA_SOURCES = {"test": {"trust_anchors": {"directory": str(path)}}, "live": {}}
    return path


def test_pinned_files_are_given_by_role(directory: Path) -> None:
    assert trust_anchors("test") == TrustSet(anchors=(ROOT,), intermediates=(ISSUER,))


def test_a_time_stamp_authority_is_pinned_apart_and_ends_no_path(directory: Path) -> None:
    install(directory, pins() + f"{digest(OTHER)} tsa\n", other=OTHER)
    found = trust_anchors("test")
    assert (found.anchors, found.intermediates, found.timestamping) == (
        (ROOT,),
        (ISSUER,),
        (OTHER,),
    )


def test_a_pem_file_is_pinned_by_its_der(directory: Path) -> None:
    (directory / "root.cer").write_text(ssl.DER_cert_to_PEM_cert(ROOT))
    assert trust_anchors("test").anchors == (ROOT,)


def test_hidden_files_are_ignored(directory: Path) -> None:
    (directory / ".gitkeep").touch()
    assert trust_anchors("test").anchors == (ROOT,)


def test_a_changed_file_refuses_and_is_named(directory: Path) -> None:
    (directory / "root.cer").write_bytes(ROOT + b"\x00")
    with pytest.raises(Misconfigured, match=r"root\.cer"):
        trust_anchors("test")


def test_a_file_without_a_pin_refuses_and_is_named(directory: Path) -> None:
    (directory / "other.cer").write_bytes(OTHER)
    with pytest.raises(Misconfigured, match=r"other\.cer"):
        trust_anchors("test")


def test_a_pin_without_a_file_refuses(directory: Path) -> None:
    (directory / "issuer.cer").unlink()
    with pytest.raises(Misconfigured, match=digest(ISSUER).upper()[:8].lower()):
        trust_anchors("test")


@pytest.mark.parametrize("name", ["big.cer", "broken.cer", "a_directory"])
def test_what_is_no_certificate_refuses_and_is_named(directory: Path, name: str) -> None:
    if name == "a_directory":
        (directory / name).mkdir()
    else:
        content = b"\x30" * 65537 if name == "big.cer" else b"-----BEGIN CERTIFICATE-----\nAAAA"
        (directory / name).write_bytes(content)
    with pytest.raises(Misconfigured, match=name):
        trust_anchors("test")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mode test\n",
        pins().replace("mode test\n", ""),
        pins(mode="live"),
        pins() + "mode test\n",
        pins() + "mode live\n",
        pins().replace(" anchor ", " root "),
        pins().replace("anchor", "intermediate"),
        pins() + "anything else\n",
        pins() + digest(OTHER)[:-1] + " anchor\n",
    ],
)
def test_a_pin_list_that_is_not_exactly_right_refuses(directory: Path, text: str) -> None:
    (directory / "pins.txt").write_text(text)
    with pytest.raises(Misconfigured):
        trust_anchors("test")


def test_a_missing_pin_list_refuses(directory: Path) -> None:
    (directory / "pins.txt").unlink()
    with pytest.raises(Misconfigured, match=r"pins\.txt"):
        trust_anchors("test")


@pytest.mark.parametrize("entry", [{}, {"directory": ""}, {"directory": 5}, {"folder": "x"}])
def test_a_mode_without_a_directory_refuses(settings: Settings, entry: dict[str, object]) -> None:
    settings.TULGA_SOURCES = {"test": {"trust_anchors": entry}}
    with pytest.raises(Misconfigured):
        trust_anchors("test")


def test_two_modes_with_sets_of_their_own_are_both_given(
    directory: Path, settings: Settings
) -> None:
    live = install(
        directory.parent / "live",
        pins(mode="live", root=OTHER, issuer=b"\x30"),
        root=OTHER,
        issuer=b"\x30",
    )
    settings.TULGA_SOURCES["live"] = {"trust_anchors": {"directory": str(live)}}
    assert trust_anchors("test").anchors == (ROOT,)
    assert trust_anchors("live").anchors == (OTHER,)


@pytest.mark.parametrize("mode", ["test", "live"])
def test_a_pin_shared_by_both_modes_refuses_in_both(
    directory: Path, settings: Settings, mode: str
) -> None:
    live = install(
        directory.parent / "live", pins(mode="live", root=OTHER), root=OTHER, issuer=ISSUER
    )
    settings.TULGA_SOURCES["live"] = {"trust_anchors": {"directory": str(live)}}
    with pytest.raises(Misconfigured, match="shares a pin"):
        trust_anchors(mode)


@pytest.mark.parametrize("where", ["", "below", ".."])
def test_one_directory_for_both_modes_refuses(
    directory: Path, settings: Settings, where: str
) -> None:
    settings.TULGA_SOURCES["live"] = {"trust_anchors": {"directory": str(directory / where)}}
    with pytest.raises(Misconfigured, match="share"):
        trust_anchors("test")
