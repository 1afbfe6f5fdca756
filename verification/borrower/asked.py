"""Who is asked about a borrower under each legal profile, in words for `/rules`."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from verification.case import stages
from verification.core.profiles import Combination, Profile


def asked_in(profile: Profile) -> Iterator[tuple[str, list[str]]]:
    """By each way that suffices: its title, empty for the only one; and who is asked what, a
    sentence each.
    """
    titles = stages.titles()
    for combination in profile.combinations:
        title = " + ".join(str(titles.get(route, route)) for route in combination)
        yield title if len(profile.combinations) > 1 else "", list(_sentences(combination, profile))


def _sentences(combination: Combination, profile: Profile) -> Iterator[str]:
    services = stages.services_of(combination, is_registered=bool(profile.register_asked))
    if services:
        yield _("The borrower, by SMS from 1414: whether the state registers may be asked")
    if "person" in services:
        yield _(
            "The register of people: whether they live; names, birth date and document as stated"
        )
    if "photo" in services:
        yield _("The register of document photos: the photo that the face is compared with")
    if "phone" in services:
        yield _("The register of mobile numbers: whether the number is theirs")
    if "eds" in combination:
        yield _("The NCA RK: whether the certificate of the signature is revoked")
    if profile.stop_credit_max_age_seconds:
        yield _("A credit bureau, before the money leaves: whether they refuse all credits")
    if profile.cooling_off_over_mci:
        yield _("A credit bureau, before the money leaves: what others lent them online that day")
    if profile.account_owner_max_age_seconds:
        yield _("The bank of the account, before the money leaves: whether the account is theirs")
