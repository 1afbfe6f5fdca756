"""The key of the authority's own test person signs our statement. Its revocation list is older than
the key.
"""

from datetime import UTC, datetime
from hashlib import sha256

import pytest

from insecure_sandbox.credential import Credential
from insecure_sandbox.xml_signing import sign_xml
from tests.insecure_p12 import read_key_store
from tests.verification.stages.statement import signed_case as given
from verification.core.errors import SourceUnavailable
from verification.core.results import Outcome, decide
from verification.core.route import Evidence
from verification.engines.pki.certificate import parse_certificate
from verification.engines.pki.signatures import subject_iin
from verification.engines.pki.xmldsig import statement_document
from verification.stages.statement.checks import CHECKS

PASSWORD = "Qwerty12"
SIGNED_AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
LIST_IN_FORCE = datetime(2025, 4, 29, 12, tzinfo=UTC)


@pytest.fixture
def folder(shared_data):
    return shared_data / "eds" / "nca_test_2026"


def credential(folder, name):
    store = read_key_store((folder / name).read_bytes(), password=PASSWORD)
    issuer = (folder / "nca_gost2022_test.cer").read_bytes()
    return Credential(
        certificate=store.certificate,
        family="gost512",
        private_key=store.private_scalar,
        issuer_certificate=issuer,
    )


def signed(folder, name="individual_valid.p12", *, judged_at, form="cms"):
    key = credential(folder, name)
    case = given.case(subject_iin(parse_certificate(key.certificate)))
    content = given.text(case, issued=SIGNED_AT)
    plain = given.evidence(
        content, given.sign(key, content), trusted=[], lists=[], answered=SIGNED_AT
    )
    items = {
        **plain.items,
        **(
            {"statement.signature": sign_xml(key, statement_document(content))}
            if form == "xml"
            else {}
        ),
        "shared.anchor.0": (folder / "root_test_gost_2022.cer").read_bytes(),
        "shared.intermediate.0": (folder / "nca_gost2022_test.cer").read_bytes(),
        "shared.crl.0": (folder / "nca_gost2022_test.crl").read_bytes(),
    }
    return case, Evidence(items=items, at=judged_at)


def test_the_real_key_signs_and_only_its_stale_list_keeps_it_from_passing(folder):
    case, evidence = signed(folder, judged_at=SIGNED_AT)
    results = given.judge(case, evidence)
    assert given.refusals(results) == {"eds.revocation": "eds_revocation_unknown"}
    (stale,) = [one for one in results if one.check == "eds.revocation"]
    said = str(stale.detail["detail"])
    assert "stale" in said or "next update" in said.lower()
    assert decide(results, required=tuple(CHECKS)).outcome is Outcome.RETRY


@pytest.mark.parametrize("form", ["cms", "xml"])
def test_judged_on_a_day_its_list_was_in_force_the_real_key_is_verified(folder, form):
    case, evidence = signed(folder, judged_at=LIST_IN_FORCE, form=form)
    assert decide(given.judge(case, evidence), required=tuple(CHECKS)).outcome is Outcome.PASSED


def test_one_changed_byte_in_the_key_of_the_real_root_is_a_fault_of_ours(folder):
    case, evidence = signed(folder, judged_at=LIST_IN_FORCE)
    root = bytearray(evidence.items["shared.anchor.0"])
    root[len(root) // 2] ^= 1
    assert sha256(root).digest() != sha256(evidence.items["shared.anchor.0"]).digest()
    items = {**evidence.items, "shared.anchor.0": bytes(root)}
    with pytest.raises(SourceUnavailable, match="point of its curve"):
        given.judge(case, Evidence(items=items, at=evidence.at))
