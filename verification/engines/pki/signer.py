"""Who signed, as the person we know: a certificate's IIN with its check digit, and what a report may say of it."""

from verification.core.errors import BadInput, Refused
from verification.core.ids import Iin
from verification.engines.pki.certificate import Certificate
from verification.engines.pki.identity import subject_iin, subject_names


def signer_iin(signer: Certificate) -> Iin:
    """The IIN in the subject. Raises `Refused` (eds_iin_missing), also for a wrong check digit."""
    try:
        return Iin.parse(subject_iin(signer))
    except BadInput as error:
        raise Refused("eds_iin_missing", error.detail) from error


def compare_surname(signer: Certificate, known: str) -> str:
    """How the surname in the subject compares with the one we were told: `same`, `different` or `not asked`."""
    if not known:
        return "not asked"
    return "same" if known.casefold() == subject_names(signer).surname.casefold() else "different"


def describe_signer(signer: Certificate) -> dict[str, str]:
    """The masked IIN, right or not, and what tells the certificate apart. Raises `Refused` (eds_iin_missing)."""
    return {
        "iin": Iin(subject_iin(signer)).masked,
        "certificate_sha256": signer.sha256,
        "family": signer.family,
        "serial": f"{signer.serial:x}",
    }
