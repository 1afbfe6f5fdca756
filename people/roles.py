"""Who may do what: a role is a set of permissions, and pages ask for permissions only."""

import re
from enum import StrEnum

REVIEW_CASES = "people.review_cases"
READ_OVERSIGHT = "people.read_oversight"
OPERATE = "people.operate"

# What the admin site asks before it shows or changes a row of ours. Deleting is not among them, nor
# are other apps: second factors and sessions are nobody's to look at.
_ADMIN_OF_OUR_ROWS = re.compile(r"(people|lenders)\.(view|add|change)_[a-z]+")


class Role(StrEnum):
    """What a person signs in as."""

    REVIEWER = "reviewer"
    REGULATOR = "regulator"
    OPERATOR = "operator"


PERMISSIONS: dict[str, frozenset[str]] = {
    Role.REVIEWER: frozenset({REVIEW_CASES}),
    Role.REGULATOR: frozenset({READ_OVERSIGHT}),
    Role.OPERATOR: frozenset({OPERATE}),
}


def allows(role: str, *, permission: str) -> bool:
    """Whether this role carries the permission, named `app.codename`; unknown roles and permissions
    carry nothing.
    """
    if permission in PERMISSIONS.get(role, frozenset()):
        return True
    return role == Role.OPERATOR and _ADMIN_OF_OUR_ROWS.fullmatch(permission) is not None
