"""The only table of the national authority's own certificates, by the SHA-256 of their DER.
Reviewed 2026-11-24.

The files were taken from a public collection that names the address of each; roots signed
themselves and what is under them. A person must compare the fingerprints with those the authority
publishes before anything live trusts them.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

Role = Literal["anchor", "intermediate", ""]


@dataclass(frozen=True, kw_only=True)
class OfficialCertificate:
    """One certificate. `role` is empty for what no borrower's signature may rest on; `under`: the
    name of its issuer.

    address: where its owner publishes it. valid_to: its last day, UTC.
    """

    name: str
    role: Role
    sha256: str
    address: str
    valid_to: date
    under: str = ""


_TABLE = (
    OfficialCertificate(
        name="root_gost_2022",
        role="anchor",
        sha256="af77725f8328bb24f89d81da3acdf7cee4324248538b7ba2cd2a860517fb9dca",
        address="https://root.gov.kz/cert/root_gost2015_2022.cer",
        valid_to=date(2045, 9, 8),
    ),
    OfficialCertificate(
        name="nca_gost_2022",
        role="intermediate",
        sha256="32c7d233a42703a327f3025543a05b930e3f39a786c68dfa196baa86d5618524",
        address="https://pki.gov.kz/cert/nca_gost_2022.cer",
        valid_to=date(2045, 9, 7),
        under="root_gost_2022",
    ),
    OfficialCertificate(
        name="root_rsa_2020",
        role="anchor",
        sha256="9ba06354b626641715182e4d07c9dbaa1777720fa795d03174ffc68876535dcd",
        address="https://root.gov.kz/cert/root_rsa_2020.cer",
        valid_to=date(2045, 9, 8),
    ),
    OfficialCertificate(
        name="nca_rsa_2022",
        role="intermediate",
        sha256="84fb799a66140950818c056a5d9730acc2a7622cdd4ef0d47113b132fb892905",
        address="https://pki.gov.kz/cert/nca_rsa_2022.cer",
        valid_to=date(2045, 9, 7),
        under="root_rsa_2020",
    ),
    # Other authorities: real, and no borrower's key is theirs. eds.md §1.
    OfficialCertificate(
        name="root_gost_2020",
        role="",
        sha256="c48164ab5ccaaee6b938299a1e3aeebd6f698bb2bd716a0f0d85befc46166aa2",
        address="https://root.gov.kz/cert/root_gost_2020.cer",
        valid_to=date(2045, 9, 8),
    ),
    OfficialCertificate(
        name="btsd_gost",
        role="",
        sha256="74bb80edf34f4594e5e69b79029c64214e67630e3d16b82f952ab6e5956c5fa8",
        address="https://root.gov.kz/cert/uc/btsd_gost.cer",
        valid_to=date(2029, 7, 29),
        under="root_gost_2020",
    ),
    OfficialCertificate(
        name="ucgo_gost",
        role="",
        sha256="eb5a5318299db447a46619d2a541f026b52c1fce8a1d371262da8f6f2d7bb6f5",
        address="https://ucgo.gov.kz/cert/ucgo_root.zip",
        valid_to=date(2045, 9, 7),
        under="root_gost_2020",
    ),
    # Expired in 2025: what they once certified has expired with them.
    OfficialCertificate(
        name="root_gost",
        role="",
        sha256="9ab210e54e6b0343321131202d9edcc2598f598cfdd9ee4ec1056021ab2e9759",
        address="https://root.gov.kz/cert/root_gost.cer",
        valid_to=date(2025, 7, 27),
    ),
    OfficialCertificate(
        name="root_rsa",
        role="",
        sha256="a7064abc5699827f370c67b09f1a1bfd7ad5e1514d471223df209c08300ea972",
        address="https://root.gov.kz/cert/root_rsa.cer",
        valid_to=date(2025, 7, 27),
    ),
    OfficialCertificate(
        name="nca_gost",
        role="",
        sha256="908521d0531e5645e64b34d3588374a3a83582c860e5f7293a04c41217e8cc18",
        address="https://pki.gov.kz/cert/nca_gost.crt",
        valid_to=date(2025, 6, 25),
        under="root_gost",
    ),
    OfficialCertificate(
        name="nca_rsa",
        role="",
        sha256="34d1b311a9873191ae3382805df51e0a5da23315c512a8deeb885668ceeb5834",
        address="https://pki.gov.kz/cert/nca_rsa.crt",
        valid_to=date(2025, 6, 25),
        under="root_rsa",
    ),
)
OFFICIAL: Final = {each.sha256: each for each in _TABLE}
