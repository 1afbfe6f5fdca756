"""One revocation list asked by hand, as a verification asks several."""

from datetime import datetime

from verification.core.errors import Refused
from verification.engines.pki.certificate import Certificate
from verification.engines.pki.crl import RevocationList, verify_crl
from verification.engines.pki.ocsp import State, unknown
from verification.engines.pki.revocation import look_up


def check_not_revoked(
    certificate: Certificate, *, crl: RevocationList, issuer: Certificate, at: datetime
) -> None:
    """Return if `certificate` was not on the complete list `crl` at the time `at`.

    Raises `Refused`: eds_certificate_revoked (facts: reason, RFC 5280 §5.3.1), or
        eds_revocation_unknown.
    """
    if certificate.issuer != issuer.subject:
        raise unknown("the list is by another issuer")
    status = look_up(certificate.serial, complete=[verify_crl(crl, issuer=issuer)], at=at)
    if status.state is not State.GOOD:
        raise Refused(
            "eds_certificate_revoked",
            "the serial number is on the list",
            facts={"reason": status.reason or 0},
        )
