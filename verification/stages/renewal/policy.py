"""What the borrower says yes to after the wait, by version and language. A version is never edited.

Kazakh and Russian wording has not been proof-read by a lawyer or a native speaker; the README says
so.
"""

from dataclasses import dataclass
from hashlib import sha256

CURRENT = "2026-11-28"

TEXTS = {
    "2026-11-28": {
        "en": (
            "I had time to think it over. I want to receive the money of this loan, for the purpose"
            " and into the account that are named on this page. Nobody makes me do so."
        ),
        "ru": (
            "У меня было время подумать. Я хочу получить деньги по этому займу на цель и на счёт,"
            " указанные на этой странице. Никто меня к этому не принуждает."
        ),
        "kk": (
            "Ойлануға уақытым болды. Осы қарыздың ақшасын осы бетте көрсетілген мақсатқа және шотқа"
            " алғым келеді. Мені бұған ешкім мәжбүрлеп отырған жоқ."
        ),
    },
}


def text_sha256(version: str, language: str) -> str:
    """SHA-256 of the wording shown, in lower-case hex; raises `KeyError` for a version or language
    there is not.
    """
    return sha256(TEXTS[version][language].encode()).hexdigest()


@dataclass(frozen=True)
class RenewalPolicy:
    """Of which text there must be a yes."""

    version: str = CURRENT
    # Time to read and decide, seconds. Ours, as that of the consent.
    seconds: int = 30 * 60


POLICY = RenewalPolicy()
