"""A directory of certificates by role, and a statement whose words are held to its data."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from insecure_sandbox import timestamping
from insecure_sandbox.credential import Credential
from insecure_sandbox.keys import generate_old_key
from tests.tools.commands.eds_folder import Files, row
from tests.vectors.statements.build import data
from tests.verification.stories.story import IIN
from verification.core.statement_text import write

Issued = Callable[..., Credential]


def stamped(files: Files, credential: Credential, by: Credential) -> None:
    """The signature with a time-stamp by this authority inside."""
    signature = files.sign(credential)
    stamp = timestamping.stamp(
        by, timestamping.signature_value(signature), at=datetime.now(UTC).replace(microsecond=0)
    )
    files.put("signature", timestamping.with_tokens(signature, timestamping.encode(stamp)))


def old_authority(files: Files) -> Credential:
    """Of the old GOST: nobody can tell whether it is revoked, so it is pinned or proves nothing."""
    ago = datetime.now(UTC) - timedelta(days=1)
    root = timestamping.create_old_root(at=ago)
    return timestamping.certify_timestamping(
        files.authority, at=ago, key=generate_old_key(), by=root
    )


def test_a_time_stamp_authority_in_the_folder_tsa_is_believed_and_elsewhere_it_is_not(
    gost: Files, issued: Issued
) -> None:
    by = old_authority(gost)
    stamped(gost, issued(), by)
    code, report = gost.run("--iin", IIN)
    assert (code, row(report, "eds.timestamp")["detail"]["unproven"]) == (
        0,
        "eds_timestamp_untrusted",
    )
    # Lying with the others it is of an algorithm that no signer may have: left out, and said so.
    gost.put("trust/tsa.cer", by.certificate)
    code, report = gost.run("--iin", IIN)
    assert "unproven" in row(report, "eds.timestamp")["detail"]
    assert any("tsa.cer was left out" in note for note in report["notes"])
    (gost.folder / "trust" / "tsa.cer").unlink()
    (gost.folder / "trust" / "tsa").mkdir()
    gost.put("trust/tsa/old.cer", by.certificate)
    code, report = gost.run("--iin", IIN)
    assert (code, row(report, "eds.timestamp")["detail"]["authority"]) == (0, "pinned")
    assert report["times"]["tsp"] == report["times"]["reference"]
    assert any("time-stamps alone" in note for note in report["notes"])


def test_what_lies_in_the_folder_tsa_ends_no_path_of_a_signer(gost: Files, issued: Issued) -> None:
    gost.sign(issued())
    (gost.folder / "trust" / "tsa").mkdir()
    for name in ("root.cer", "issuing.crt"):
        (gost.folder / "trust" / name).rename(gost.folder / "trust" / "tsa" / name)
    code, report = gost.run("--iin", IIN)
    assert (code, report["code"]) == (2, "eds_path_untrusted")
    assert any("no self-signed certificate" in note for note in report["notes"])


def test_the_folders_anchor_and_intermediate_say_what_a_certificate_is_for(
    gost: Files, issued: Issued
) -> None:
    gost.sign(issued())
    for role, name in (("anchor", "root.cer"), ("intermediate", "issuing.crt")):
        (gost.folder / "trust" / role).mkdir()
        (gost.folder / "trust" / name).rename(gost.folder / "trust" / role / name)
    assert gost.run("--iin", IIN)[0] == 0
    # An anchor by its folder needs no root above it; an intermediate by its folder ends nothing.
    (gost.folder / "trust" / "anchor" / "root.cer").rename(
        gost.folder / "trust" / "intermediate" / "root.cer"
    )
    assert gost.run("--iin", IIN)[0] == 2


@pytest.mark.parametrize("role", ["anchor", "intermediate", "tsa"])
def test_what_is_no_certificate_in_a_folder_is_a_mistake(
    gost: Files, issued: Issued, role: str
) -> None:
    gost.sign(issued())
    (gost.folder / "trust" / role).mkdir()
    gost.put(f"trust/{role}/bad.cer", b"\x30\x03\x02\x01\x01")
    assert gost.run("--iin", IIN) == (3, None)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_statement_of_ours_is_verified_only_if_its_words_say_what_its_data_say(
    gost: Files, issued: Issued, language: str
) -> None:
    right = write(data(language))
    gost.sign(issued(), right)
    assert gost.run("--iin", IIN)[0] == 0
    changes: list[Any] = [
        (b'"amount":"150000.00"', b'"amount":"950000.00"'),
        (b"46", b"16"),
        (b"KZ86", b"KZ87"),
    ]
    for old, new in changes:
        # Rightly signed as it stands: whoever signs what does not agree with itself has signed
        # nothing of ours.
        gost.sign(issued(), right.replace(old, new, 1))
        assert gost.run("--iin", IIN) == (3, None), old
    assert json.loads(right.rpartition(b"\n")[2])["language"] == language
