"""Signed XML in a file is judged as a CMS is, and the exit code says the same of it."""

import pytest

from tests.tools.commands.eds_folder import Files, row, said
from tests.verification.stories.story import IIN


@pytest.mark.parametrize("family", ["gost512", "rsa"])
def test_signed_xml_is_read_and_its_report_is_that_of_a_cms_but_for_the_form(
    family, issued, authorities, tmp_path
):
    files = Files(tmp_path, authorities[family])
    signer = issued(family)
    found = {}
    for form, sign in (("cms", files.sign), ("xml", files.sign_as_xml)):
        sign(signer)
        code, report = files.run("--iin", IIN)
        assert (code, *said(report)) == (0, "TOTAL-PASSED", "", "")
        assert row(report, "eds.format")["detail"]["form"] == form
        found[form] = [(one["name"], one["outcome"]) for one in report["checks"]], report["signer"]
    assert found["xml"] == found["cms"]
