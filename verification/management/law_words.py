"""What a law file says, as sentences of a command: the operator reads them before signing, and after taking."""

from collections.abc import Iterator

from verification.core import profiles, strictness
from verification.core.law_file import Law
from verification.core.profiles import Profile


def sentences(law: Law) -> Iterator[str]:
    """One line for the file, then one for each thing that it says."""
    yield f"law file {law.number} for {law.installation}, issued at {law.issued_at:%Y-%m-%d %H:%M} UTC"
    for value in law.values:
        yield f"the MCI of {value.in_force_from.year} is {value.tenge} tenge (source: {value.source})"
    for change in law.statuses:
        status = f"{change.profile} is {change.status.replace('_', ' ')} since {change.since}"
        yield f"{status} (source: {change.source})"
    for profile in law.profiles:
        yield f"{profile.id} is {profile.status.replace('_', ' ')} since {profile.since} (source: {profile.source})"
        yield from (f"  {line}" for line in _rule(profile))
    yield f"sha256 {law.sha256}"


def _rule(profile: Profile) -> Iterator[str]:
    yield "suffices: " + ", or ".join(" + ".join(routes) for routes in profile.combinations)
    numbers = {name: getattr(profile, name) for name in vars(profile) if name not in strictness.NOT_DECIDING}
    for name, value in numbers.items():
        if name != strictness.COMBINATIONS and value is not None:
            yield f"{name}: {value}"
    for name in profile.repeals:
        earlier = profiles.book().get(name)
        fields = ", ".join(strictness.laxer(profile, earlier)) if earlier else "what is not known here"
        yield f"repeals {name}, and asks less than it in: {fields or 'nothing'}"
