"""Writes the statements and the signatures over them anew: `python -m
tests.vectors.statements.build`.

The statements come out the same each time: they are what was signed, and change with a new version
of the words alone. The keys of the signatures are made for the one run and forgotten.
"""

from pathlib import Path
from typing import Any

from insecure_sandbox.xml_signing import sign_xml
from tests.vectors.eds.workshop import SHORT, World
from verification.core.statement_text import CURRENT, FORM, write
from verification.engines.pki.xmldsig import statement_document

FOLDER = Path(__file__).resolve().parent
LANGUAGES = ("kk", "ru", "en")
DATA: dict[str, Any] = {
    "type": FORM,
    "words": "2026-11-28",  # the signatures beside are over these
    "language": "kk",
    "mode": "test",
    "verification": "ver_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "lender_bin": "120340000014",
    "lender_name": "«Алтын Қаржы» МҚҰ & Co <ЖШС>",
    "iin": "990101100010",
    "purpose": "Consumer microcredit",
    "amount": "150000.00",
    "currency": "KZT",
    "term_days": 30,
    "annual_rate": "46.00",
    "total_repayable": "155700.50",
    "payout_account": "KZ86 •••• 0100",
    "payout_account_sha256": "a" * 64,
    "contract_sha256": "",
    "nonce": "00112233445566778899aabbccddeeff",
    "issued": "2026-11-24T11:59:00+00:00",
    "expires": "2026-11-24T12:14:00+00:00",
}


def data(spoken: str, **changes: Any) -> dict[str, Any]:
    """The data of the one statement in a language, or of another."""
    return {**DATA, "language": spoken, **changes}


def build(folder: Path) -> None:
    """Writes all files."""
    for language in LANGUAGES:
        (folder / f"statement.{language}.txt").write_bytes(write(data(language)))
        current = write(data(language, words=CURRENT))
        (folder / f"statement.{CURRENT}.{language}.txt").write_bytes(current)
    for family, short in SHORT.items():
        world = World(family)  # type: ignore[arg-type]
        for name, content in (
            ("root", world.root.certificate),
            ("issuing", world.issuing.certificate),
        ):
            (folder / f"{name}.{short}.crt").write_bytes(content)
        (folder / f"list.{short}.crl").write_bytes(world.good_crl)
        for language in LANGUAGES:
            text = write(data(language))
            (folder / f"{language}.{short}.cms").write_bytes(world.sign(world.person, text))
            (folder / f"{language}.{short}.xml").write_bytes(
                sign_xml(world.person, statement_document(text))
            )


if __name__ == "__main__":
    build(FOLDER)
