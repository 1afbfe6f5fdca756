"""People who exist in test mode only: IINs of 1899 for scripted ends, and the test individual of the NCA RK."""

from verification.core.errors import BadInput
from verification.core.ids import AUTHORITY_TEST_IIN, Iin

# What the sandbox is told to play for each; all pass the check digit. api.md §1.
SCENARIOS = {
    "990101100010": "verified",
    "990101100020": "eds_revoked",
    "990101100030": "face_mismatch",
    "990101100040": "liveness_failed",
    "990101100050": "wrong_code",
    "990101100060": "registry_mismatch",
    "990101100070": "ocsp_silent",
    "990101100080": "review",
    "990101100090": "expires",
    "990101100111": "coercion_reported",
    "990101100123": "failed",
    "990101100135": "deceased",
}
_LAST_TEST_BIRTH_YEAR = 1899


def refuse_test_person(iin: Iin) -> None:
    """Raises `BadInput` for a number that nobody alive can hold: live mode knows no test people."""
    born = iin.birth_date
    if iin.value == AUTHORITY_TEST_IIN or (born is not None and born.year <= _LAST_TEST_BIRTH_YEAR):
        raise BadInput("this IIN is for test mode only", code="iin_test_only", pointer="/subject/iin")
