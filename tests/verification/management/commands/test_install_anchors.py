"""Only certificates whose fingerprints are in the table are installed, and all of them or none."""

import ssl
from hashlib import sha256
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from verification.core.certificates import OFFICIAL
from verification.engines.pki.certificate import parse_certificate
from verification.sources.installed import trust_anchors

NAMES = ("root_rsa_2020", "nca_rsa_2022")
OTHERS = ("root_gost_2020", "btsd_gost", "ucgo_gost")


@pytest.fixture
def official(shared_data):
    """The authority's real certificates that are at hand."""
    return shared_data / "eds" / "production_ca"


@pytest.fixture
def live(tmp_path, settings):
    """Where the live set will be; the test set is beside it."""
    folders = {
        mode: {"trust_anchors": {"directory": str(tmp_path / "set" / mode)}}
        for mode in ("test", "live")
    }
    settings.TULGA_SOURCES = folders
    return tmp_path / "set" / "live"


@pytest.fixture
def given(tmp_path, official):
    """A folder with the pair of one family, to be changed."""
    folder = tmp_path / "given"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.cer").write_bytes((official / f"{name}.cer").read_bytes())
    return folder


def run(folder):
    out = StringIO()
    call_command("install_anchors", str(folder), stdout=out)
    return out.getvalue()


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else None


def test_the_official_pair_is_installed_with_its_pins_and_can_be_used(given, live):
    said = run(given)
    found = trust_anchors("live")
    assert [sha256(der).hexdigest() for der in (*found.anchors, *found.intermediates)] == [
        each.sha256 for each in OFFICIAL.values() if each.name in NAMES
    ]
    assert "missing: nca_gost_2022" in said
    assert all(
        each.sha256 in said and each.address in said
        for each in OFFICIAL.values()
        if each.name in NAMES
    )
    assert sorted(path.name for path in live.parent.iterdir()) == ["live"]


def test_other_authorities_are_left_out_by_name(official, live):
    said = run(official)
    assert all(f"left out: {name}" in said for name in OTHERS)
    assert sorted(content(live)) == ["nca_rsa_2022.cer", "pins.txt", "root_rsa_2020.cer"]


def test_a_pem_file_counts_by_its_der(given, live):
    path = given / "root_rsa_2020.cer"
    path.write_text(ssl.DER_cert_to_PEM_cert(path.read_bytes()))
    run(given)
    assert len(trust_anchors("live").anchors) == 1


def test_a_second_run_changes_nothing_and_a_part_takes_nothing_away(given, live):
    run(given)
    before = content(live)
    (given / "nca_rsa_2022.cer").unlink()
    run(given)
    assert content(live) == before


def _flipped(given):
    path = given / "nca_rsa_2022.cer"
    changed = bytearray(path.read_bytes())
    changed[-1] ^= 1
    path.write_bytes(changed)


def _unknown(given):
    (given / "another.pem").write_text(ssl.DER_cert_to_PEM_cert(b"\x30\x00"))


def _without_its_root(given):
    (given / "root_rsa_2020.cer").unlink()


def _empty(given):
    for path in given.iterdir():
        path.unlink()


def _no_certificate(given):
    (given / "broken.crt").write_text("-----BEGIN CERTIFICATE-----\nAAAA")


def _no_folder(given):
    _empty(given)
    given.rmdir()


MISMATCHES = [_flipped, _unknown, _empty, _no_certificate, _no_folder]


@pytest.mark.parametrize(
    ("change", "installed_before"),
    [
        (_without_its_root, False),
        *((change, before) for change in MISMATCHES for before in (False, True)),
    ],
)
def test_a_mismatch_refuses_and_changes_nothing(given, live, change, installed_before):
    if installed_before:
        run(given)
    before = content(live)
    change(given)
    with pytest.raises(CommandError, match="nothing was installed") as caught:
        run(given)
    assert caught.value.returncode == 1
    assert content(live) == before


def test_a_set_that_somebody_else_wrote_is_left_alone(given, live):
    live.mkdir(parents=True)
    der = (given / "root_rsa_2020.cer").read_bytes()
    (live / "own.cer").write_bytes(der)
    (live / "pins.txt").write_text(f"mode live\n{sha256(der).hexdigest()} anchor\n")
    before = content(live)
    with pytest.raises(CommandError, match="from another source"):
        run(given)
    assert content(live) == before


def test_what_the_test_set_trusts_is_never_installed_as_live(given, live):
    test = live.parent / "test"
    test.mkdir(parents=True)
    der = (given / "root_rsa_2020.cer").read_bytes()
    (test / "root.cer").write_bytes(der)
    (test / "pins.txt").write_text(f"mode test\n{sha256(der).hexdigest()} anchor\n")
    with pytest.raises(CommandError, match="shares a pin"):
        run(given)
    assert content(live) is None


def test_one_folder_for_both_modes_refuses(given, live, settings):
    settings.TULGA_SOURCES["test"] = settings.TULGA_SOURCES["live"]
    with pytest.raises(CommandError, match="share"):
        run(given)


def test_a_place_that_cannot_be_written_refuses_and_keeps_what_was_there(
    given, live, settings, tmp_path
):
    (tmp_path / "file").touch()
    settings.TULGA_SOURCES["live"] = {
        "trust_anchors": {"directory": str(tmp_path / "file" / "live")}
    }
    with pytest.raises(CommandError, match="cannot be written"):
        run(given)


def test_the_table_says_what_the_real_certificates_say(official):
    for path in official.glob("*.cer"):
        der = path.read_bytes()
        each = OFFICIAL[sha256(der).hexdigest()]
        assert each.name == path.stem
        if each.role:
            found = parse_certificate(der)
            assert (found.not_after.date(), found.subject == found.issuer) == (
                each.valid_to,
                each.role == "anchor",
            )


def test_every_intermediate_of_the_table_has_its_anchor_in_it():
    anchors = {each.name for each in OFFICIAL.values() if each.role == "anchor"}
    assert {each.under for each in OFFICIAL.values() if each.role == "intermediate"} == anchors
    assert len({each.name for each in OFFICIAL.values()}) == len(OFFICIAL)
