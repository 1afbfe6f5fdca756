"""People on record: each change of a person is stated in the logs, with the row."""

from people.models import SecondFactor, User
from verification.core.events import PERSON
from verification.fields import columns_of
from verification.log import actors


def keep(user: User, *, by: str = "") -> None:
    """States a saved person, inside the transaction that saved them.

    by: the id of the operator who acts; empty for a command.
    """
    factor = SecondFactor.objects.filter(user=user).order_by("pk").first()
    row = columns_of(user) | {"sealed_key": bytes(factor.sealed_key) if factor else b""}
    actors.state(PERSON, user.pk, row, by=by)
